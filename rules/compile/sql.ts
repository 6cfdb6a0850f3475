/**
 * A checked tree as SQL: one three-valued expression over a row of `profiles` (see `profilesTable`), true, false or NULL where it is not
 * known, for databases that agencies have, and the oracle that every other reading is held against. It shares nothing with them but the
 * tree: events are read, days are counted and items are looked at in its own way.
 * Values are parameters, always; names come from the catalogue and are quoted. Nothing of a rule or an event is ever part of the text.
 */
import type { WorkingDays } from '../../domain/timeline.ts';
import { WORKING_DAYS } from '../../domain/working-days.ts';
import { dayText } from '../calendar.ts';
import { type Fields, type ListField, type ScalarField, scalarMembers } from '../catalogue.ts';
import type { Call, EventRef, Known, Literal, Node, Quantified, ScalarType } from '../language.ts';
import { eventParameter, type SqlValue, textForSql } from './sql-values.ts';
import {
  addWorkingDays,
  moveToWorkingDay,
  WORKING_YEARS,
  type WorkingCalendar,
  type WorkingYears,
} from './sql-working-days.ts';

export type SqlExpression = { readonly text: string; readonly values: readonly SqlValue[] };

export type SqlGiven = {
  readonly event: Readonly<Record<string, unknown>>;
  /** The day as of which is judged, as a day number. */
  readonly asOf: number;
};

export type SqlOptions = {
  /** The table's name or alias in the statement around. */
  readonly table?: string;
  /** How many parameters of the statement come before those of the expression. */
  readonly parametersBefore?: number;
  readonly calendar?: WorkingDays;
  /** Fewer years than all that the other readings know, whose days off are some 2,000 values. */
  readonly workingYears?: WorkingYears;
};

export const SQL_TYPES: Readonly<Record<ScalarType, string>> = {
  boolean: 'boolean',
  // Wide enough for whatever a rule or an event may say: no comparison overflows.
  integer: 'bigint',
  number: 'double precision',
  date: 'date',
  text: 'text',
};

/** Quoted. A name with a NUL cannot stand in a statement; the catalogue has none. */
export function identifier(name: string): string {
  if (name === '' || name.includes('\0')) throw new RangeError('no name for a column');
  return `"${name.replaceAll('"', '""')}"`;
}

export const sqlTypeOf = (field: ScalarField | ListField): string => {
  if (field.type === 'list') return 'jsonb';
  return SQL_TYPES[field.type === 'enum' || field.type === 'string' ? 'text' : field.type];
};

/**
 * The table that expressions are over: a column a field, NULL where it is not known or disputed. A list is a jsonb array of objects by member:
 * dates as YYYY-MM-DD, an absent or null member is not known.
 */
export function profilesTable(fields: Fields, name = 'profiles'): string {
  const columns = [...fields.values()].map((field) => `  ${identifier(field.name)} ${sqlTypeOf(field)}`);
  return `CREATE TABLE ${identifier(name)} (\n${['  citizen text PRIMARY KEY', ...columns].join(',\n')}\n)`;
}

/** The expression, boolean for a condition. `SELECT citizen FROM profiles WHERE <text>` are those for whom it certainly holds. */
export function compileSql(node: Node, given: SqlGiven, options: SqlOptions = {}): SqlExpression {
  const writer = new SqlWriter(given, options);
  return { text: writer.write(node).text, values: writer.values };
}

/** `atomic`: a column or a parameter, which may be repeated; anything else is computed once and named. */
type Piece = { readonly text: string; readonly atomic: boolean };

const made = (text: string): Piece => ({ text, atomic: false });
const NAMES = ['a', 'b', 'c'] as const;
const FIRST = "DATE '0001-01-01'";
const LAST = "DATE '9999-12-31'";
/** The day as digits: whole years lie between two of them where their difference is whole ten thousands. */
const digitsOf = (date: string): string => `to_char(${date}::timestamp, 'YYYYMMDD')::bigint`;
const yearOf = (date: string): string => `extract(year FROM ${date})::bigint`;
/** Months since year 0, and the day below them, so that a month that is not full yet is rounded down. */
const monthsOf = (date: string): string =>
  `(extract(year FROM ${date}) * 1200 + extract(month FROM ${date}) * 100 + extract(day FROM ${date}))`;

class SqlWriter {
  readonly values: SqlValue[] = [];
  private readonly given: SqlGiven;
  private readonly table: string;
  private readonly before: number;
  private readonly calendar: WorkingCalendar;
  private readonly places = new Map<string, string>();
  private named = 0;

