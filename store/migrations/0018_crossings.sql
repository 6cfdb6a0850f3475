-- The last that was said of a citizen and an open broadcast: entered or left, and as of what. Of two that come in the wrong order the later
-- stands, whichever comes first; and a page that was answered before somebody left does not tell them.
CREATE TABLE crossings (
  campaign_id uuid NOT NULL,
  citizen_id text NOT NULL,
  agency_id text NOT NULL REFERENCES agencies,
  shard int NOT NULL,
  -- Every profile record of the shard below it was known.
  position bigint NOT NULL,
  -- Every overlay below it.
  overlays bigint NOT NULL,
  day date NOT NULL,
  kind text NOT NULL CHECK (kind IN ('entered', 'left')),
  at timestamptz NOT NULL,
  PRIMARY KEY (campaign_id, citizen_id)
);
CREATE INDEX crossings_left ON crossings (campaign_id, shard) WHERE kind = 'left';

-- What is watched: broadcasts that have an end and have not come to it.
CREATE INDEX campaigns_watched ON campaigns (expires_at) WHERE event_id IS NOT NULL AND superseded_at IS NULL;
