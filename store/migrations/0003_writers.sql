-- Who wrote what others may want to change: `administrator` or an agency's id for a contact point, the credential's id for a version of a
-- template (as rule_versions.author). Null is nobody known: then only the administrator or a register may change the contact point.

ALTER TABLE contact_points ADD COLUMN writer text;

-- What stands already was published when it was saved.
ALTER TABLE template_versions
  ADD COLUMN state text NOT NULL DEFAULT 'published' CHECK (state IN ('draft', 'published')),
  ADD COLUMN author text,
  ADD COLUMN approver text,
  ADD COLUMN approved_at timestamptz;
