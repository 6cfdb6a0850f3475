-- What a person did about a quarantined record: who, when, and the body they sent instead of it (sealed).
ALTER TABLE quarantine
  ADD COLUMN closed_by text,
  ADD COLUMN closed_at timestamptz,
  ADD COLUMN mended bytea;
CREATE INDEX quarantine_agency ON quarantine (agency_id, created_at) WHERE state = 'open';

-- One row a calendar file. Everything that fell due up to `opened_through` was opened, in the transaction that moved it.
CREATE TABLE calendars (
  name text PRIMARY KEY,
  opened_through timestamptz NOT NULL,
  windows integer NOT NULL DEFAULT 0,
  opened bigint NOT NULL DEFAULT 0,
  -- What is wrong with the file now: [{ pointer, message }]. The calendar goes on with the windows that are right.
  faults jsonb NOT NULL DEFAULT '[]',
  next_at timestamptz,
  looked_at timestamptz
);

-- One row a feed. `cursor` is what to ask for next; it moves in the transaction that took the events before it.
CREATE TABLE feeds (
  name text PRIMARY KEY,
  agency_id text NOT NULL REFERENCES agencies,
  -- Of which configuration the cursor is: another address begins anew.
  url text NOT NULL,
  cursor text,
  -- Of the page at the cursor, for a conditional request.
  etag text,
  last_modified text,
  -- Hashes of the last cursors, newest last: one that comes again goes backwards.
  visited jsonb NOT NULL DEFAULT '[]',
  state text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'ok', 'failing')),
  code text,
  message text,
  failures integer NOT NULL DEFAULT 0,
  accepted bigint NOT NULL DEFAULT 0,
  refused bigint NOT NULL DEFAULT 0,
  next_at timestamptz NOT NULL DEFAULT '-infinity',
  leased_until timestamptz NOT NULL DEFAULT '-infinity',
  lease uuid,
  looked_at timestamptz,
  succeeded_at timestamptz
);
