-- What providers say later, and what a person puts back.

-- Stored first, applied second (dispatcher/receipts.ts): a receipt may come before the result that it speaks of is committed. The id is a hash
-- of the source and of the source's own key, so that a receipt told twice is one row. Numbers stand as the blind index that contact_points has.
CREATE TABLE receipts (
  id uuid PRIMARY KEY,
  source text NOT NULL CHECK (source IN ('smpp', 'sms', 'push', 'email')),
  -- What it speaks of: ours where the source knows it, else the provider's own.
  delivery_id uuid,
  attempt integer,
  reference text,
  -- It is said to be written as the SMSC's answer had it (SMPP's receipted_message_id), not in whatever radix a text has.
  exact boolean NOT NULL DEFAULT false,
  address_index bytea,
  verdict text NOT NULL CHECK (verdict IN ('delivered', 'permanent', 'temporary', 'none')),
  code text,
  address_dead boolean NOT NULL,
  -- The first words of the text as an SMSC repeats them, sealed: for the person who looks at an orphan.
  words bytea,
  received_at timestamptz NOT NULL,
  -- `waiting`: for its delivery, or for its result; `applied`: it changed the delivery; `moot`: it says what was known, or comes too late to
  -- say anything; `evidence`: an orphan that speaks against calling once more; `unmatched`: nothing of ours was found.
  state text NOT NULL CHECK (state IN ('waiting', 'applied', 'moot', 'evidence', 'unmatched')),
  looks integer NOT NULL DEFAULT 0,
  look_at timestamptz NOT NULL,
  settled_at timestamptz
);
CREATE INDEX receipts_waiting ON receipts (look_at) WHERE state = 'waiting';
-- What else is waiting of the same delivery: a failure gives way to a "delivered" that came with it.
CREATE INDEX receipts_together ON receipts (delivery_id) WHERE state = 'waiting' AND verdict = 'delivered' AND delivery_id IS NOT NULL;
CREATE INDEX receipts_unmatched ON receipts (received_at, id) WHERE state = 'unmatched';
-- Written in this order and forgotten in it.
CREATE INDEX receipts_received ON receipts USING brin (received_at) WITH (pages_per_range = 16);

-- SMPP alone names messages by ids of the SMSC. A row is written before the outcome of its call is said (workers/sms-receipts.ts), so that a
-- receipt finds its delivery although deliveries.reference has no index.
CREATE TABLE sms_references (
  reference text NOT NULL,
  delivery_id uuid NOT NULL,
  attempt integer NOT NULL,
  address_index bytea NOT NULL,
  sent_at timestamptz NOT NULL,
  PRIMARY KEY (reference, delivery_id, attempt)
);
CREATE INDEX sms_references_sent ON sms_references USING brin (sent_at) WITH (pages_per_range = 16);

-- Dead letters are found by what ended them. Attempts are written once and never changed, so an index costs the failed alone; one over the
-- status of deliveries would cost every delivery its update in place.
CREATE INDEX attempts_ended ON attempts (finished_at, delivery_id)
  WHERE outcome IN ('failed-temporary', 'failed-technical', 'ambiguous') AND NOT late;

-- Who put back what, and when: a row for each page of a redrive.
CREATE TABLE redrives (
  id uuid PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('events', 'deliveries', 'receipts')),
  agency_id text,
  filter jsonb NOT NULL,
  by text NOT NULL,
  at timestamptz NOT NULL,
  looked integer NOT NULL,
  redriven integer NOT NULL,
  left_alone jsonb NOT NULL
);
CREATE INDEX redrives_at ON redrives (at);
