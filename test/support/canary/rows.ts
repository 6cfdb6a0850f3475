import type { SqlPool } from '../../../domain/sql.ts';

/** Every row of every table as text, bytes in hexadecimal: of our schema, or of the others (the queue's). The log's records are not among them. */
export async function rowsAsText(pool: SqlPool, ours: boolean): Promise<(readonly [string, string])[]> {
  const { rows: tables } = await pool.query<{ schema: string; name: string }>(
    `SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE (n.nspname = 'public') = $1 AND n.nspname !~ '^(?:pg_|information_schema)' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> 'log_records'`,
    [ours],
  );
  const texts: (readonly [string, string])[] = [];
  for (const { schema, name } of tables) {
    const { rows } = await pool.query<{ text: string }>(
      `SELECT t::text AS text FROM "${schema}"."${name}" t`,
    );
    for (const { text } of rows) texts.push([name, text]);
  }
  return texts;
}
