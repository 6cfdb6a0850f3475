-- How long people wait for their pages just now, by the process that serves them: a fan-out that has time looks here before each of its
-- transactions. A row is worth a second, so nothing is lost with a crash of the server, and nothing is written to its log.
CREATE UNLOGGED TABLE reader_waits (
  process uuid PRIMARY KEY,
  at timestamptz NOT NULL,
  wait_ms integer NOT NULL
) WITH (fillfactor = 50);
