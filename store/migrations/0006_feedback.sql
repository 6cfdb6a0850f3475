-- What agencies get back, trial mode.

-- Nothing wrote reports before, so the table is made anew: in order within an agency, and no topic, since who is told how is looked up
-- when a report leaves. `reports` is an array of [delivery, month, status, code]; [notification, month, 'no-address', null] where there is
-- nothing to deliver. The rest is joined when it leaves, so that the statement that ends a delivery stays what it is.
DROP TABLE outbox;
CREATE TABLE outbox (
  agency_id text NOT NULL,
  number bigint GENERATED ALWAYS AS IDENTITY,
  reports jsonb NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (agency_id, number)
);

-- Who is told: `topic`, or the id of a webhook that has shaken hands. An agency without a row gets no outbox rows.
CREATE TABLE report_subscriptions (
  agency_id text NOT NULL REFERENCES agencies,
  target text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (agency_id, target)
);

CREATE TABLE webhooks (
  id uuid PRIMARY KEY,
  agency_id text NOT NULL REFERENCES agencies,
  url text NOT NULL,
  -- `new`: the handshake is due. `disabled`: it answered 410, or the handshake did not come about in a day.
  state text NOT NULL CHECK (state IN ('new', 'active', 'disabled')),
  secret bytea NOT NULL,
  previous_secret bytea,
  previous_until timestamptz,
  -- Since the last success; the next call is not made before next_at.
  failures integer NOT NULL DEFAULT 0,
  failing_since timestamptz,
  next_at timestamptz NOT NULL,
  -- Somebody is calling it.
  leased_until timestamptz,
  last_error text,
  last_error_at timestamptz,
  last_success_at timestamptz,
  created_at timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX webhooks_agency ON webhooks (agency_id);

-- Calls to make, in order of their number; fixed when written, so that a repeated call is the same call.
CREATE TABLE webhook_calls (
  webhook_id uuid NOT NULL REFERENCES webhooks ON DELETE CASCADE,
  number bigint GENERATED ALWAYS AS IDENTITY,
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  reports jsonb NOT NULL,
  count integer NOT NULL,
  state text NOT NULL DEFAULT 'due' CHECK (state IN ('due', 'given-up')),
  attempts integer NOT NULL DEFAULT 0,
  error text,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (webhook_id, number)
);
CREATE INDEX webhook_calls_due ON webhook_calls (webhook_id, number) WHERE state = 'due';

-- In trial only whom the agency allows is called; all else is simulated. Agencies that exist are live.
ALTER TABLE agencies ADD COLUMN trial boolean NOT NULL DEFAULT false;

-- `key`: `citizen:<id>`, or `address:<hex of the blind index>`, which holds the channel.
CREATE TABLE trial_recipients (
  agency_id text NOT NULL REFERENCES agencies,
  key text NOT NULL,
  channel text,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (agency_id, key)
);
CREATE INDEX simulated_sends_agency ON simulated_sends (agency_id, sent_at);