  constructor(given: SqlGiven, { table, parametersBefore, calendar, workingYears }: SqlOptions) {
    this.given = given;
    this.table = identifier(table ?? 'profiles');
    this.before = parametersBefore ?? 0;
    this.calendar = { days: calendar ?? WORKING_DAYS, years: workingYears ?? WORKING_YEARS };
  }

  /** The same value of the same type is one parameter. */
  private readonly parameter = (value: SqlValue, type: string): string => {
    const key = `${type} ${JSON.stringify(value)}`;
    let place = this.places.get(key);
    if (place === undefined) {
      this.values.push(value);
      place = `$${this.before + this.values.length}::${type}`;
      this.places.set(key, place);
    }
    return place;
  };

  /** Only where it is asked for: Postgres refuses a parameter that no part of the text names. */
  private get today(): string {
    return this.parameter(dayText(this.given.asOf), 'date');
  }

  /**
   * Pieces that are used more than once. What is computed is named in a subselect; its OFFSET keeps the planner from putting it back in
   * place, without which a tree of depth 32 would become a statement of 2^32 parts.
   */
  private using(pieces: readonly Piece[], body: (...names: readonly string[]) => string): Piece {
    if (pieces.every((piece) => piece.atomic)) return made(body(...pieces.map((piece) => piece.text)));
    const name = `t${++this.named}`;
    const columns = pieces.map((piece, index) => `${piece.text} AS ${NAMES[index]}`);
    const names = pieces.map((_, index) => `${name}.${NAMES[index]}`);
    return made(`(SELECT ${body(...names)} FROM (SELECT ${columns.join(', ')} OFFSET 0) AS ${name})`);
  }

  write(node: Node): Piece {
    switch (node.kind) {
      case 'literal':
        return this.literal(node);
      case 'field':
        return { text: `${this.table}.${identifier(node.field.name)}`, atomic: true };
      case 'item':
        return { text: `item.${identifier(node.field.name)}`, atomic: true };
      case 'event':
        return this.event(node);
      case 'known':
        return made(this.known(node));
      case 'quantified':
        return made(this.quantified(node));
      case 'call':
        return this.call(node);
      case 'list':
        return {
          text: this.parameter(
            node.values.map((literal) => literalValue(literal)),
            `${SQL_TYPES[node.type]}[]`,
          ),
          atomic: true,
        };
    }
  }

  private literal(node: Literal): Piece {
    return { text: this.parameter(literalValue(node), SQL_TYPES[node.type]), atomic: true };
  }

  private event(node: EventRef): Piece {
    const value = eventParameter(node, this.given.event);
    const type = SQL_TYPES[node.type];
    return { text: this.parameter(value, node.list ? `${type}[]` : type), atomic: true };
  }

  private known({ of }: Known): string {
    if (of.kind === 'list-field') return `(${this.items(of.list)} IS NOT NULL)`;
    return `(${this.write(of).text} IS NOT NULL)`;
  }

  /** A list that is JSON's null is as unknown as one that is SQL's. */
  private items(list: ListField): string {
    const column = `${this.table}.${identifier(list.name)}`;
    return `(CASE WHEN jsonb_typeof(${column}) = 'array' THEN ${column} END)`;
  }

  /** SQL's own `= ANY` and `= ALL` over a subselect are Kleene's or and and. Of an empty list ALL is true, and `all` is not. */
  private quantified({ op, list, body }: Quantified): string {
    const members = scalarMembers(list).map((field) => `${identifier(field.name)} ${sqlTypeOf(field)}`);
    const items = this.items(list);
    // A list whose items have nothing that conditions may read still has items.
    const columns = members.length > 0 ? members.join(', ') : '_ text';
    const from = `(SELECT ${this.write(body).text} FROM jsonb_to_recordset(${items}) AS item(${columns}))`;
    const judged =
      op === 'all'
        ? `(jsonb_array_length(${items}) > 0 AND true = ALL ${from})`
        : `${op === 'none' ? 'NOT ' : ''}(true = ANY ${from})`;
    return `(CASE WHEN ${items} IS NOT NULL THEN ${judged} END)`;
  }

