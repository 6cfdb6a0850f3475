/**
 * What a condition costs to judge for a whole shard, estimated before anything is compiled: milliseconds of one thread for a million
 * citizens. A leaf over one column is a range or a table of codes; one over several is judged citizen by citizen (compile/columns.ts).
 * Over-estimates on purpose: it is a bound against rules that would stop a shard, not a prediction.
 */
import { type Node, operandsOf, readsCitizen, readsMoreThanItems } from '../language.ts';

/** Milliseconds a million: one pass over a column in blocks; a citizen judged by a closure, and each part of that closure. */
const COLUMN_MS = 4;
const CLOSURE_MS = 60;
const PART_MS = 25;
/** Items a citizen, for those conditions that look at each. */
const ITEMS = 2;
const WORDS = new Set(['and', 'or', '!', 'if']);

export function costOf(node: Node): number {
  if (!readsCitizen(node)) return 0;
  if (node.kind === 'call' && node.type === 'boolean' && WORDS.has(node.op))
    return node.args.reduce((sum, arg) => sum + costOf(arg), 0);
  if (node.kind === 'quantified')
    return readsMoreThanItems(node.body)
      ? CLOSURE_MS + ITEMS * PART_MS * partsOf(node.body)
      : COLUMN_MS + ITEMS * costOf(node.body);
  return columnsOf(node) <= 1 ? COLUMN_MS : CLOSURE_MS + PART_MS * partsOf(node);
}

function partsOf(node: Node): number {
  const values = node.kind === 'list' ? 0 : 1;
  const inside = operandsOf(node).reduce((sum, operand) => sum + partsOf(operand), values);
  return node.kind === 'quantified' ? inside * ITEMS : inside;
}

/** How many different columns a leaf reads; a quantifier inside a leaf counts as several. */
function columnsOf(node: Node, seen: Set<unknown> = new Set()): number {
  const of = node.kind === 'known' ? node.of : node;
  if (of.kind === 'field' || of.kind === 'item') seen.add(of.field);
  else if (of.kind === 'list-field') seen.add(of.list);
  else if (of.kind === 'quantified') return Number.POSITIVE_INFINITY;
  let most = 0;
  for (const operand of operandsOf(node)) most = Math.max(most, columnsOf(operand, seen));
  return Math.max(most, seen.size);
}
