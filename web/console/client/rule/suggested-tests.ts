/**
 * Test citizens that a condition suggests: one whom it ought to concern, and for each thing it asks one who differs in that alone. Only what
 * is compared plainly is understood; whether they come out as expected the server says, and whoever writes the rule decides.
 */
import type { RuleTest } from '../../../../domain/rule.ts';
import { civilOf, parseDay } from '../../../../rules/calendar.ts';
import type { ScalarField } from '../../../../rules/catalogue.ts';
import type { Node } from '../../../../rules/language.ts';

type Value = string | number | boolean;
type Data = Readonly<Record<string, unknown>>;
type Wish = { readonly field: ScalarField; readonly holds: (value: Value) => boolean };

const COMPARES: Readonly<Record<string, (a: Value, b: Value) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

/** The conditions that all have to hold, as far as they are plain. */
function wishesOf(node: Node, event: Data, year: number): readonly Wish[] {
  if (node.kind === 'field' && node.type === 'boolean')
    return [{ field: node.field, holds: (value) => value === true }];
  if (node.kind !== 'call') return [];
  if (node.op === 'and') return node.args.flatMap((arg) => wishesOf(arg, event, year));
  const read = reading(node.args[0], year);
  if (read === undefined) return [];
  if (node.op === 'in' && node.args[1]?.kind === 'list') {
    const values = node.args[1].values.map(({ value }) => value);
    return [{ field: read.field, holds: (value) => values.includes(read.of(value) as string | number) }];
  }
  const right = node.args.slice(1).map((arg) => saidBy(arg, event));
  if (right.some((value) => value === undefined)) return [];
  if (node.op === 'between')
    return [
      { field: read.field, holds: (value) => read.of(value) >= right[0]! && read.of(value) <= right[1]! },
    ];
  const compare = COMPARES[node.op];
  return compare === undefined
    ? []
    : [{ field: read.field, holds: (value) => compare(read.of(value), right[0]!) }];
}

/** What is compared, of a value of the field. */
function reading(
  node: Node | undefined,
  year: number,
): { field: ScalarField; of: (value: Value) => Value } | undefined {
  if (node?.kind === 'field') return { field: node.field, of: (value) => value };
  if (node?.kind !== 'call' || node.args[0]?.kind !== 'field') return undefined;
  const { field } = node.args[0];
  const yearOf = (value: Value): number => Number(String(value).slice(0, 4));
  if (node.op === 'parity') return { field, of: (value) => yearOf(value) % 2 };
  // Born in the middle of a year, full years and those of the year differ by one at most; the server says which.
  if (node.op === 'yearAge' || node.op === 'age') return { field, of: (value) => year - yearOf(value) };
  return undefined;
}

function saidBy(node: Node, event: Data): Value | undefined {
  if (node.kind === 'event') {
    const value = node.path.reduce<unknown>((at, name) => (at as Data | undefined)?.[name], event);
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? value
      : undefined;
  }
  if (node.kind !== 'literal') return undefined;
  if (node.type === 'boolean') return node.value === 1;
  if (node.type === 'date') return dayText(Number(node.value));
  return node.value;
}

function dayText(number: number): string {
  const { year, month, day } = civilOf(number);
  return `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
}

function candidates(field: ScalarField, event: Data, year: number): readonly Value[] {
  switch (field.type) {
    case 'enum':
      return field.values;
    case 'boolean':
      return [true, false];
    case 'date':
      return Array.from({ length: 101 }, (_, age) => `${year - age}-01-15`);
    case 'integer': {
      const said = Object.values(event).filter((value): value is number => Number.isInteger(value));
      const near = [year, ...said].flatMap((value) => [value, value - 1, value + 1]);
      const small = Array.from({ length: 11 }, (_, value) => value);
      return [...near, ...small, field.min, field.max].filter(
        (value) => value >= field.min && value <= field.max,
      );
    }
    default:
      return [];
  }
}

type Names = { readonly fits: string; readonly differs: (field: ScalarField) => string };

export function suggestedTests(node: Node, event: Data, asOf: string, names: Names): readonly RuleTest[] {
  const { year } = civilOf(parseDay(asOf));
  const wishes = Map.groupBy(wishesOf(node, event, year), ({ field }) => field);
  const fits: Record<string, Value> = {};
  for (const [field, own] of wishes) {
    const found = candidates(field, event, year).find((value) => own.every(({ holds }) => holds(value)));
    if (found !== undefined) fits[field.name] = found;
  }
  if (Object.keys(fits).length === 0) return [];
  const differing = [...wishes].flatMap(([field, own]): RuleTest[] => {
    const found = candidates(field, event, year).find((value) => !own.every(({ holds }) => holds(value)));
    if (found === undefined) return [];
    return [
      { name: names.differs(field), asOf, citizen: { ...fits, [field.name]: found }, event, expect: 'no' },
    ];
  });
  return [{ name: names.fits, asOf, citizen: fits, event, expect: 'certain' }, ...differing];
}
