/**
 * The peer of `audience`: DuckDB in memory with two threads, over the same rows in columns of their natural types (enumerations as ENUM,
 * lists as lists of structs), counting by the same condition. It says the part of the language that the published rules use and refuses the
 * rest, so that what is compared is counted alike.
 */
import {
  DOUBLE,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBInstance,
  INTEGER,
  VARCHAR,
} from '@duckdb/node-api';
import { dayText } from '../rules/calendar.ts';
import type { ScalarField } from '../rules/catalogue.ts';
import type { Circumstances } from '../rules/compile/closure.ts';
import { eventList, eventValue } from '../rules/compile/event-value.ts';
import type { Node, Quantified } from '../rules/language.ts';
import type { Column } from '../rules/population/columns.ts';
import type { ListColumn } from '../rules/population/lists.ts';
import type { Population } from '../rules/population/population.ts';

export type DuckDb = {
  /** Citizens for whom the condition is certain, and the milliseconds; undefined where it uses what is not said here. */
  count(condition: Node, given: Circumstances): Promise<{ count: number; ms: number } | undefined>;
  close(): void;
};

const CHUNK = 2_048;

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** How values come in, and what is made of them: days and enumerations as numbers, which are quick to hand over. */
function columnOf({ field }: Column): {
  readonly raw: 'INTEGER' | 'DOUBLE' | 'VARCHAR';
  readonly natural: string;
} {
  const raw = field.type === 'number' ? 'DOUBLE' : field.type === 'string' ? 'VARCHAR' : 'INTEGER';
  return { raw, natural: naturalOf(field, `"${field.name}"`) };
}

function naturalOf(field: ScalarField, given: string): string {
  switch (field.type) {
    case 'date':
      return `(DATE '1970-01-01' + ${given})`;
    case 'boolean':
      return `(${given} = 1)`;
    case 'enum': {
      const values = field.values.map(quoted).join(', ');
      return `CAST(list_extract([${values}], ${given}) AS ENUM (${values}))`;
    }
    default:
      return given;
  }
}

const RAW = { INTEGER, DOUBLE, VARCHAR };

function rawOf(column: Column, row: number): number | string | null {
  if (column.field.type === 'enum') return column.raw(row) || null;
  return column.valueAt(row) ?? null;
}

/** Rows by number, column by column. */
async function append(
  connection: DuckDBConnection,
  table: string,
  types: readonly (keyof typeof RAW)[],
  rows: Iterable<readonly (number | string | null)[]>,
): Promise<void> {
  const appender = await connection.createAppender(table);
  let columns: (number | string | null)[][] = types.map(() => []);
  const flush = (): void => {
    const chunk = DuckDBDataChunk.create(types.map((type) => RAW[type]));
    chunk.setColumns(columns);
    appender.appendDataChunk(chunk);
    columns = types.map(() => []);
  };
  for (const row of rows) {
    for (let at = 0; at < row.length; at++) columns[at]!.push(row[at]!);
    if (columns[0]!.length === CHUNK) flush();
  }
  if (columns[0]!.length > 0) flush();
  appender.closeSync();
}

function* citizenRows(populations: readonly Population[]): Generator<(number | string | null)[]> {
  let row = 0;
  for (const population of populations)
    for (let slot = 0; slot < population.capacity; slot++) {
      if (!population.isLive(slot)) continue;
      const counts = population.lists.map((list) => {
        const count = list.count(slot);
        return Number.isNaN(count) ? null : count;
      });
      yield [row++, ...population.columns.map((column) => rawOf(column, slot)), ...counts];
    }
}

function* itemRows(populations: readonly Population[], at: number): Generator<(number | string | null)[]> {
  let row = 0;
  for (const population of populations) {
    const list = population.lists[at]!;
    for (let slot = 0; slot < population.capacity; slot++) {
      if (!population.isLive(slot)) continue;
      const first = list.firstRow(slot);
      const count = list.count(slot);
      for (let item = 0; item < count; item++)
        yield [row, item, ...list.members.map((column) => rawOf(column, first + item))];
      row++;
    }
  }
}

async function addItems(
  connection: DuckDBConnection,
  populations: readonly Population[],
  list: ListColumn,
  at: number,
): Promise<void> {
  const members = list.members.map(columnOf);
  const names = list.members.map(({ field }) => `"${field.name}"`);
  await connection.run(
    `CREATE TABLE items${at} ("row" INTEGER, "at" INTEGER, ${names.map((name, i) => `${name} ${members[i]!.raw}`).join(', ')})`,
  );
  await append(
    connection,
    `items${at}`,
    ['INTEGER', 'INTEGER', ...members.map(({ raw }) => raw)],
    itemRows(populations, at),
  );
}