  private call(node: Call): Piece {
    // The direction of `workingDay` is no value, and Postgres refuses a parameter that the text does not name.
    const args = node.op === 'workingDay' ? node.args.slice(0, 1) : node.args;
    const pieces = (): Piece[] => args.map((arg) => this.write(arg));
    const texts = (): string[] => pieces().map((piece) => piece.text);
    switch (node.op) {
      case 'and':
      case 'or':
        return made(`(${texts().join(node.op === 'and' ? ' AND ' : ' OR ')})`);
      case '!':
        return made(`(NOT ${texts()[0]})`);
      case 'if':
        return this.choice(pieces());
      case '==':
      case '!=':
      case '<':
      case '<=':
      case '>':
      case '>=': {
        const [left, right] = texts();
        return made(`(${left} ${{ '==': '=', '!=': '<>' }[node.op as string] ?? node.op} ${right})`);
      }
      case 'between': {
        const [value, low, high] = texts();
        return made(`(${value} BETWEEN ${low} AND ${high})`);
      }
      case 'in': {
        const [needle, list] = texts();
        return made(`(${needle} = ANY (${list}))`);
      }
      default:
        return this.calendarCall(node, pieces());
    }
  }

  /** An unknown condition gives an answer only where both ways give the same; SQL's own CASE would take it for a false one. */
  private choice(pieces: readonly Piece[]): Piece {
    let otherwise = pieces.at(-1)!;
    for (let i = pieces.length - 3; i >= 0; i -= 2)
      otherwise = this.using(
        [pieces[i]!, pieces[i + 1]!, otherwise],
        (holds, then, rest) =>
          `(CASE WHEN ${holds} THEN ${then} WHEN NOT ${holds} THEN ${rest} WHEN ${then} = ${rest} THEN ${then} END)`,
      );
    return otherwise;
  }

  private calendarCall(node: Call, pieces: readonly Piece[]): Piece {
    const date = pieces[0]!.text;
    switch (node.op) {
      case 'age':
        return made(`floor((${digitsOf(this.today)} - ${digitsOf(date)}) / 10000.0)::bigint`);
      case 'ageMonths':
        return this.using(pieces, (a) => `floor((${monthsOf(this.today)} - ${monthsOf(a!)}) / 100)::bigint`);
      case 'yearAge':
        return made(`(${yearOf(this.today)} - ${yearOf(date)})`);
      case 'parity':
        return made(`(${yearOf(date)} % 2)`);
      case 'monthDay':
        return made(`to_char(${date}::timestamp, 'MMDD')::bigint`);
      case 'daysUntil':
        return made(`(${date} - ${this.today})::bigint`);
      case 'daysSince':
        return made(`(${this.today} - ${date})::bigint`);
      case 'within':
        return this.using(pieces, (a, b) => `(${a} >= ${this.today} AND ${a} - ${this.today} <= ${b})`);
      case 'addDays':
        return this.using(
          pieces,
          (a, b) =>
            `(CASE WHEN ${b} BETWEEN ${FIRST} - ${a} AND ${LAST} - ${a} THEN ${a} + ${small(b!)} END)`,
        );
      case 'addMonths':
        return this.using(pieces, (a, b) => addMonths(a!, b!));
      case 'addYears':
        return this.using(pieces, (a, b) => addMonths(a!, `(${b} * 12)`));
      case 'addWorkingDays':
        return this.using(pieces, (a, b) => addWorkingDays(a!, b!, this.calendar, this.parameter));
      case 'workingDay': {
        const next = (node.args[1] as Literal).value === 'next';
        return this.using(pieces, (a) => moveToWorkingDay(a!, next, this.calendar, this.parameter));
      }
      default:
        throw new TypeError(`${node.op} is no operator`);
    }
  }
}

/**
 * The planner works out what is constant before anything guards it, and a cast that overflows would fail the statement. Within the guards
 * around it this is the number itself.
 */
const small = (count: string): string => `((${count}) % 10000000)::integer`;

/** Postgres cuts to the month's last day, as the calendar wants. Years 1 to 9999 begin 12 months after year 0 and end 120,000 after it. */
function addMonths(date: string, months: string): string {
  const month = `${yearOf(date)} * 12 + extract(month FROM ${date})::bigint - 1 + ${months}`;
  return `(CASE WHEN ${month} BETWEEN 12 AND 119999 THEN (${date} + make_interval(months => ${small(months)}))::date END)`;
}

function literalValue({ type, value }: Literal): string | number | boolean {
  if (type === 'date') return dayText(value as number);
  if (type === 'boolean') return value === 1;
  return type === 'text' ? textForSql(value as string) : value;
}
