-- Files of rows that agencies hand in: CSV by HTTP or by a folder. A row of `imports` says how far its file has come; it moves in the
-- transaction that wrote the rows, or after it where writing them twice changes nothing.

CREATE TABLE imports (
  id uuid PRIMARY KEY,
  -- Null is the administrator's.
  agency_id text REFERENCES agencies,
  kind text NOT NULL CHECK (kind IN ('events', 'citizens', 'links')),
  name text,
  -- What the file turned out to be written in; it is kept as UTF-8.
  charset text,
  -- Who handed it in and with which rights: id, scopes, sources.
  credential jsonb NOT NULL,
  options jsonb NOT NULL DEFAULT '{}',
  state text NOT NULL CHECK (state IN ('receiving', 'waiting', 'running', 'done', 'failed')),
  bytes bigint NOT NULL DEFAULT 0,
  -- Everything before is done: bytes of what is kept, and lines of it.
  bytes_done bigint NOT NULL DEFAULT 0,
  lines_done bigint NOT NULL DEFAULT 0,
  rows bigint NOT NULL DEFAULT 0,
  accepted bigint NOT NULL DEFAULT 0,
  refused bigint NOT NULL DEFAULT 0,
  -- Accepted events whose person nobody has linked yet.
  unresolved bigint NOT NULL DEFAULT 0,
  -- Raised by whoever takes it up; only the newest may move it.
  run bigint NOT NULL DEFAULT 0,
  code text,
  reason text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  finished_at timestamptz
) WITH (fillfactor = 50);
CREATE INDEX imports_open ON imports (created_at) WHERE state IN ('receiving', 'waiting', 'running');
CREATE INDEX imports_listed ON imports (created_at, id);

-- The file as UTF-8 in pieces of a megabyte, sealed; gone when the import has ended. `start` counts bytes before sealing.
CREATE TABLE import_chunks (
  import_id uuid NOT NULL REFERENCES imports ON DELETE CASCADE,
  start bigint NOT NULL,
  sealed bytea NOT NULL,
  PRIMARY KEY (import_id, start)
);
-- Sealed bytes cannot be compressed, so nobody tries.
ALTER TABLE import_chunks ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- What is wrong with which line. Never a value: it may be somebody's.
CREATE TABLE import_faults (
  import_id uuid NOT NULL REFERENCES imports ON DELETE CASCADE,
  line bigint NOT NULL,
  number smallint NOT NULL,
  field text NOT NULL,
  code text NOT NULL,
  message text NOT NULL,
  -- The row was taken all the same.
  taken boolean NOT NULL,
  PRIMARY KEY (import_id, line, number)
);

-- Events that wait for a link, and are to be looked at because it came.
CREATE INDEX unresolved_linked ON unresolved (id) WHERE stage_run_id IS NULL AND state = 'arrived';
CREATE INDEX unresolved_listed ON unresolved (created_at, id);
