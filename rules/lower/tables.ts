/** Leaves over one column that are no interval: asked once for each code, whatever they compute. */
import type { WorkingDays } from '../../domain/timeline.ts';
import { monthDayOf, yearOf } from '../calendar.ts';
import { FIRST_PROFILE_DAY, LAST_PROFILE_DAY, type ScalarField } from '../catalogue.ts';
import { type Circumstances, compileNumber } from '../compile/closure.ts';
import type { Node } from '../language.ts';
import { codingOf } from '../population/columns.ts';
import { NO, type TableLeaf, YES } from './lowered.ts';
import { sourceOf, THE_VALUE } from './monotone.ts';

/** Beyond so many codes a table costs more than it saves. */
const TABLE_CODES = 4_096;

function bitsOf(truth: number, negated: boolean): number {
  if (Number.isNaN(truth)) return 0;
  return (truth === 1) === negated ? NO : YES;
}

/** A field of few codes. */
export function tableOf(
  node: Node,
  field: ScalarField,
  negated: boolean,
  given: Circumstances,
  calendar: WorkingDays,
): TableLeaf | undefined {
  const { base, maxCode } = codingOf(field);
  if (maxCode > TABLE_CODES) return undefined;
  const source = sourceOf<number>({
    number: () => (code: number) => (code === 0 ? Number.NaN : code + base - 1),
    text: () => (code: number) => (code === 0 || field.type !== 'enum' ? undefined : field.values[code - 1]),
  });
  const closure = compileNumber(node, source, calendar);
  const bits = Uint8Array.from({ length: maxCode + 1 }, (_, code) => bitsOf(closure(code, given), negated));
  return { kind: 'table', field, bits };
}

/** What turns every year: the function's value for each code of a date, made once for the process. */
const TURNING = {
  monthDay: { of: monthDayOf, most: 1_231 },
  parity: { of: (day: number) => yearOf(day) % 2, most: 1 },
} as const;
type Turning = keyof typeof TURNING;
const turned = new Map<Turning, Uint16Array>();

function valuesOf(op: Turning): Uint16Array {
  let values = turned.get(op);
  if (values === undefined) {
    const { of } = TURNING[op];
    values = new Uint16Array(LAST_PROFILE_DAY - FIRST_PROFILE_DAY + 2);
    for (let code = 1; code < values.length; code++) values[code] = of(FIRST_PROFILE_DAY + code - 1);
    turned.set(op, values);
  }
  return values;
}

/** A leaf that reads a date only as its parity, or only as its month and day: asked once for each of those. */
export function tableOfTurning(
  node: Node,
  field: ScalarField,
  negated: boolean,
  given: Circumstances,
  calendar: WorkingDays,
): TableLeaf | undefined {
  if (field.type !== 'date') return undefined;
  const ops = new Set<Turning | null>();
  const asked = replaced(node, ops);
  const [op] = ops;
  if (ops.size !== 1 || op === null || op === undefined) return undefined;
  const closure = compileNumber(asked, THE_VALUE, calendar);
  const answers = Uint8Array.from({ length: TURNING[op].most + 1 }, (_, value) =>
    bitsOf(closure(value, given), negated),
  );
  const bits = new Uint8Array(codingOf(field).maxCode + 1);
  const values = valuesOf(op);
  for (let code = 1; code < bits.length; code++) bits[code] = answers[values[code]!]!;
  bits[0] = bitsOf(closure(Number.NaN, given), negated);
  return { kind: 'table', field, bits };
}

/** The leaf with the function's value in the place of the function; `ops` takes the functions found, null for a date that is read bare. */
function replaced(node: Node, ops: Set<Turning | null>): Node {
  if (node.kind === 'field' || node.kind === 'item' || node.kind === 'known') {
    ops.add(null);
    return node;
  }
  if (node.kind !== 'call') return node;
  const [first] = node.args;
  if (Object.hasOwn(TURNING, node.op) && (first?.kind === 'field' || first?.kind === 'item')) {
    ops.add(node.op as Turning);
    return { ...first, type: 'integer' };
  }
  return { ...node, args: node.args.map((arg) => replaced(arg, ops)) };
}
