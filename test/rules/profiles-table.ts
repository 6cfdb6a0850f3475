/** The table `profiles` that compile/sql.ts speaks of, and the truth of a condition for rows of it. */
import type { Sql } from '../../domain/sql.ts';
import { type Fields, scalarMembers } from '../../rules/catalogue.ts';
import { compileSql, profilesTable, type SqlGiven, type SqlOptions } from '../../rules/compile/sql.ts';
import { textForSql } from '../../rules/compile/sql-values.ts';
import type { Node } from '../../rules/language.ts';

export type ProfileRow = Readonly<Record<string, unknown>> & { readonly citizen: string };

export async function createProfiles(sql: Sql, fields: Fields): Promise<void> {
  await sql.query(profilesTable(fields));
}

/** A profile as it comes on the topic, as a row: what is disputed is not there, nor what the catalogue lacks. */
export function profileRow(
  citizen: string,
  profile: Readonly<Record<string, unknown>>,
  fields: Fields,
  disputed: readonly string[] = [],
): ProfileRow {
  const row: Record<string, unknown> & { citizen: string } = { citizen };
  for (const field of fields.values()) {
    const value = profile[field.name];
    if (value === undefined || value === null || disputed.includes(field.name)) continue;
    row[field.name] =
      field.type === 'list'
        ? (value as Record<string, unknown>[]).map((item) =>
            Object.fromEntries(scalarMembers(field).map(({ name }) => [name, kept(item[name])])),
          )
        : kept(value);
  }
  return row;
}

const kept = (value: unknown): unknown => (typeof value === 'string' ? textForSql(value) : (value ?? null));

export async function fillProfiles(sql: Sql, rows: readonly ProfileRow[]): Promise<void> {
  await sql.query('TRUNCATE profiles');
  await sql.query('INSERT INTO profiles SELECT * FROM jsonb_populate_recordset(NULL::profiles, $1::jsonb)', [
    JSON.stringify(rows),
  ]);
}

/** The truth by citizen, null where it is not known, of rows that need not stand in the table: they only have its types. */
export async function truthsBySql(
  sql: Sql,
  condition: Node,
  rows: readonly ProfileRow[],
  given: SqlGiven,
  options: SqlOptions = {},
): Promise<Map<string, boolean | null>> {
  const { text, values } = compileSql(condition, given, { ...options, parametersBefore: 1 });
  const { rows: found } = await sql.query<{ citizen: string; truth: boolean | null }>(
    `SELECT citizen, ${text} AS truth FROM jsonb_populate_recordset(NULL::profiles, $1::jsonb) AS profiles`,
    [JSON.stringify(rows), ...values],
  );
  return new Map(found.map(({ citizen, truth }) => [citizen, truth]));
}
