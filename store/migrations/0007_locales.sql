-- In which language notices were written, and in which they were wanted.

-- Null where the recipient got the language that was asked for; else that language, `locale` being the one it fell back to.
ALTER TABLE notifications ADD COLUMN wanted_locale text;

-- Notices planned, ever: counted by the statement that inserts them, so the sums are exact, and kept when notices are deleted by age.
-- `slot` spreads the counting of planners that run side by side over rows of their own; a reader adds the slots up.
CREATE TABLE locale_counts (
  agency_id text NOT NULL,
  template_id integer NOT NULL,
  wanted text NOT NULL,
  used text NOT NULL,
  slot smallint NOT NULL,
  notices bigint NOT NULL,
  PRIMARY KEY (agency_id, template_id, wanted, used, slot)
) WITH (fillfactor = 50);
