/** A row in any table: what its columns need and nothing that means anything. Checks, keys to elsewhere and triggers are off for whoever asks. */
import type { Sql } from '../../domain/sql.ts';

export type Column = { readonly name: string; readonly type: string; readonly category: string };

/** Those that a row cannot do without. */
async function needed(sql: Sql, table: string): Promise<readonly Column[]> {
  const { rows } = await sql.query<Column>(
    `SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type, t.typcategory AS category
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
     WHERE a.attrelid = $1::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a'
       AND a.attnotnull AND (NOT a.atthasdef OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND a.attnum = ANY (i.indkey)))`,
    [table],
  );
  return rows;
}

function literalOf({ type, category }: Column, n: number): string {
  if (category === 'A') return `'{}'::${type}`;
  if (category === 'E') return `(SELECT (enum_range(NULL::${type}))[1])`;
  if (category === 'B') return 'false';
  if (category === 'N' || type === 'xid8') return `'${n}'::${type}`;
  if (type === 'uuid') return `'00000000-0000-4000-8000-${String(n).padStart(12, '0')}'`;
  if (type === 'jsonb') return `'{}'`;
  if (type === 'bytea') return `'\\x${String(n).padStart(4, '0')}'`;
  if (type === 'date') return `'2026-11-01'`;
  if (category === 'D') return `'2026-11-01T00:00:00Z'`;
  return `'x${n}'`;
}

/** `n` makes keys differ. Once for a whole database: `bare`. */
export async function insertAnyRow(
  sql: Sql,
  table: string,
  n: number,
  given: Readonly<Record<string, string | null>> = {},
): Promise<void> {
  const columns = (await needed(sql, table)).filter(({ name }) => !(name in given));
  const names = [...columns.map(({ name }) => name), ...Object.keys(given)];
  const marks = Object.keys(given).map((_, index) => `$${index + 1}`);
  await sql.query(
    `INSERT INTO ${table} (${names.map((name) => `"${name}"`).join(', ')}) VALUES (${[...columns.map((column) => literalOf(column, n)), ...marks].join(', ')})`,
    Object.values(given),
  );
}

/** A database of which nothing but its columns, keys and policies is asked. */
export async function bare(sql: Sql): Promise<void> {
  await sql.query(`SELECT ensure_month('2026-11-01')`);
  await sql.query(`DO $$ DECLARE c record; BEGIN
    FOR c IN SELECT conrelid::regclass AS t, conname FROM pg_constraint
      WHERE contype IN ('c', 'f') AND conparentid = 0 AND coninhcount = 0 AND connamespace = current_schema()::regnamespace LOOP
      EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', c.t, c.conname);
    END LOOP;
    FOR c IN SELECT oid::regclass AS t, relname AS conname FROM pg_class
      WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relhastriggers LOOP
      EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', c.t);
    END LOOP;
  END $$`);
}
