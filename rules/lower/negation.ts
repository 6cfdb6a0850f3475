/** Negation pushed down to what cannot be turned round: De Morgan holds for three values, and so do the opposites of comparisons. */
import type { Call, Node, Operator, Quantified } from '../language.ts';

const OPPOSITE: Readonly<Partial<Record<Operator, Operator>>> = {
  and: 'or',
  or: 'and',
  '==': '!=',
  '!=': '==',
  '<': '>=',
  '<=': '>',
  '>': '<=',
  '>=': '<',
};

/** The same condition in every citizen's eyes, where `!` stands only above `in`, `between`, `within`, `known`, `all`, and what is boolean itself. */
export function negationNormal(node: Node): Node {
  return normal(node, false);
}

function normal(node: Node, negated: boolean): Node {
  if (node.kind === 'quantified') return quantified(node, negated);
  if (node.kind === 'literal') return negated ? { ...node, value: node.value === 1 ? 0 : 1 } : node;
  if (node.kind !== 'call') return negated ? not(node) : node;
  switch (node.op) {
    case '!':
      return normal(node.args[0]!, !negated);
    case 'and':
    case 'or':
      return {
        ...node,
        op: negated ? OPPOSITE[node.op]! : node.op,
        args: node.args.map((arg) => normal(arg, negated)),
      };
    case 'if': {
      const last = node.args.length - 1;
      const isCondition = (index: number): boolean => index % 2 === 0 && index < last;
      return {
        ...node,
        args: node.args.map((arg, index) => normal(arg, negated && !isCondition(index))),
      };
    }
    default: {
      const opposite = OPPOSITE[node.op];
      if (!negated) return node;
      return opposite === undefined ? not(node) : { ...node, op: opposite };
    }
  }
}

/** `some` and `none` are each other's opposite; `all` has none, because of an empty list it is false like `some`. */
function quantified(node: Quantified, negated: boolean): Node {
  const turned = { ...node, body: normal(node.body, false) };
  if (!negated) return turned;
  return node.op === 'all' ? not(turned) : { ...turned, op: node.op === 'some' ? 'none' : 'some' };
}

/** `!` above a node that has no opposite of its own. */
export function not(node: Node): Call {
  return {
    kind: 'call',
    op: '!',
    type: 'boolean',
    args: [node],
    pointer: 'pointer' in node ? node.pointer : '',
  };
}
