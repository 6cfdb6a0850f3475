-- Where a rules process takes questions; null for one that takes none.
ALTER TABLE rules_processes ADD COLUMN address text;

-- Whose contact points changed, for the processes that keep in memory which channels lead to whom. A reader goes by transaction ids and
-- not by a sequence: numbers are given out before they are committed, and a reader that has seen 7 would never see a 6 that came later.
CREATE TABLE reach_changes (
  citizen_id text NOT NULL,
  changed_by xid8 NOT NULL DEFAULT pg_current_xact_id(),
  at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX reach_changes_by ON reach_changes (changed_by);

CREATE FUNCTION note_reach() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO reach_changes (citizen_id) SELECT DISTINCT citizen_id FROM gone;
  ELSE
    INSERT INTO reach_changes (citizen_id) SELECT DISTINCT citizen_id FROM fresh;
  END IF;
  RETURN NULL;
END $$;
-- A trigger with a transition table is for one kind of statement. No update moves a contact point to another citizen.
CREATE TRIGGER note_reach_of_new AFTER INSERT ON contact_points REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION note_reach();
CREATE TRIGGER note_reach_of_changed AFTER UPDATE ON contact_points REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION note_reach();
CREATE TRIGGER note_reach_of_gone AFTER DELETE ON contact_points REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION note_reach();

-- Who asked what about the population, and why. `asked` holds conditions and events, never a count by which people could be told apart.
CREATE TABLE questions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  caller text NOT NULL,
  -- null: the administrator.
  agency_id text REFERENCES agencies,
  kind text NOT NULL CHECK (kind IN ('audience', 'preview', 'overlap', 'difference', 'explanation', 'simulation')),
  rule_id text,
  asked jsonb NOT NULL,
  purpose text,
  outcome text NOT NULL CHECK (outcome IN ('answered', 'partial', 'refused', 'failed')),
  -- By shard: the profiles that the answer stands for.
  offsets bigint[] NOT NULL DEFAULT '{}'
);
CREATE INDEX questions_at ON questions (at);

-- The sets whose size an answer told, so that a later question that differs from one of them in a few people is not answered.
-- `fingerprint` names the condition, event and day: the same question may be asked again. `sketch`: rules/run/sketch.ts.
CREATE TABLE question_sets (
  question_id uuid NOT NULL REFERENCES questions ON DELETE CASCADE,
  asked_for text NOT NULL,
  name text NOT NULL,
  fingerprint bytea NOT NULL,
  citizens bigint NOT NULL,
  sketch bytea NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (question_id, name)
);
CREATE INDEX question_sets_near ON question_sets (asked_for, citizens);

-- Append-only: not even we change what stands in the log, and it is kept for a year.
CREATE FUNCTION keep_questions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND OLD.at < clock_timestamp() - interval '365 days' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the log of questions is append-only';
END $$;
CREATE TRIGGER keep_questions BEFORE UPDATE OR DELETE ON questions FOR EACH ROW EXECUTE FUNCTION keep_questions();

-- Events stand in the order in which they came, so a few pages of it find those of a past time.
CREATE INDEX events_received ON events USING brin (received_at);

-- Drafts held against other days and past events; nothing is sent. `result` once it is done.
CREATE TABLE simulations (
  id uuid PRIMARY KEY,
  agency_id text NOT NULL REFERENCES agencies,
  caller text NOT NULL,
  state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
  steps integer NOT NULL,
  steps_done integer NOT NULL DEFAULT 0,
  result jsonb,
  failure text,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
