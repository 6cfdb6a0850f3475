/**
 * The baseline of `fanout`: the rows that a broadcast planned, written again by plain INSERT into tables of the same shape (columns,
 * indexes, partitions), in pages of 5,000, each a transaction, on one connection. Only the inserts are timed, with the arrays ready.
 */
import { besideId, type NotificationId } from '../domain/ids.ts';
import type { Sql } from '../domain/sql.ts';
import type { Pool } from '../store/postgres.ts';

const PAGE = 5_000;

type Table = { readonly name: string; readonly columns: readonly (readonly [name: string, type: string])[] };
type Row = Readonly<Record<string, unknown>>;

/** The tables that a page of a broadcast writes rows into, one or more a citizen or batch. */
const NAMES = ['obligations', 'told', 'notifications', 'deliveries', 'batches'];

/** Seconds for all rows of the ledger. */
export async function bareInsert(pool: Pool, citizens: number): Promise<number> {
  const client = await pool.connect();
  try {
    await client.query('CREATE SCHEMA bare');
    const tables = new Map<string, Table>();
    for (const name of NAMES) tables.set(name, await cloneTable(client, name));
    await client.query('CHECKPOINT');
    await client.query(`SET enable_hashjoin = off; SET enable_mergejoin = off`);
    await client.query(
      `DECLARE planned CURSOR WITH HOLD FOR SELECT id, month FROM notifications ORDER BY run_id, created_at, ctid`,
    );
    let seconds = 0;
    const seen = new Set<string>();
    let rows = 0;
    for (;;) {
      const page = await client.query<{ id: string; month: string }>(`FETCH ${PAGE} FROM planned`);
      if (page.rows.length === 0) break;
      rows += page.rows.length;
      const data = await readPage(
        client,
        page.rows.map((row) => row.id),
        page.rows[0]!.month,
        seen,
      );
      const statements = NAMES.map((name) => insertOf(tables.get(name)!, data[name] ?? []));
      const startedAt = performance.now();
      await client.query('BEGIN');
      for (const statement of statements) await client.query(statement);
      await client.query('COMMIT');
      seconds += (performance.now() - startedAt) / 1_000;
    }
    if (rows !== citizens) throw new Error(`the ledger held ${rows} notifications and not ${citizens}`);
    return seconds;
  } finally {
    client.release();
  }
}

async function cloneTable(sql: Sql, name: string): Promise<Table> {
  const { rows: parts } = await sql.query<{ key: string | null }>(
    `SELECT pg_get_partkeydef('${name}'::regclass) AS key`,
  );
  const key = parts[0]?.key ?? null;
  await sql.query(
    `CREATE TABLE bare.${name} (LIKE public.${name} INCLUDING ALL)${key === null ? '' : ` PARTITION BY ${key}`}`,
  );
  const { rows: children } = await sql.query<{ child: string; bound: string }>(
    `SELECT c.relname AS child, pg_get_expr(c.relpartbound, c.oid) AS bound FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'public.${name}'::regclass`,
  );
  for (const { child, bound } of children)
    await sql.query(`CREATE TABLE bare.${child} PARTITION OF bare.${name} ${bound}`);
  const { rows: columns } = await sql.query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
     WHERE attrelid = 'public.${name}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
  );
  return { name, columns: columns.map((column) => [column.name, column.type]) };
}

/** Everything that was written for these notifications and is not in `seen`; rows as JSON has them. */
async function readPage(
  sql: Sql,
  ids: readonly string[],
  month: string,
  seen: Set<string>,
): Promise<Record<string, Row[]>> {
  const read = async (text: string) =>
    (await sql.query<{ row: Row }>(text, [ids, month])).rows.map((r) => r.row);
  const notifications = await read(
    'SELECT to_jsonb(n) AS row FROM unnest($1::uuid[]) WITH ORDINALITY u(id, at) JOIN notifications n ON n.id = u.id AND n.month = $2 ORDER BY u.at',
  );
  const deliveries = await read(
    'SELECT to_jsonb(d) AS row FROM unnest($1::uuid[]) WITH ORDINALITY u(id, at) JOIN deliveries d ON d.notification_id = u.id AND d.month = $2 ORDER BY u.at',
  );
  // Pages of ours need not begin where these do, so a batch may have rows in two.
  const batches = [...new Set(deliveries.map((row) => String(row['batch_id'])))].filter(
    (id) => !seen.has(id),
  );
  for (const id of batches) seen.add(id);
  return {
    notifications,
    deliveries,
    obligations: (
      await sql.query<{ row: Row }>(
        'SELECT to_jsonb(o) AS row FROM unnest($1::uuid[]) WITH ORDINALITY u(id, at) JOIN obligations o ON o.id = u.id ORDER BY u.at',
        [notifications.map((row) => row['obligation_id'])],
      )
    ).rows.map((r) => r.row),
    told: notifications.map((row) => ({
      key: besideId('bare', row['id'] as NotificationId),
      agency_id: row['agency_id'],
      stage_run_id: row['stage_run_id'],
    })),
    batches: (
      await sql.query<{ row: Row }>(
        'SELECT to_jsonb(b) AS row FROM batches b WHERE b.id = ANY($1::uuid[]) AND b.month = $2',
        [batches, month],
      )
    ).rows.map((r) => r.row),
  };
}

function insertOf(table: Table, rows: readonly Row[]): { name: string; text: string; values: unknown[] } {
  // An array within a row cannot travel in an array of arrays of other lengths: as text it can.
  const asText = (type: string) => type.endsWith('[]');
  const columns = table.columns.map(([name]) => `"${name}"`).join(', ');
  const chosen = table.columns
    .map(([name, type]) => (asText(type) ? `"${name}"::${type}` : `"${name}"`))
    .join(', ');
  const places = table.columns
    .map(([, type], at) => `$${at + 1}::${asText(type) ? 'text' : type}[]`)
    .join(', ');
  return {
    name: `bare-${table.name}`,
    text: `INSERT INTO bare.${table.name} (${columns}) SELECT ${chosen} FROM unnest(${places}) u(${columns})`,
    values: table.columns.map(([name]) =>
      rows.map((row) => {
        const value = row[name];
        if (Array.isArray(value)) return `{${value.join(',')}}`;
        return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
      }),
    ),
  };
}