export async function duckDbOf(populations: readonly Population[]): Promise<DuckDb> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  const { columns, lists } = populations[0]!;
  const said = columns.map((column) => ({ name: `"${column.field.name}"`, ...columnOf(column) }));
  await connection.run(
    `CREATE TABLE given ("row" INTEGER, ${said.map(({ name, raw }) => `${name} ${raw}`).join(', ')}${lists.map((_, at) => `, count${at} INTEGER`).join('')})`,
  );
  await append(
    connection,
    'given',
    ['INTEGER', ...said.map(({ raw }) => raw), ...lists.map((): 'INTEGER' => 'INTEGER')],
    citizenRows(populations),
  );
  for (const [at, list] of lists.entries()) await addItems(connection, populations, list, at);
  const grouped = lists.map(({ members }, at) => {
    const struct = members
      .map((column) => `"${column.field.name}" := ${columnOf(column).natural}`)
      .join(', ');
    return `LEFT JOIN (SELECT "row", list(struct_pack(${struct}) ORDER BY "at") AS found FROM items${at} GROUP BY "row") l${at} ON l${at}."row" = given."row"`;
  });
  const made = [
    ...said.map(({ name, natural }) => `${natural.replaceAll(name, `given.${name}`)} AS ${name}`),
    ...lists.map(
      ({ field }, at) =>
        `CASE WHEN count${at} IS NOT NULL THEN coalesce(l${at}.found, []) END AS "${field.name}"`,
    ),
  ];
  await connection.run(`CREATE TABLE profiles AS SELECT ${made.join(', ')} FROM given ${grouped.join(' ')}`);
  for (const table of ['given', ...lists.map((_, at) => `items${at}`)])
    await connection.run(`DROP TABLE ${table}`);
  return {
    async count(condition, given) {
      const where = sqlOf(condition, given);
      if (where === undefined) return undefined;
      const from = performance.now();
      const reader = await connection.runAndReadAll(`SELECT count(*)::INTEGER FROM profiles WHERE ${where}`);
      return { count: Number(reader.getRows()[0]![0]), ms: performance.now() - from };
    },
    close() {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

function literal(value: unknown, type: string): string {
  if (value === undefined || value === null) return 'NULL';
  if (type === 'date') return `DATE '${typeof value === 'number' ? dayText(value) : String(value)}'`;
  if (type === 'boolean') return value === 1 || value === true ? 'TRUE' : 'FALSE';
  return typeof value === 'string' ? quoted(value) : String(value);
}

/** undefined where the node is none of those below. Only rules and events that ship come here. */
function sqlOf(node: Node, given: Circumstances): string | undefined {
  switch (node.kind) {
    case 'literal':
      return literal(node.value, node.type);
    case 'field':
      return `"${node.field.name}"`;
    case 'item':
      return `item."${node.field.name}"`;
    case 'event':
      return literal(eventValue(node.path, given.event), node.type);
    case 'known':
      return node.of.kind === 'field' ? `("${node.of.field.name}" IS NOT NULL)` : undefined;
    case 'call':
      return callOf(node, given);
    case 'quantified':
      return quantifiedOf(node, given);
    default:
      return undefined;
  }
}

/** True where an item's condition is, not known where one is not known, else false: of an empty list too. */
function quantifiedOf({ op, list, body }: Quantified, given: Circumstances): string | undefined {
  const said = sqlOf(body, given);
  if (op !== 'some' || said === undefined) return undefined;
  const any = (test: string): string => `len(list_filter("${list.name}", item -> ${test})) > 0`;
  return `(CASE WHEN "${list.name}" IS NULL THEN NULL WHEN ${any(said)} THEN TRUE WHEN ${any(`(${said}) IS NULL`)} THEN NULL ELSE FALSE END)`;
}

function callOf(node: Extract<Node, { kind: 'call' }>, given: Circumstances): string | undefined {
  const [first, second] = node.args as [Node, Node];
  if (node.op === 'in') {
    const needle = sqlOf(first, given);
    const values =
      second.kind === 'list'
        ? second.values.map(({ value }) => value)
        : second.kind === 'event'
          ? eventList(second, given.event)
          : undefined;
    if (needle === undefined || values === undefined || values.length === 0) return undefined;
    return `(${needle} IN (${values.map((value) => literal(value, first.type)).join(', ')}))`;
  }
  const said = node.args.map((arg) => sqlOf(arg, given));
  if (said.includes(undefined)) return undefined;
  const [a, b, c] = said as string[];
  const today = `DATE '${dayText(given.asOf)}'`;
  switch (node.op) {
    case 'and':
    case 'or':
      return `(${said.join(` ${node.op.toUpperCase()} `)})`;
    case '!':
      return `(NOT ${a})`;
    case '==':
      return `(${a} = ${b})`;
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return `(${a} ${node.op} ${b})`;
    case 'between':
      return `(${a} BETWEEN ${b} AND ${c})`;
    case 'age':
      return `date_sub('year', ${a}, ${today})`;
    case 'ageMonths':
      return `date_sub('month', ${a}, ${today})`;
    case 'yearAge':
      return `(year(${today}) - year(${a}))`;
    case 'parity':
      return `(year(${a}) % 2)`;
    case 'monthDay':
      return `(month(${a}) * 100 + day(${a}))`;
    case 'daysUntil':
      return `(${a} - ${today})`;
    case 'daysSince':
      return `(${today} - ${a})`;
    case 'addYears':
      return `CAST(${a} + to_years(${b}) AS DATE)`;
    default:
      return undefined;
  }
}
