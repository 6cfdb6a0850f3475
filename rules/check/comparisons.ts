/** Arguments that must be of one type: comparisons, `between` and `in`. The first that is not a literal gives the type. */
import { LIMITS, type Literal, type Node } from '../language.ts';
import { fits, isNumeric, isObject } from './literals.ts';
import type { Application, Reader } from './typing.ts';

/** The arguments of `== != < <= > >= between`; undefined where one of them was refused. */
export function readAlike(
  reader: Reader,
  { op, args, inner, place }: Application,
): readonly (Node | undefined)[] | undefined {
  const nodes: (Node | undefined)[] = args.map((arg, index) =>
    isObject(arg) && !isChoice(arg) ? reader.read(arg, inner(index), undefined, place) : undefined,
  );
  let lead = nodes.find((node) => node !== undefined);
  args.forEach((arg, index) => {
    if (!isChoice(arg)) return;
    // What a choice is between may be written down, and is then of the type that it stands beside.
    const want = lead === undefined || isNumeric(lead.type) ? undefined : lead.type;
    nodes[index] = reader.read(arg, inner(index), want, place);
    lead ??= nodes[index];
  });
  if (args.some((arg, index) => isObject(arg) && nodes[index] === undefined)) return undefined;
  if (lead === undefined) return reader.refuse('literals-only', inner(0));
  const beside = lead;
  const anyNumber = nodes.some((node) => node?.type === 'number');
  const type = isNumeric(beside.type) && anyNumber ? 'number' : beside.type;
  args.forEach((arg, index) => {
    const node = nodes[index];
    nodes[index] =
      node === undefined
        ? listed(reader, beside, reader.read(arg, inner(index), type, place), inner(index))
        : listed(reader, beside, reader.expect(node, inner(index), type), inner(index));
  });
  const ordered = op !== '==' && op !== '!=';
  if (ordered && (type === 'text' || type === 'boolean')) return reader.refuse('no-order', inner(0), type);
  return nodes;
}

const isChoice = (arg: unknown): boolean =>
  isObject(arg) && Object.keys(arg).length === 1 && Object.hasOwn(arg, 'if');

/**
 * A literal beside a closed set of values must be one of them, and each that a choice is between: a misspelt code would match nobody, in
 * silence.
 */
function listed(reader: Reader, beside: Node, node: Node | undefined, pointer: string): Node | undefined {
  if (node?.kind === 'call' && node.op === 'if' && node !== beside) {
    const { args } = node;
    const wrong = args.filter(
      (arg, index) =>
        (index % 2 === 1 || index === args.length - 1) &&
        listed(reader, beside, arg, `${node.pointer}/${index}`) === undefined,
    );
    return wrong.length > 0 ? undefined : node;
  }
  if (node?.kind !== 'literal' || node.type !== 'text') return node;
  const value = node.value as string;
  const field = beside.kind === 'field' || beside.kind === 'item' ? beside.field : undefined;
  const values = field?.type === 'enum' ? field.values : beside.kind === 'event' ? beside.values : undefined;
  if (values !== undefined && !values.includes(value))
    return reader.refuse('value-unknown', pointer, value, values);
  if (field?.type === 'string' && field.pattern?.test(value) === false)
    return reader.refuse('value-unlike', pointer, value, field.labels);
  return node;
}

/** The arguments of `in`: what is looked for, and a list of literals or of the event. */
export function readMembership(
  reader: Reader,
  { args, inner, place }: Application,
): readonly (Node | undefined)[] {
  const [needle, list] = args;
  const pointer = inner(1);
  const node = isObject(needle)
    ? reader.read(needle, inner(0), undefined, place)
    : reader.refuse('needle-literal', inner(0));
  if (node === undefined) return [undefined];
  if (node.kind === 'event' && node.list) return [reader.refuse('type-wrong', inner(0), 'list', node.type)];
  if (isObject(list)) {
    const read = reader.read(list, pointer, undefined, place);
    if (read === undefined) return [undefined];
    if (read.kind !== 'event' || !read.list) return [reader.refuse('list-wanted', pointer)];
    if (!fits(read.type, node.type) && !fits(node.type, read.type))
      return [reader.refuse('list-of-other-type', pointer, read.type, node.type)];
    return [node, read];
  }
  if (!Array.isArray(list)) return [reader.refuse('list-wanted', pointer)];
  if (list.length === 0) return [reader.refuse('list-empty', pointer)];
  if (list.length > LIMITS.arguments) return [reader.refuse('list-too-long', pointer, LIMITS.arguments)];
  const values = list.map((item, index) => {
    const at = `${pointer}/${index}`;
    if (isObject(item)) return reader.refuse('literal-wanted', at);
    return listed(reader, node, reader.read(item, at, node.type, place), at);
  });
  if (values.some((value) => value === undefined)) return [undefined];
  return [node, { kind: 'list', type: node.type, values: values as Literal[] }];
}
