/**
 * Looks over a checked condition for what cannot have been meant: leaves that are always or never true, what follows from or contradicts what
 * stands beside it, branches nobody comes to. Reasons about one value at a time, over the values that there are (leaf-values.ts); what is
 * missing makes any leaf unknown, so "always" is said of those who have a value. Never refuses anything, and is silent where it cannot tell.
 */
import type { Call, Node } from '../language.ts';
import { operandsOf } from '../language.ts';
import { LeafReader, type LeafValues } from './leaf-values.ts';
import { isNone, joined, type Spans, sameSpans, shared, within, without } from './value-spans.ts';
import { type RuleWarning, warning } from './warning-words.ts';

export { type RuleWarning, WARNING_CODES, type WarningCode } from './warning-words.ts';

/** What is known of values where a node stands, by key. */
type Known = ReadonlyMap<string, Spans>;

/** `pointer`: where the condition stands in the rule. */
export function warningsOf(condition: Node, pointer: string): readonly RuleWarning[] {
  const look = new Looking();
  look.at(condition, pointer, new Map());
  return look.found;
}

class Looking {
  readonly found: RuleWarning[] = [];
  private readonly leaves = new LeafReader();

  at(node: Node, pointer: string, known: Known): void {
    const leaf = this.leaves.read(node);
    if (leaf !== undefined) this.leaf(leaf, pointerOf(node, pointer), known, isRange(node));
    if (node.kind === 'call' && node.op === 'and') this.all(node, known);
    else if (node.kind === 'call' && node.op === 'or') this.any(node, known);
    else if (node.kind === 'call' && node.op === 'if') this.choice(node, known);
    // Under `!` the leaf was read whole, and what surrounds it says nothing of its inside.
    else if (node.kind !== 'call' || node.op !== '!' || leaf === undefined)
      operandsOf(node).forEach((operand, index) => {
        this.at(operand, placeOf(node, index, pointer), known);
      });
  }

  private say(code: Parameters<typeof warning>[0], pointer: string): void {
    if (!this.found.some((one) => one.pointer === pointer)) this.found.push(warning(code, pointer));
  }

  private leaf(leaf: LeafValues, pointer: string, known: Known, range: boolean): void {
    const here = known.get(leaf.key) ?? leaf.range;
    // A range brings two dates of its own.
    if (isNone(leaf.allowed))
      this.say(leaf.isDate && range ? 'dates-contradict' : 'leaf-always-false', pointer);
    else if (within(leaf.range, leaf.allowed, leaf.step)) this.say('leaf-always-true', pointer);
    else if (isNone(here)) return;
    else if (isNone(shared(here, leaf.allowed)))
      this.say(leaf.isDate ? 'dates-contradict' : 'leaf-contradicts', pointer);
    else if (within(here, leaf.allowed, leaf.step)) this.say('leaf-follows', pointer);
  }

  private all(node: Call, known: Known): void {
    const leaves = node.args.map((arg) => this.leaves.read(arg));
    node.args.forEach((arg, index) => {
      const own = leaves[index];
      let beside = known;
      leaves.forEach((other, at) => {
        if (other === undefined || at === index) return;
        // Of two that say the same the later one is too much; of two that exclude each other the later one is told.
        if (own !== undefined && other.key === own.key && at > index) {
          if (sameSpans(own.allowed, other.allowed) || isNone(shared(own.allowed, other.allowed))) return;
        }
        beside = narrowed(beside, other, other.allowed);
      });
      this.at(arg, placeOf(node, index, node.pointer), beside);
    });
  }

  private any(node: Call, known: Known): void {
    const leaves = node.args.map((arg) => this.leaves.read(arg));
    const keys = new Set(leaves.flatMap((leaf) => leaf?.key ?? []));
    for (const key of keys) {
      const same = leaves.filter((leaf) => leaf?.key === key) as LeafValues[];
      const { range, step } = same[0]!;
      const here = known.get(key) ?? range;
      const together = joined(
        same.flatMap((leaf) => leaf.allowed),
        step,
      );
      const alone = same.some((leaf) => within(here, leaf.allowed, step));
      if (same.length > 1 && !alone && within(here, together, step))
        this.say('whole-always-true', node.pointer);
    }
    node.args.forEach((arg, index) => {
      const own = leaves[index];
      const pointer = placeOf(node, index, node.pointer);
      if (own !== undefined && !isNone(own.allowed)) {
        const before = leaves.slice(0, index).flatMap((leaf) => (leaf?.key === own.key ? leaf.allowed : []));
        if (within(own.allowed, joined(before, own.step), own.step))
          this.say('branch-unreachable', pointerOf(arg, pointer));
      }
      this.at(arg, pointer, known);
    });
  }

  /** What a condition lets through its value is asked under, and what it does not, all that follows. */
  private choice(node: Call, known: Known): void {
    let rest = known;
    let decided = false;
    for (let index = 0; index < node.args.length; index += 2) {
      const last = index === node.args.length - 1;
      const value = node.args[last ? index : index + 1]!;
      const place = placeOf(node, last ? index : index + 1, node.pointer);
      const leaf = last ? undefined : this.leaves.read(node.args[index]!);
      const here = leaf && (rest.get(leaf.key) ?? leaf.range);
      const never = leaf !== undefined && isNone(shared(here!, leaf.allowed));
      if (decided || never) this.say('branch-unreachable', pointerOf(value, place));
      if (!last) this.at(node.args[index]!, placeOf(node, index, node.pointer), rest);
      this.at(value, place, leaf === undefined || never ? rest : narrowed(rest, leaf, leaf.allowed));
      if (leaf === undefined) continue;
      if (within(here!, leaf.allowed, leaf.step)) decided = true;
      rest = narrowed(rest, leaf, without(leaf.range, leaf.allowed, leaf.step));
    }
  }
}

const isRange = (node: Node): boolean => node.kind === 'call' && node.op === 'between';

function narrowed(known: Known, leaf: LeafValues, to: Spans): Known {
  return new Map(known).set(leaf.key, shared(known.get(leaf.key) ?? leaf.range, to));
}

function pointerOf(node: Node, fallback: string): string {
  return 'pointer' in node ? node.pointer : fallback;
}

/** An operator's pointer ends with its name, and its arguments stand below. */
function placeOf(node: Node, index: number, pointer: string): string {
  return `${pointerOf(node, pointer)}/${node.kind === 'quantified' ? 1 : index}`;
}
