/**
 * The oracle of conditions: JsonLogic to SQL's three-valued WHERE, written from DESIGN.md §2 and apart from rules/. It trusts its input
 * (rules that were accepted) and knows the types of what a condition names from whoever asks; the fixtures' are those of test/rules/fixtures.ts.
 */
import { isDayOff } from '../../domain/kr/holidays.ts';
import type { Sql } from '../../domain/sql.ts';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

type Names = Readonly<Record<string, string>>;

/** SQL types by name: of citizens, of the items of their lists, of an event's data (`nested.deep` by its path). */
export type SqlTypes = { readonly citizen: Names; readonly item: Names; readonly event: Names };

const CITIZEN: Names = {
  d: 'date',
  d2: 'date',
  i: 'int',
  i2: 'int',
  n: 'float8',
  b: 'bool',
  e: 'text',
  e2: 'text',
  s: 'text',
  children: 'jsonb',
};
/** Members of an item. */
const ITEM: Names = {
  birthDate: 'date',
  grade: 'int',
  school: 'text',
  town: 'text',
  weight: 'float8',
  boards: 'bool',
};
const EVENT: Names = {
  date: 'date',
  integer: 'int',
  number: 'float8',
  boolean: 'bool',
  text: 'text',
  colour: 'text',
  maybe: 'int',
  'nested.deep': 'int',
  integers: 'int[]',
  texts: 'text[]',
};
const FIXTURES: SqlTypes = { citizen: CITIZEN, item: ITEM, event: EVENT };

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

function literal(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (Array.isArray(value)) return `ARRAY[${value.map(literal).join(',')}]`;
  if (typeof value === 'string')
    return /^\d{4}-\d\d-\d\d$/.test(value) ? `DATE ${quoted(value)}` : quoted(value);
  return typeof value === 'number' ? `(${value})` : String(value);
}

/** What a condition is held against. */
export type Occasion = {
  readonly types: SqlTypes;
  readonly event: Readonly<Record<string, unknown>>;
  readonly asOf: string;
};

/** An expression over a row `citizen` of the types' columns; lists are JSON. */
export function toSql(json: Json, occasion: Occasion): string {
  const { types, event, asOf } = occasion;
  if (typeof json !== 'object' || json === null) return literal(json);
  const [op, given] = Object.entries(json)[0] as [string, Json];
  if (op === 'var') {
    const [root, ...path] = String(Array.isArray(given) ? given[0] : given).split('.');
    if (root === 'citizen' || root === 'item') return `${root}."${path[0]}"`;
    const value = path.reduce<unknown>(
      (at, part) => (at as Record<string, unknown> | undefined)?.[part],
      event,
    );
    return `CAST(${literal(value)} AS ${types.event[path.join('.')]})`;
  }
  const raw = (Array.isArray(given) ? given : [given]) as Json[];
  if (op === 'in') {
    const needle = toSql(raw[0]!, occasion);
    if (Array.isArray(raw[1])) return `(${needle} IN (${raw[1].map(literal).join(',')}))`;
    return `(${needle} = ANY(${toSql(raw[1]!, occasion)}))`;
  }
  if (op === 'some' || op === 'all' || op === 'none') return overItems(op, raw, occasion);
  const args = raw.map((arg) => toSql(arg, occasion));
  const today = `DATE ${quoted(asOf)}`;
  const [a, b, c] = args as [string, string, string];
  switch (op) {
    case 'and':
    case 'or':
      return `(${args.join(op === 'and' ? ' AND ' : ' OR ')})`;
    case '!':
      return `(NOT ${a})`;
    case '==':
      return `(${a} = ${b})`;
    case '!=':
      return `(${a} <> ${b})`;
    case '<':
    case '<=':
    case '>':
    case '>=':
      return `(${a} ${op} ${b})`;
    case 'between':
      return `(${a} BETWEEN ${b} AND ${c})`;
    case 'if': {
      const rest = raw.length > 3 ? toSql({ if: raw.slice(2) }, occasion) : c;
      return `(CASE WHEN ${a} THEN ${b} WHEN NOT ${a} THEN ${rest} WHEN ${b} = ${rest} THEN ${b} END)`;
    }
    case 'age':
      return `(extract(year FROM ${today})::int - extract(year FROM ${a})::int
        - CASE WHEN to_char(${today}, 'MMDD') < to_char(${a}, 'MMDD') THEN 1 ELSE 0 END)`;
    case 'yearAge':
      return `(extract(year FROM ${today})::int - extract(year FROM ${a})::int)`;
    case 'parity':
      return `(extract(year FROM ${a})::int % 2)`;
    case 'ageMonths':
      return `((extract(year FROM ${today})::int - extract(year FROM ${a})::int) * 12
        + extract(month FROM ${today})::int - extract(month FROM ${a})::int
        - CASE WHEN extract(day FROM ${today}) < extract(day FROM ${a}) THEN 1 ELSE 0 END)`;
    case 'monthDay':
      return `to_char(${a}, 'MMDD')::int`;
    case 'known':
      return `(${a} IS NOT NULL)`;
    case 'addWorkingDays':
      return `(CASE WHEN ${b} = 0 THEN ${a}
        WHEN ${b} > 0 THEN (SELECT day FROM working WHERE nth = ${b} + (SELECT max(nth) FROM working WHERE day <= ${a}))
        ELSE (SELECT day FROM working WHERE nth = ${b} + (SELECT min(nth) FROM working WHERE day >= ${a})) END)`;
    case 'workingDay':
      return b === `'next'`
        ? `(SELECT min(day) FROM working WHERE day >= ${a})`
        : `(SELECT max(day) FROM working WHERE day <= ${a})`;
    case 'daysUntil':
      return `(${a} - ${today})`;
    case 'daysSince':
      return `(${today} - ${a})`;
    case 'within':
      return `(${a} >= ${today} AND ${a} <= ${today} + ${b})`;
    case 'addDays':
      return `(${a} + ${b})`;
    case 'addMonths':
      return `(${a} + make_interval(months => ${b}))::date`;
    case 'addYears':
      return `(${a} + make_interval(years => ${b}))::date`;
    default:
      throw new Error(`the oracle does not know ${op}`);
  }
}

