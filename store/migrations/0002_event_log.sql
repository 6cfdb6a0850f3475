-- The embedded event log (broker/embedded.ts): Kafka's contract on tables. Used only where no Kafka is configured.

CREATE TABLE log_topics (
  id smallint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text NOT NULL UNIQUE,
  partitions int NOT NULL CHECK (partitions > 0),
  compacted boolean NOT NULL,
  delete_retention_ms bigint NOT NULL
);

-- An append takes this row and holds it to its commit. Offsets of a partition therefore become visible in their order, and a reader
-- that has seen one has been able to see all before it; with an identity column it would skip those that commit late, for ever.
CREATE TABLE log_partitions (
  topic_id smallint NOT NULL REFERENCES log_topics ON DELETE CASCADE,
  partition int NOT NULL,
  first bigint NOT NULL DEFAULT 0,
  next bigint NOT NULL DEFAULT 0,
  cleaned bigint NOT NULL DEFAULT 0,
  kept bigint NOT NULL DEFAULT 0,
  cleaned_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (topic_id, partition)
) WITH (fillfactor = 50);
COMMENT ON COLUMN log_partitions.first IS 'first readable offset; compaction leaves it, retention moves it';
COMMENT ON COLUMN log_partitions.next IS 'offset of the next record';
COMMENT ON COLUMN log_partitions.cleaned IS 'compaction has seen everything below';
COMMENT ON COLUMN log_partitions.kept IS 'records that the last compaction left below cleaned';

CREATE TABLE log_records (
  topic_id smallint NOT NULL,
  partition int NOT NULL,
  record_offset bigint NOT NULL,
  at_ms bigint NOT NULL,
  bytes int NOT NULL,
  key bytea,
  value bytea,
  headers text,
  PRIMARY KEY (topic_id, partition, record_offset),
  FOREIGN KEY (topic_id) REFERENCES log_topics ON DELETE CASCADE
);
COMMENT ON COLUMN log_records.headers IS 'a JSON object of strings; text, because jsonb refuses U+0000';
COMMENT ON COLUMN log_records.value IS 'null is a tombstone';

-- Memberships and leases say who lives now. After a crash of the server nobody does, so they need no WAL and heartbeats no sync.
CREATE UNLOGGED TABLE log_members (
  group_name text NOT NULL,
  member text NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (group_name, member)
);

CREATE UNLOGGED TABLE log_leases (
  group_name text NOT NULL,
  topic text NOT NULL,
  partition int NOT NULL,
  member text,
  generation bigint NOT NULL,
  PRIMARY KEY (group_name, topic, partition)
);
