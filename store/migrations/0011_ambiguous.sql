-- Calls of which nobody knows how they ended: listed and counted by when. Attempts are inserted and never changed, and others are not in it.
CREATE INDEX attempts_ambiguous ON attempts (finished_at, delivery_id) WHERE outcome = 'ambiguous';

-- Stages of campaigns in which a delivery failed through us: whose (until judged), and whether it paused the campaign. `kept`: it would have,
-- and is an emergency.
CREATE TABLE failing_stages (
  campaign_id uuid NOT NULL,
  stage_kind text NOT NULL,
  agency_id text NOT NULL,
  failed uuid[] NOT NULL,
  called integer,
  verdict text CHECK (verdict IN ('paused', 'kept', 'passed')),
  judged_at timestamptz,
  PRIMARY KEY (campaign_id, stage_kind)
);
