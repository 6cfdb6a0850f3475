-- Texts that were approved together with a version of a rule: they go live when it is published, exactly these, whatever is written meanwhile.
CREATE TABLE rule_version_texts (
  rule_id text NOT NULL,
  version integer NOT NULL,
  template text NOT NULL,
  template_version integer NOT NULL REFERENCES template_versions,
  PRIMARY KEY (rule_id, version, template),
  FOREIGN KEY (rule_id, version) REFERENCES rule_versions (rule_id, version)
);
SELECT guard_child_table('rule_version_texts', 'rule_id', 'rules');
