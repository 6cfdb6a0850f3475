-- What citizens do themselves: say that something is done, read, prove an address.

-- When the person said so themselves. It ends what is unsent as the agency's word does, but it is not the agency's word: it can be taken
-- back, and a newer version of the same thing opens it again (docs/adr/0027-a-citizens-own-done.md).
ALTER TABLE obligations ADD COLUMN said_done_at timestamptz;

-- Kept for the person alone: agencies are never told who read.
CREATE TABLE notice_reads (
  citizen_id text NOT NULL,
  notification_id uuid NOT NULL,
  read_at timestamptz NOT NULL,
  PRIMARY KEY (citizen_id, notification_id)
);
-- For open inboxes, which look for what was read elsewhere.
CREATE INDEX notice_reads_newest ON notice_reads (read_at);

-- A code on its way to an address that is to be proven. The address is sealed; of the code only a keyed hash stands here. Rows stay for
-- two days, since how many were asked for is counted by them.
CREATE TABLE contact_codes (
  id uuid PRIMARY KEY,
  citizen_id text NOT NULL REFERENCES citizens ON DELETE CASCADE,
  channel text NOT NULL CHECK (channel IN ('email', 'sms')),
  address bytea NOT NULL,
  address_index bytea NOT NULL,
  code_hash bytea NOT NULL,
  tries smallint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  -- Set when it was typed right, or given up for another.
  ended_at timestamptz
);
CREATE INDEX contact_codes_citizen ON contact_codes (citizen_id, created_at);
CREATE INDEX contact_codes_address ON contact_codes (address_index, created_at);
