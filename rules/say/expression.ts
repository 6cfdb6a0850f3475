/** A checked tree as a rule file writes it: JsonLogic whose arguments are always lists. What was checked and written comes out the same again. */
import type { Expression } from '../../domain/rule.ts';
import { dayText } from '../calendar.ts';
import type { Known, Literal, Node } from '../language.ts';

export function expressionOf(node: Node): Expression {
  switch (node.kind) {
    case 'literal':
      return literalJson(node);
    case 'list':
      return node.values.map(literalJson);
    case 'known':
      return { known: [variable(node.of)] };
    case 'quantified':
      return { [node.op]: [{ var: `citizen.${node.list.name}` }, expressionOf(node.body)] };
    case 'call':
      return { [node.op]: node.args.map(expressionOf) };
    default:
      return variable(node);
  }
}

export function literalJson({ type, value }: Literal): string | number | boolean {
  if (type === 'date') return dayText(value as number);
  return type === 'boolean' ? value === 1 : value;
}

/** `citizen.birthDate`, `item.birthDate`, `event.year`. */
export function variableName(node: Known['of']): string {
  switch (node.kind) {
    case 'field':
      return `citizen.${node.field.name}`;
    case 'item':
      return `item.${node.field.name}`;
    case 'list-field':
      return `citizen.${node.list.name}`;
    case 'event':
      return `event.${node.path.join('.')}`;
  }
}

const variable = (node: Known['of']): Expression => ({ var: variableName(node) });