/** Kleene over the items: a row each, of which one true (or false) decides and one unknown leaves it open. */
function overItems(op: string, [list, body]: Json[], occasion: Occasion): string {
  const items = toSql(list!, occasion);
  const members = Object.entries(occasion.types.item).map(([name, type]) => `"${name}" ${type}`);
  const truth = toSql(body!, occasion);
  const decided = op === 'all' ? 'NOT bool_and(truth)' : 'bool_or(truth)';
  const hit = op === 'some';
  return `(CASE WHEN ${items} IS NOT NULL THEN
    (SELECT CASE WHEN count(*) = 0 THEN ${op === 'none'} WHEN ${decided} THEN ${hit}
            WHEN count(*) > count(truth) THEN NULL ELSE ${!hit} END
       FROM (SELECT ${truth} AS truth FROM jsonb_to_recordset(${items}) AS item(${members.join(', ')})) AS judged) END)`;
}

/** The table of working days that the oracle counts in: every one from 1990 to 2034 with its number. */
export async function createWorkingDays(sql: Sql): Promise<void> {
  const days: string[] = [];
  let day = Temporal.PlainDate.from('1990-01-01');
  for (; day.year < 2035; day = day.add({ days: 1 }))
    if (!isDayOff(day.toString())) days.push(day.toString());
  await sql.query('CREATE TABLE working (day date PRIMARY KEY, nth int UNIQUE)');
  await sql.query('INSERT INTO working SELECT * FROM unnest($1::date[]) WITH ORDINALITY', [days]);
}

/** The truth for each citizen: true, false, or null for unknown. */
export async function truths(
  sql: Sql,
  condition: unknown,
  citizens: readonly (Record<string, unknown> & { id: string })[],
  event: Record<string, unknown>,
  asOf: string,
): Promise<Map<string, boolean | null>> {
  const columns = Object.entries(CITIZEN).map(([name, type]) => `"${name}" ${type}`);
  const { rows } = await sql.query<{ id: string; truth: boolean | null }>(
    `SELECT id, ${toSql(condition as Json, { types: FIXTURES, event, asOf })} AS truth
       FROM jsonb_to_recordset($1::jsonb) AS citizen(id text, ${columns.join(', ')})`,
    [JSON.stringify(citizens)],
  );
  return new Map(rows.map(({ id, truth }) => [id, truth]));
}
