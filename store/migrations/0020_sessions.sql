-- Who is signed in, and who is on the way to be. Tokens are 256 random bits; what stands here is their SHA-256, so whoever reads this table
-- cannot use any of it.

-- The cookie is the row's id and a token. A token is replaced every hour: `next_hash` was given to the browser and not seen since, the
-- current one goes on until it is; after that `previous_hash` is good until `previous_until`, for requests that were under way. Shown later,
-- somebody has a copy, and the session ends (docs/adr/0023-who-is-signed-in.md).
CREATE TABLE sessions (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('staff', 'citizen')),
  -- Staff: `sub` at the identity provider. A citizen: their id.
  subject text NOT NULL,
  -- Empty for citizens: what they are called is not ours to keep.
  name text NOT NULL,
  -- Null: a citizen, or a platform owner.
  agency_id text,
  roles text[] NOT NULL,
  locale text NOT NULL,
  token_hash bytea NOT NULL,
  next_hash bytea,
  next_at timestamptz,
  previous_hash bytea,
  previous_until timestamptz,
  -- When the current token was given.
  token_at timestamptz NOT NULL,
  csrf text NOT NULL,
  -- What the identity provider is shown at sign-out; sealed.
  id_token bytea,
  -- Browser and system in a word or two, so that a person tells their sessions apart.
  device text NOT NULL,
  created_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  -- Whatever happens, not longer than this.
  ends_at timestamptz NOT NULL,
  CHECK ((kind = 'citizen') = (cardinality(roles) = 0)),
  CHECK (kind = 'staff' OR agency_id IS NULL)
) WITH (fillfactor = 70);
CREATE INDEX sessions_person ON sessions (kind, subject);

-- Sign-ins under way: a row is taken once, so a state cannot be used again. `browser_hash` is of a cookie, so nobody else's browser can end
-- what this one began.
CREATE TABLE sign_ins (
  state_hash bytea PRIMARY KEY,
  browser_hash bytea NOT NULL,
  kind text NOT NULL CHECK (kind IN ('staff', 'citizen')),
  -- Sealed: PKCE verifier, nonce, and where to go on.
  secrets bytea NOT NULL,
  created_at timestamptz NOT NULL
);
