-- Words that were used before may come back, and a draft may be taken back by saving what is live: the same content again is a new version
-- where another was saved in between. Until now it was the old version, which stayed behind the draft that it was meant to replace.
ALTER TABLE template_versions DROP CONSTRAINT template_versions_name_hash_key;
CREATE INDEX template_versions_by_name ON template_versions (name, id);
