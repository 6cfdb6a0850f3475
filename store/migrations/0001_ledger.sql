-- The ledger: what we owe and did. Keys, months and agency_id cannot be changed later without pain, so all tables stand from the start.
-- Ids are 128 bits of a hash of the business key (domain/ids.ts). Columns that change carry no index, so that updates stay in their page (HOT).

-- Agencies, rules, words ------------------------------------------------------------------------------------------------------

CREATE TABLE agencies (
  id text PRIMARY KEY CHECK (id ~ '^[a-z][a-z0-9-]{0,31}$'),
  name jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Keys are kept as SHA-256 of 32 random bytes: nothing to guess, so no slow hash is needed. agency_id null is the administrator.
CREATE TABLE api_keys (
  key_hash bytea PRIMARY KEY,
  agency_id text REFERENCES agencies,
  label text NOT NULL,
  scopes text[] NOT NULL,
  sources text[] NOT NULL DEFAULT '{}',
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE event_types (
  type text PRIMARY KEY,
  agency_id text NOT NULL REFERENCES agencies,
  definition jsonb NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE rules (
  id text PRIMARY KEY,
  agency_id text NOT NULL REFERENCES agencies,
  live_version integer,
  -- The version that the schedules of open campaigns were last made from.
  scheduled_version integer
);

CREATE TABLE rule_versions (
  rule_id text NOT NULL REFERENCES rules,
  version integer NOT NULL,
  agency_id text NOT NULL REFERENCES agencies,
  event_type text NOT NULL REFERENCES event_types,
  definition jsonb NOT NULL,
  hash text NOT NULL,
  state text NOT NULL CHECK (state IN ('draft', 'approved', 'published', 'withdrawn')),
  author text NOT NULL,
  approver text,
  created_at timestamptz NOT NULL DEFAULT now(),
  approved_at timestamptz,
  published_at timestamptz,
  PRIMARY KEY (rule_id, version)
);

-- A delivery pins one of these by id; a changed template is a new row.
CREATE TABLE template_versions (
  id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name text NOT NULL,
  hash text NOT NULL,
  agency_id text REFERENCES agencies,
  definition jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (name, hash)
);
CREATE TABLE templates (name text PRIMARY KEY, agency_id text REFERENCES agencies, live_id integer NOT NULL REFERENCES template_versions);

-- Whom we know ----------------------------------------------------------------------------------------------------------------

CREATE TABLE citizens (
  id text PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
  locale text NOT NULL DEFAULT 'ko',
  zone text NOT NULL DEFAULT 'Asia/Seoul',
  dead_at timestamptz,
  protected boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- Attributes that agencies and offices gave by PUT or CSV, with source and time per field. The topic citizen-profiles stays the truth
-- for matching; this is what a merge starts from. A citizen whose profile comes whole from a register has no row here.
CREATE TABLE merged_profiles (
  citizen_id text PRIMARY KEY,
  attributes jsonb NOT NULL,
  provenance jsonb NOT NULL,
  revision bigint NOT NULL DEFAULT 1,
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- Addresses are sealed (AES-256-GCM); address_index is a keyed hash that finds one without opening any.
CREATE TABLE contact_points (
  id uuid PRIMARY KEY,
  citizen_id text NOT NULL REFERENCES citizens ON DELETE CASCADE,
  channel text NOT NULL CHECK (channel IN ('push', 'email', 'sms')),
  address bytea NOT NULL,
  address_index bytea NOT NULL,
  verified_at timestamptz,
  -- Set by a permanent failure of the address: never used again until verified anew.
  invalid_at timestamptz,
  invalid_code text,
  created_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (citizen_id, channel, address_index)
);
CREATE INDEX contact_points_address ON contact_points (address_index);

CREATE TABLE preferences (
  citizen_id text PRIMARY KEY REFERENCES citizens ON DELETE CASCADE,
  channels text[],
  quiet_from time,
  quiet_to time,
  -- Categories switched off on every channel.
  off text[] NOT NULL DEFAULT '{}',
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- One row a withdrawal, kept with its end as history. A null narrows nothing: (null, null, null) is everything that may be switched off.
CREATE TABLE opt_outs (
  id uuid PRIMARY KEY,
  citizen_id text NOT NULL,
  agency_id text REFERENCES agencies,
  category text,
  channel text,
  source text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  ended_at timestamptz
);
CREATE INDEX opt_outs_citizen ON opt_outs (citizen_id) WHERE ended_at IS NULL;

CREATE TABLE identity_links (
  agency_id text NOT NULL REFERENCES agencies,
  key_hash bytea NOT NULL,
  citizen_id text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (agency_id, key_hash)
);
CREATE INDEX identity_links_citizen ON identity_links (citizen_id);

-- `recipient_id` is told about `citizen_id`.
CREATE TABLE relations (
  citizen_id text NOT NULL,
  recipient_id text NOT NULL,
  kind text NOT NULL,
  restricted boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (citizen_id, recipient_id, kind)
);

CREATE TABLE consents (
  citizen_id text NOT NULL,
  agency_id text NOT NULL REFERENCES agencies,
  purpose text NOT NULL,
  given_at timestamptz NOT NULL,
  ended_at timestamptz,
  PRIMARY KEY (citizen_id, agency_id, purpose)
);

-- Events and what they start -------------------------------------------------------------------------------------------------------

-- `hash` is over RFC 8785 JSON of attributes and data: the same key with another hash is a conflict.
CREATE TABLE events (
  id uuid PRIMARY KEY,
  agency_id text NOT NULL REFERENCES agencies,
  source text NOT NULL,
  event_id text NOT NULL,
  type text NOT NULL,
  sequence bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('received', 'accepted', 'superseded')),
  hash bytea NOT NULL,
  body jsonb NOT NULL,
  received_at timestamptz NOT NULL,
  -- Kafka has acknowledged it; null on a received row means the relay still owes it.
  relayed_at timestamptz,
  accepted_at timestamptz,
  expires_at timestamptz
);
-- Few: events for everybody. An opening looks here for what has already ended it.
CREATE INDEX events_obligation ON events ((body->>'allimobligation'))
  WHERE body->>'allimobligation' IS NOT NULL AND body->>'subject' IS NULL AND body->>'allimsubjectkey' IS NULL;
CREATE INDEX events_unrelayed ON events (received_at) WHERE state = 'received' AND relayed_at IS NULL;

CREATE TABLE consumer_offsets (
  group_name text NOT NULL,
  topic text NOT NULL,
  partition integer NOT NULL,
  position bigint NOT NULL,
  -- Raised at every assignment; only the holder of the newest may move the position.
  fence bigint NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (group_name, topic, partition)
);

-- Broadcast: one event under one rule. Targeted: all events that one rule took on one day.
CREATE TABLE campaigns (
  id uuid PRIMARY KEY,
  agency_id text NOT NULL REFERENCES agencies,
  rule_id text NOT NULL REFERENCES rules,
  category text NOT NULL,
  event_id uuid,
  day date,
  obligation_kind text,
  obligation_ref text,
  version bigint NOT NULL DEFAULT 0,
  deadline date,
  expires_at timestamptz,
  accepted_at timestamptz NOT NULL,
  superseded_at timestamptz,
  CHECK ((event_id IS NULL) <> (day IS NULL))
);
CREATE INDEX campaigns_obligation ON campaigns (agency_id, obligation_kind, obligation_ref, rule_id) WHERE event_id IS NOT NULL;

-- What falls due when. A row of an obligation names its event and citizen; a row of a campaign has neither.
CREATE TABLE schedules (
  id uuid PRIMARY KEY,
  agency_id text NOT NULL REFERENCES agencies,
  campaign_id uuid NOT NULL,
  obligation_id uuid,
  event_id uuid,
  citizen_id text,
  rule_id text NOT NULL,
  stage_kind text NOT NULL,
  due_at timestamptz NOT NULL
);
CREATE INDEX schedules_due ON schedules (due_at);
CREATE INDEX schedules_obligation ON schedules (obligation_id) WHERE obligation_id IS NOT NULL;
CREATE INDEX schedules_campaign ON schedules (campaign_id) WHERE obligation_id IS NULL;

CREATE TABLE stage_runs (
  id uuid PRIMARY KEY,
  agency_id text NOT NULL REFERENCES agencies,
  campaign_id uuid NOT NULL REFERENCES campaigns,
  rule_id text NOT NULL,
  rule_version integer NOT NULL,
  stage_kind text NOT NULL,
  due_at timestamptz NOT NULL,
  as_of date NOT NULL,
  -- The partition of everything this run makes; fixed here, never now().
  month date NOT NULL CHECK (extract(day FROM month) = 1)
);
CREATE INDEX stage_runs_campaign ON stage_runs (campaign_id);

-- Numbers requests of targeted stage runs; a broadcast has one request a shard, number 0.
CREATE SEQUENCE request_numbers AS bigint START 1;

-- One shard of a stage run, and the outbox of its request.
CREATE TABLE fanouts (
  id uuid PRIMARY KEY,
  agency_id text NOT NULL REFERENCES agencies,
  stage_run_id uuid NOT NULL REFERENCES stage_runs,
  shard integer NOT NULL,
  request bigint NOT NULL,
  lane text NOT NULL CHECK (lane IN ('urgent', 'bulk')),
  min_profile_offset bigint NOT NULL,
  -- Targeted: event rows and citizens, in parallel.
  pair_events uuid[],
  pair_citizens text[],
  state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'complete', 'failed')),
  reason text,
  requested_at timestamptz,
  pages_planned integer NOT NULL DEFAULT 0,
  -- The run whose pages are all planned.
  run_id uuid,
  created_at timestamptz NOT NULL,
  finished_at timestamptz,
  UNIQUE (stage_run_id, shard, request)
) WITH (fillfactor = 80);
CREATE INDEX fanouts_open ON fanouts (agency_id) WHERE state = 'asked';

-- Counts of a run. Of citizens (broadcast) or pairs (targeted):
--   matched = notified + told + done + superseded + nobody + opted_out
-- of recipients: recipients = planned + told_recipients + opted_recipients; `no_address` counts planned notifications without a delivery.
CREATE TABLE runs (
  fanout_id uuid NOT NULL REFERENCES fanouts,
  run_id uuid NOT NULL,
  agency_id text NOT NULL,
  pages_planned integer NOT NULL DEFAULT 0,
  pages_total integer,
  matched bigint NOT NULL DEFAULT 0,
  matched_total bigint,
  notified bigint NOT NULL DEFAULT 0,
  told bigint NOT NULL DEFAULT 0,
  done bigint NOT NULL DEFAULT 0,
  superseded bigint NOT NULL DEFAULT 0,
  nobody bigint NOT NULL DEFAULT 0,
  opted_out bigint NOT NULL DEFAULT 0,
  recipients bigint NOT NULL DEFAULT 0,
  planned bigint NOT NULL DEFAULT 0,
  told_recipients bigint NOT NULL DEFAULT 0,
  opted_recipients bigint NOT NULL DEFAULT 0,
  no_address bigint NOT NULL DEFAULT 0,
  unknown bigint NOT NULL DEFAULT 0,
  -- Planned by an abandoned run, absent from this one, and already attempted.
  left_behind bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (fanout_id, run_id)
) WITH (fillfactor = 70);

CREATE TABLE pages (
  run_id uuid NOT NULL,
  page integer NOT NULL,
  agency_id text NOT NULL,
  planned_at timestamptz NOT NULL,
  PRIMARY KEY (run_id, page)
);

-- The thing in the world. `version` is the sequence of the event that last opened or changed it.
CREATE TABLE obligations (
  id uuid PRIMARY KEY,
  agency_id text NOT NULL,
  kind text NOT NULL,
  ref text NOT NULL,
  citizen_id text NOT NULL,
  version bigint NOT NULL,
  state text NOT NULL CHECK (state IN ('open', 'done', 'cancelled')),
  event_id uuid NOT NULL,
  deadline date,
  updated_at timestamptz NOT NULL
) WITH (fillfactor = 90);

-- Planned once: key is the hash of (obligation, rule, stage kind, version, recipient).
CREATE TABLE told (
  key uuid PRIMARY KEY,
  agency_id text NOT NULL,
  stage_run_id uuid NOT NULL
) PARTITION BY HASH (key);
CREATE TABLE told_0 PARTITION OF told FOR VALUES WITH (MODULUS 8, REMAINDER 0);
CREATE TABLE told_1 PARTITION OF told FOR VALUES WITH (MODULUS 8, REMAINDER 1);
CREATE TABLE told_2 PARTITION OF told FOR VALUES WITH (MODULUS 8, REMAINDER 2);
CREATE TABLE told_3 PARTITION OF told FOR VALUES WITH (MODULUS 8, REMAINDER 3);
CREATE TABLE told_4 PARTITION OF told FOR VALUES WITH (MODULUS 8, REMAINDER 4);
CREATE TABLE told_5 PARTITION OF told FOR VALUES WITH (MODULUS 8, REMAINDER 5);
CREATE TABLE told_6 PARTITION OF told FOR VALUES WITH (MODULUS 8, REMAINDER 6);
CREATE TABLE told_7 PARTITION OF told FOR VALUES WITH (MODULUS 8, REMAINDER 7);

-- What is sent, by month ----------------------------------------------------------------------------------------------------------

CREATE TYPE delivery_status AS ENUM (
  'planned', 'waiting', 'sending', 'sent', 'delivered', 'suppressed', 'expired', 'cancelled',
  'failed-permanent', 'failed-temporary', 'failed-technical', 'ambiguous'
);

-- One thing to tell one person: the inbox row. `values` holds only what depends on the citizen.
CREATE TABLE notifications (
  id uuid NOT NULL,
  month date NOT NULL,
  agency_id text NOT NULL,
  stage_run_id uuid NOT NULL,
  run_id uuid NOT NULL,
  obligation_id uuid NOT NULL,
  event_id uuid NOT NULL,
  citizen_id text NOT NULL,
  recipient_id text NOT NULL,
  stage_kind text NOT NULL,
  version bigint NOT NULL,
  reach text NOT NULL,
  template_id integer NOT NULL,
  locale text NOT NULL,
  "values" jsonb,
  -- Of a correction: the event that the person was last told of.
  previous_event_id uuid,
  no_address boolean NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (id, month)
) PARTITION BY RANGE (month);
CREATE INDEX notifications_obligation ON notifications (obligation_id);
CREATE INDEX notifications_inbox ON notifications (recipient_id);
-- To find what an abandoned run had planned. One value for thousands of neighbours, so it costs next to nothing.
CREATE INDEX notifications_run ON notifications (run_id);

-- Notifications of another run of the same fan-out that this run's answer holds too. A row of its own and not a mark on the
-- notification: two runs of one fan-out may interleave, and either may be the one that is completed.
CREATE TABLE run_adoptions (
  run_id uuid NOT NULL,
  notification_id uuid NOT NULL,
  PRIMARY KEY (run_id, notification_id)
);

-- One sending to one contact point. The current attempt stands on the row; earlier ones go to `attempts`.
-- `unclear` counts attempts of which nobody knows how they ended.
CREATE TABLE deliveries (
  id uuid NOT NULL,
  month date NOT NULL,
  agency_id text NOT NULL,
  -- The notification; null for a digest, whose notifications stand in delivery_items.
  notification_id uuid,
  contact_point_id uuid NOT NULL,
  channel text NOT NULL,
  lane text NOT NULL,
  status delivery_status NOT NULL,
  batch_id uuid,
  attempt smallint NOT NULL DEFAULT 0,
  unclear smallint NOT NULL DEFAULT 0,
  session_id uuid,
  expires_at timestamptz,
  claimed_at timestamptz,
  finished_at timestamptz,
  code text,
  reference text,
  PRIMARY KEY (id, month)
) PARTITION BY RANGE (month);
CREATE INDEX deliveries_notification ON deliveries (notification_id);

CREATE TABLE delivery_items (
  delivery_id uuid NOT NULL,
  notification_id uuid NOT NULL,
  month date NOT NULL,
  agency_id text NOT NULL,
  PRIMARY KEY (delivery_id, notification_id, month)
) PARTITION BY RANGE (month);

CREATE TABLE attempts (
  delivery_id uuid NOT NULL,
  number smallint NOT NULL,
  month date NOT NULL,
  agency_id text NOT NULL,
  session_id uuid,
  claimed_at timestamptz,
  finished_at timestamptz NOT NULL,
  outcome text NOT NULL,
  code text,
  -- True where the session had been declared dead when the result came: evidence, not a result.
  late boolean NOT NULL DEFAULT false,
  PRIMARY KEY (delivery_id, number, late, month)
) PARTITION BY RANGE (month);

-- At most 100 deliveries of one agency, channel and lane. `open` is how many of them were planned or sending when last counted.
CREATE TABLE batches (
  id uuid NOT NULL,
  month date NOT NULL,
  agency_id text NOT NULL,
  channel text NOT NULL,
  lane text NOT NULL,
  state text NOT NULL CHECK (state IN ('ready', 'queued', 'ended')),
  generation integer NOT NULL DEFAULT 0,
  delivery_ids uuid[] NOT NULL,
  open smallint NOT NULL,
  created_at timestamptz NOT NULL,
  queued_at timestamptz,
  PRIMARY KEY (id, month)
) PARTITION BY RANGE (month);
CREATE INDEX batches_ready ON batches (channel, lane, agency_id, created_at) WHERE state = 'ready';
CREATE INDEX batches_queued ON batches (channel, lane) WHERE state = 'queued';

-- Inserted and deleted, never updated.
CREATE TABLE waiting (
  due_at timestamptz NOT NULL,
  delivery_id uuid NOT NULL,
  month date NOT NULL,
  agency_id text NOT NULL,
  channel text NOT NULL,
  lane text NOT NULL,
  reason text NOT NULL CHECK (reason IN ('retry', 'ambiguous', 'quiet-hours', 'stopped', 'next-channel')),
  PRIMARY KEY (due_at, delivery_id)
);
CREATE INDEX waiting_delivery ON waiting (delivery_id);

CREATE TABLE worker_sessions (
  id uuid PRIMARY KEY,
  host text NOT NULL,
  pid integer NOT NULL,
  started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  heartbeat_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  -- Set when it ended by itself or was declared dead; never cleared.
  ended_at timestamptz,
  -- What was in flight under it has been dealt with.
  swept_at timestamptz
) WITH (fillfactor = 50);

-- Scope: `all`, `agency:<id>`, `campaign:<uuid>`, `channel:<name>`.
CREATE TABLE stops (
  scope text PRIMARY KEY,
  agency_id text,
  reason text NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Targeted events whose person is not known yet. `new`: no shard knew the citizen, and it is asked again at look_at if the shard moved on
-- (the profile may have come between its answer and this row); `asked`: a question is under way; `arrived`: the shard saw the citizen since;
-- `waiting`: for a link of the agency's key.
CREATE TABLE unresolved (
  id uuid PRIMARY KEY,
  agency_id text NOT NULL,
  event_id uuid NOT NULL,
  -- Null while the person behind a subject key is not known: then not even the obligation stands.
  stage_run_id uuid,
  citizen_id text,
  subject_key_hash bytea,
  asked_offset bigint,
  state text NOT NULL CHECK (state IN ('new', 'asked', 'arrived', 'waiting')),
  looks smallint NOT NULL DEFAULT 0,
  look_at timestamptz,
  expires_at timestamptz,
  created_at timestamptz NOT NULL,
  CHECK ((citizen_id IS NULL) <> (subject_key_hash IS NULL))
);
CREATE INDEX unresolved_citizen ON unresolved (citizen_id) WHERE citizen_id IS NOT NULL;
CREATE INDEX unresolved_key ON unresolved (agency_id, subject_key_hash) WHERE subject_key_hash IS NOT NULL;
CREATE INDEX unresolved_pending ON unresolved (look_at) WHERE state IN ('new', 'arrived');

-- What could not be taken in, whole and sealed, with where it stood and why.
CREATE TABLE quarantine (
  id uuid PRIMARY KEY,
  agency_id text,
  topic text NOT NULL,
  partition integer,
  record_offset bigint,
  key text,
  code text NOT NULL,
  message text NOT NULL,
  faults jsonb NOT NULL DEFAULT '[]',
  record bytea NOT NULL,
  state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'retried', 'dropped')),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX quarantine_open ON quarantine (created_at) WHERE state = 'open';

-- Reports to agencies that still have to leave: one row a batch.
CREATE TABLE outbox (
  id uuid PRIMARY KEY,
  agency_id text NOT NULL,
  topic text NOT NULL,
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL
);

-- The outbox of the embedded mode: what would have left. Content and address are sealed.
CREATE TABLE simulated_sends (
  delivery_id uuid NOT NULL,
  attempt smallint NOT NULL,
  agency_id text NOT NULL,
  channel text NOT NULL,
  sealed bytea NOT NULL,
  sent_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (delivery_id, attempt)
);

-- What each rules process holds, told every second: the web role runs elsewhere. Positions by shard, -1 for a shard held by another.
CREATE TABLE rules_processes (
  id uuid PRIMARY KEY,
  citizens bigint NOT NULL,
  positions bigint[] NOT NULL,
  caught_up boolean NOT NULL,
  reported_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

-- Small facts about this installation: partition counts, key fingerprints.
CREATE TABLE settings (name text PRIMARY KEY, value jsonb NOT NULL);

-- Months --------------------------------------------------------------------------------------------------------------------------

-- Makes the partitions of a month where they are missing. An update of a delivery must find room in its page, hence the fill factors:
-- a delivery row is written once and then changed twice (claim, result), a batch three times.
CREATE FUNCTION ensure_month(first_day date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  suffix text := to_char(first_day, 'YYYYMM');
  following date := (first_day + interval '1 month')::date;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('ensure_month'));
  IF to_regclass('notifications_' || suffix) IS NOT NULL THEN
    RETURN;
  END IF;
  EXECUTE format('CREATE TABLE notifications_%s PARTITION OF notifications FOR VALUES FROM (%L) TO (%L)', suffix, first_day, following);
  EXECUTE format('CREATE TABLE deliveries_%s PARTITION OF deliveries FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = 50)', suffix, first_day, following);
  EXECUTE format('CREATE TABLE delivery_items_%s PARTITION OF delivery_items FOR VALUES FROM (%L) TO (%L)', suffix, first_day, following);
  EXECUTE format('CREATE TABLE attempts_%s PARTITION OF attempts FOR VALUES FROM (%L) TO (%L)', suffix, first_day, following);
  EXECUTE format('CREATE TABLE batches_%s PARTITION OF batches FOR VALUES FROM (%L) TO (%L) WITH (fillfactor = 60)', suffix, first_day, following);
END
$$;
