/**
 * The peer of `audience`: DuckDB in memory with two threads, over the same rows in columns of their natural types, counting by the same
 * condition. It says the part of the language that the published rules use and refuses the rest, so that what is compared is counted alike.
 */
import { DuckDBDateValue, DuckDBInstance } from '@duckdb/node-api';
import { dayText } from '../rules/calendar.ts';
import type { ScalarField } from '../rules/catalogue.ts';
import type { Circumstances } from '../rules/compile/closure.ts';
import { eventList, eventValue } from '../rules/compile/event-value.ts';
import type { Node } from '../rules/language.ts';
import type { Population } from '../rules/population/population.ts';

const TYPES: Readonly<Record<ScalarField['type'], string>> = {
  date: 'DATE',
  integer: 'INTEGER',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  enum: 'VARCHAR',
  string: 'VARCHAR',
};

export type DuckDb = {
  /** Citizens for whom the condition is certain, and the milliseconds; undefined where it uses what is not said here. */
  count(condition: Node, given: Circumstances): Promise<{ count: number; ms: number } | undefined>;
  close(): void;
};

export async function duckDbOf(population: Population): Promise<DuckDb> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  const { columns } = population;
  const written = columns.map(({ field }) => `"${field.name}" ${TYPES[field.type]}`).join(', ');
  await connection.run(`CREATE TABLE profiles (${written})`);
  const appender = await connection.createAppender('profiles');
  for (const slot of population.order()) {
    for (const column of columns) {
      const value = column.valueAt(slot);
      if (value === undefined) appender.appendNull();
      else if (column.field.type === 'date') appender.appendDate(new DuckDBDateValue(value as number));
      else if (column.field.type === 'boolean') appender.appendBoolean(value === 1);
      else if (column.field.type === 'integer') appender.appendInteger(value as number);
      else if (column.field.type === 'number') appender.appendDouble(value as number);
      else appender.appendVarchar(value as string);
    }
    appender.endRow();
  }
  appender.closeSync();
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
  return typeof value === 'string' ? `'${value.replaceAll("'", "''")}'` : String(value);
}

/** undefined where the node is none of those below. Only rules and events that ship come here. */
function sqlOf(node: Node, given: Circumstances): string | undefined {
  switch (node.kind) {
    case 'literal':
      return literal(node.value, node.type);
    case 'field':
      return `"${node.field.name}"`;
    case 'event':
      return literal(eventValue(node.path, given.event), node.type);
    case 'known':
      return node.of.kind === 'field' ? `("${node.of.field.name}" IS NOT NULL)` : undefined;
    case 'call':
      return callOf(node, given);
    default:
      return undefined;
  }
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
    default:
      return undefined;
  }
}
