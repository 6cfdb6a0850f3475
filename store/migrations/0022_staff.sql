-- What staff do: versions of rules with every step that a person took, the audit trail, keys of repeated requests; and notices by their code.

-- `awaiting`: somebody asked another person to approve it. A refusal makes it a draft again.
ALTER TABLE rule_versions DROP CONSTRAINT rule_versions_state_check;
ALTER TABLE rule_versions ADD CONSTRAINT rule_versions_state_check
  CHECK (state IN ('draft', 'awaiting', 'approved', 'published', 'withdrawn'));
-- Lists go by when something last happened to a rule.
ALTER TABLE rules
  ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN withdrawn_at timestamptz,
  -- How often the rule was withdrawn: a day's campaign of targeted events that was cancelled with it is not taken up by its next version.
  ADD COLUMN withdrawals integer NOT NULL DEFAULT 0;
CREATE INDEX rules_changed ON rules (changed_at, id);

-- Who did what to a version, in order. `hash` is of what the version said then, so an approval names what was approved.
CREATE TABLE rule_steps (
  rule_id text NOT NULL,
  version integer NOT NULL,
  number integer NOT NULL,
  step text NOT NULL CHECK (step IN ('drafted', 'edited', 'requested', 'refused', 'approved', 'published', 'withdrawn')),
  by text NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  hash text NOT NULL,
  reason text,
  PRIMARY KEY (rule_id, version, number),
  FOREIGN KEY (rule_id, version) REFERENCES rule_versions (rule_id, version)
);
INSERT INTO rule_steps (rule_id, version, number, step, by, at, hash)
SELECT rule_id, version, row_number() OVER (PARTITION BY rule_id, version ORDER BY place), step, by, at, hash FROM (
  SELECT rule_id, version, 1 AS place, 'drafted' AS step, author AS by, created_at AS at, hash FROM rule_versions
  UNION ALL SELECT rule_id, version, 2, 'approved', approver, approved_at, hash FROM rule_versions WHERE approver IS NOT NULL AND approved_at IS NOT NULL
  UNION ALL SELECT rule_id, version, 3, 'published', coalesce(approver, author), published_at, hash FROM rule_versions WHERE published_at IS NOT NULL
) s;

-- The audit trail: one chain. An entry's hash is over its own text and the hash before it (domain/audit-entry.ts), so that whoever changes,
-- removes or slips in an entry changes every hash after it. The head is the lock that puts entries in order, and says which one is the last.
CREATE TABLE audit_entries (
  number bigint PRIMARY KEY,
  at timestamptz(3) NOT NULL,
  agency_id text,
  actor text NOT NULL,
  actor_name text,
  action text NOT NULL,
  object text,
  reason text,
  details jsonb NOT NULL,
  request text,
  previous bytea NOT NULL,
  hash bytea NOT NULL
);
CREATE INDEX audit_entries_agency ON audit_entries (agency_id, number);
CREATE INDEX audit_entries_actor ON audit_entries (actor, number);
CREATE INDEX audit_entries_object ON audit_entries (object, number);
CREATE TABLE audit_head (
  only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
  number bigint NOT NULL,
  hash bytea NOT NULL
) WITH (fillfactor = 50);
INSERT INTO audit_head (number, hash) VALUES (0, sha256('allim audit trail'));

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE ON audit_entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_entries_never_emptied BEFORE TRUNCATE ON audit_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_head_never_emptied BEFORE TRUNCATE ON audit_head FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER rule_steps_append_only BEFORE UPDATE OR DELETE ON rule_steps FOR EACH ROW EXECUTE FUNCTION refuse_change();
REVOKE ALL ON audit_entries, audit_head FROM PUBLIC;

-- Requests that say a key: done once, and answered the same as often as they are asked within a day. The answer is sealed: it may hold a secret.
CREATE TABLE idempotency_keys (
  caller text NOT NULL,
  key text NOT NULL,
  -- Of method, path and body.
  fingerprint bytea NOT NULL,
  started_at timestamptz NOT NULL,
  -- Whoever began it is taken to be dead afterwards.
  held_until timestamptz NOT NULL,
  status smallint,
  answer bytea,
  PRIMARY KEY (caller, key)
);

-- What a citizen reads aloud: domain/short-code.ts as a number, so that a notice is found by its code and nothing more is stored.
CREATE FUNCTION notice_code(id uuid) RETURNS integer LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT ((('x' || left(encode(sha256(('short-code' || chr(31) || id::text)::bytea), 'hex'), 12))::bit(48)::bigint) % 729000000)::integer
$$;
CREATE INDEX notifications_code ON notifications (notice_code(id));

-- Campaigns are listed by when their event came.
CREATE INDEX campaigns_accepted ON campaigns (accepted_at, id);

-- Staff read their own agency's of it (migration 0021). The head says how long the trail is, which is everybody's to know.
SELECT guard_agency_table('audit_entries');
SELECT guard_child_table('rule_steps', 'rule_id', 'rules');
