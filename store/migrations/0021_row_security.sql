-- Rows of other agencies are hidden by the database itself from whoever reads for a member of staff, under the checks that the code makes
-- (docs/adr/0023-who-is-signed-in.md). Reads of staff take the role allim_staff and say the agency in `allim.agency`, both for one
-- transaction (store/agency-pool.ts); everything else goes on as the owner of the tables, to whom policies do not apply.

-- Roles belong to the server, not to the database: it may be there already, made by another database or just now by another process.
DO $$
DECLARE
  before text := current_setting('role');
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'allim_staff') THEN
    BEGIN
      CREATE ROLE allim_staff NOLOGIN NOINHERIT;
    EXCEPTION
      WHEN duplicate_object OR unique_violation THEN NULL;
      WHEN insufficient_privilege THEN
        RAISE EXCEPTION '% may not create roles: as a superuser run  CREATE ROLE allim_staff NOLOGIN NOINHERIT; GRANT allim_staff TO %;  and start again',
          current_user, quote_ident(current_user);
    END;
  END IF;
  -- Taking the role is what is needed, and who may create one is not always let take it (PostgreSQL 16 and later).
  BEGIN
    PERFORM set_config('role', 'allim_staff', true);
    PERFORM set_config('role', before, true);
  EXCEPTION WHEN insufficient_privilege OR invalid_parameter_value THEN
    BEGIN
      EXECUTE format('GRANT allim_staff TO %I', current_user);
    EXCEPTION WHEN insufficient_privilege OR invalid_grant_operation THEN
      RAISE EXCEPTION '% may not take the role allim_staff: as a superuser run  GRANT allim_staff TO %;  and start again',
        current_user, quote_ident(current_user);
    END;
  END;
  EXECUTE format('GRANT USAGE ON SCHEMA %I TO allim_staff', current_schema());
END
$$;

-- For a table with `agency_id`, a partitioned one as well: what is read through the parent is judged there, and partitions are not granted.
-- `shared`: rows of no agency are everybody's (a template that ships, a stop of everything), else nobody's but the platform's.
CREATE FUNCTION guard_agency_table(guarded regclass, shared boolean DEFAULT false) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
  EXECUTE format('DROP POLICY IF EXISTS own_agency ON %s', guarded);
  EXECUTE format('CREATE POLICY own_agency ON %s FOR SELECT TO allim_staff USING (agency_id = current_setting(''allim.agency'', true)%s)',
    guarded, CASE WHEN shared THEN ' OR agency_id IS NULL' ELSE '' END);
  EXECUTE format('GRANT SELECT ON %s TO allim_staff', guarded);
END
$$;

-- For a table whose rows hang on another's: seen where their parent is.
CREATE FUNCTION guard_child_table(guarded regclass, child_key name, parent regclass, parent_key name DEFAULT 'id') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
  EXECUTE format('DROP POLICY IF EXISTS own_agency ON %s', guarded);
  EXECUTE format('CREATE POLICY own_agency ON %1$s FOR SELECT TO allim_staff USING (EXISTS (SELECT FROM %3$s p WHERE p.%4$I = %1$s.%2$I))',
    guarded, child_key, parent, parent_key);
  EXECUTE format('GRANT SELECT ON %s TO allim_staff', guarded);
END
$$;

SELECT guard_agency_table(c.oid, c.relname IN ('template_versions', 'templates', 'opt_outs', 'stops'))
FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'agency_id' AND NOT a.attisdropped);

-- Guarded, and not even read: keys and sessions are asked for by hash, before anybody knows whose they are; nobody looks at sealed reports.
REVOKE SELECT ON api_keys, sessions, outbox FROM allim_staff;

SELECT guard_child_table('webhook_calls', 'webhook_id', 'webhooks');
SELECT guard_child_table('import_faults', 'import_id', 'imports');

-- Of nobody's agency: the register of citizens with what they chose, sealed addresses, and how the installation is.
GRANT SELECT ON agencies, citizens, contact_points, preferences, merged_profiles, relations, receipts, run_adoptions, consumer_offsets,
  worker_sessions, rules_processes, settings, calendars, log_topics, restores, channel_rates TO allim_staff;
