-- What the pump knows of a channel and lane: deliveries let out, ever. Less what is open it says how many were worked off, so that every
-- dispatcher measures the same pace, whoever let them out.
CREATE TABLE pumps (
  channel text NOT NULL,
  lane text NOT NULL,
  let_out bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (channel, lane)
) WITH (fillfactor = 50);
INSERT INTO pumps (channel, lane) SELECT c, l FROM unnest(ARRAY['push', 'email', 'sms']) c CROSS JOIN unnest(ARRAY['urgent', 'bulk']) l;

-- Of channels that somebody limited: until when what was let out uses up the rate.
CREATE TABLE channel_rates (
  channel text PRIMARY KEY,
  spent_until timestamptz NOT NULL
) WITH (fillfactor = 50);

-- Cancelled by a person, for good. Nothing of it is planned or claimed from then on; what was planned is ended in the background.
ALTER TABLE campaigns
  ADD COLUMN cancelled_at timestamptz,
  ADD COLUMN cancelled_by text,
  ADD COLUMN cancel_reason text,
  ADD COLUMN swept_at timestamptz;
CREATE INDEX campaigns_cancelled ON campaigns (cancelled_at) WHERE cancelled_at IS NOT NULL;

-- A restore of this database that a process noticed. Events in the log below `ends` (by topic) happened before it, and so did what was due
-- before `noticed_at`: the history that is gone may have sent it.
CREATE TABLE restores (
  id uuid PRIMARY KEY,
  -- What gave it away: `server`, `timeline` or `position`.
  evidence text NOT NULL,
  noticed_at timestamptz NOT NULL,
  -- When the history that is gone was last known to go on.
  last_alive_at timestamptz,
  ends jsonb NOT NULL DEFAULT '{}',
  closed_at timestamptz,
  closed_by text
);
CREATE UNIQUE INDEX restores_open ON restores ((true)) WHERE closed_at IS NULL;

-- Deliveries that a restore made ambiguous and nobody has decided on.
CREATE TABLE restored_deliveries (
  delivery_id uuid NOT NULL,
  month date NOT NULL,
  restore_id uuid NOT NULL REFERENCES restores,
  agency_id text NOT NULL,
  channel text NOT NULL,
  category text NOT NULL,
  PRIMARY KEY (delivery_id, month)
);
CREATE INDEX restored_deliveries_kind ON restored_deliveries (category, channel);
