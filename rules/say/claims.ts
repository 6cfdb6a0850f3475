/**
 * What a condition claims, in the form in which people say it: negations are carried down to what they deny, which in three-valued logic
 * changes no truth, comparisons have what is asked about on their left, and groups of one are what stands in them. Languages speak claims.
 */
import type { ListField } from '../catalogue.ts';
import type { Call, Comparison, Known, Node } from '../language.ts';
import { not } from '../lower/negation.ts';

/** `node`: the same claim as a tree, its denial included, for those who judge it. */
export type Claim =
  | {
      readonly kind: 'compare';
      readonly pointer: string;
      readonly node: Node;
      readonly left: Node;
      readonly op: Comparison;
      readonly right: Node;
    }
  | ({ readonly kind: 'between'; readonly low: Node; readonly high: Node } & Denied)
  | ({ readonly kind: 'in'; readonly list: Node } & Denied)
  | ({ readonly kind: 'within'; readonly days: Node } & Denied)
  | ({ readonly kind: 'holds' } & Denied)
  | {
      readonly kind: 'known';
      readonly pointer: string;
      readonly node: Node;
      readonly of: Known['of'];
      readonly denied: boolean;
    }
  | {
      readonly kind: 'items';
      readonly pointer: string;
      readonly node: Node;
      readonly op: 'some' | 'all' | 'none' | 'not-all';
      readonly list: ListField;
      readonly body: Claim;
    }
  | {
      readonly kind: 'group';
      readonly pointer: string;
      readonly join: 'all' | 'any';
      readonly claims: readonly Claim[];
    }
  | {
      readonly kind: 'choice';
      readonly pointer: string;
      readonly arms: readonly { readonly when: Claim; readonly wanted: Claim }[];
      readonly otherwise: Claim;
    }
  | { readonly kind: 'always'; readonly pointer: string; readonly node: Node; readonly holds: boolean };

type Denied = {
  readonly pointer: string;
  readonly node: Node;
  readonly subject: Node;
  readonly denied: boolean;
};
/** Everything that is judged as one. */
export type Leaf = Exclude<Claim, { readonly kind: 'group' | 'choice' }>;
export type ClaimOf<K extends Claim['kind']> = Extract<Claim, { readonly kind: K }>;

export const DENIED: Readonly<Record<Comparison, Comparison>> = {
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
};
const TURNED: Readonly<Record<Comparison, Comparison>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};
const DENIED_ITEMS = { some: 'none', none: 'some', all: 'not-all' } as const;

/** `pointer`: where the condition stands in the rule; nodes that know their own place have it instead. */
export function claimOf(node: Node, pointer = '/condition', denied = false): Claim {
  const judged = denied ? not(node) : node;
  switch (node.kind) {
    case 'literal':
      return { kind: 'always', pointer, node: judged, holds: (node.value === 1) !== denied };
    case 'known':
      return { kind: 'known', pointer: node.pointer, node: judged, of: node.of, denied };
    case 'quantified': {
      const body = claimOf(node.body, `${node.pointer}/1`);
      const op = denied ? DENIED_ITEMS[node.op] : node.op;
      return { kind: 'items', pointer: node.pointer, node: judged, op, list: node.list, body };
    }
    case 'call':
      return claimOfCall(node, denied);
    default:
      return { kind: 'holds', pointer, node: judged, subject: node, denied };
  }
}

function claimOfCall(node: Call, denied: boolean): Claim {
  const { pointer, args } = node;
  const judged = denied ? not(node) : node;
  const [first, second, third] = args as [Node, Node, Node];
  const inner = (index: number, deny: boolean): Claim => claimOf(args[index]!, `${pointer}/${index}`, deny);
  switch (node.op) {
    case '!':
      return inner(0, !denied);
    case 'and':
    case 'or':
      return group(
        pointer,
        (node.op === 'and') !== denied ? 'all' : 'any',
        args.map((_, index) => inner(index, denied)),
      );
    case 'if': {
      const arms = [];
      for (let i = 0; i + 1 < args.length; i += 2)
        arms.push({ when: inner(i, false), wanted: inner(i + 1, denied) });
      return { kind: 'choice', pointer, arms, otherwise: inner(args.length - 1, denied) };
    }
    case 'between':
      return { kind: 'between', pointer, node: judged, subject: first, low: second, high: third, denied };
    case 'in':
      return { kind: 'in', pointer, node: judged, subject: first, list: second, denied };
    case 'within':
      return { kind: 'within', pointer, node: judged, subject: first, days: second, denied };
    default:
      return comparison(node, denied);
  }
}

function comparison(node: Call, denied: boolean): Claim {
  const { pointer } = node;
  const judged = denied ? not(node) : node;
  let [left, right] = node.args as [Node, Node];
  let op = denied ? DENIED[node.op as Comparison] : (node.op as Comparison);
  if (
    left.kind === 'literal' ||
    (left.kind === 'event' && right.kind !== 'literal' && right.kind !== 'event')
  ) {
    [left, right] = [right, left];
    op = TURNED[op];
  }
  if (left.type === 'boolean' && right.kind === 'literal')
    return claimOf(left, pointer, (right.value === 1) !== (op === '=='));
  // There are but two: not even is odd.
  if (isParity(left) && op === '!=' && right.kind === 'literal' && (right.value === 0 || right.value === 1))
    return {
      kind: 'compare',
      pointer,
      node: judged,
      left,
      op: '==',
      right: { ...right, value: 1 - right.value },
    };
  return { kind: 'compare', pointer, node: judged, left, op, right };
}

function group(pointer: string, join: 'all' | 'any', claims: readonly Claim[]): Claim {
  const flat = claims.flatMap((claim) =>
    claim.kind === 'group' && claim.join === join ? claim.claims : [claim],
  );
  return flat.length === 1 ? flat[0]! : { kind: 'group', pointer, join, claims: flat };
}

export function isCall(node: Node, op: Call['op']): node is Call {
  return node.kind === 'call' && node.op === op;
}

export const isParity = (node: Node): boolean => isCall(node, 'parity');

/** Everything in a claim that is judged as one, in order. */
export function claimLeaves(claim: Claim): readonly Leaf[] {
  switch (claim.kind) {
    case 'group':
      return claim.claims.flatMap(claimLeaves);
    case 'choice':
      return [...claim.arms.flatMap(({ when, wanted }) => [when, wanted]), claim.otherwise].flatMap(
        claimLeaves,
      );
    default:
      return [claim];
  }
}

/** Whether it is said in one line. */
export function isLeaf(claim: Claim): boolean {
  return claim.kind !== 'group' && claim.kind !== 'choice' && claim.kind !== 'items';
}

/** Claims that can be said one after the other in one line. */
export function inOneLine(claim: Claim): readonly Claim[] | undefined {
  if (isLeaf(claim)) return [claim];
  if (claim.kind !== 'group' || claim.join !== 'all' || claim.claims.length > 3) return undefined;
  return claim.claims.every(isLeaf) ? claim.claims : undefined;
}
