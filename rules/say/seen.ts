/** The values that a leaf saw of a citizen and an event. */
import { eventList } from '../compile/event-value.ts';
import type { EventRef, FieldRef, ItemRef, ListRef, Literal, Node } from '../language.ts';
import { variableName } from './expression.ts';
import { type Beheld, itemsOf, type View, viewOfItem } from './view.ts';

export type Variable = FieldRef | ItemRef | EventRef | ListRef;

/** Where a value of the citizen comes from, where that is known. */
export type Origin = { readonly source: string; readonly at?: string };

export type Found = {
  readonly variable: Variable;
  /** `citizen.birthDate`, `citizen.children.0.birthDate`, `event.year`. */
  readonly name: string;
  /** Which item, from 0. */
  readonly item?: number;
  /** The value as a literal of the language; a list has how many it holds; undefined is missing. */
  readonly value: Literal | undefined;
};

/** What a leaf reads, each once, in order of appearance. */
function variablesOf(node: Node, into: Map<string, Variable> = new Map()): Map<string, Variable> {
  const keep = (variable: Variable): unknown => into.set(variableName(variable), variable);
  switch (node.kind) {
    case 'field':
    case 'item':
    case 'event':
      keep(node);
      break;
    case 'known':
      keep(node.of);
      break;
    case 'quantified':
      keep({ kind: 'list-field', list: node.list });
      variablesOf(node.body, into);
      break;
    case 'call':
      for (const arg of node.args) variablesOf(arg, into);
      break;
    default:
  }
  return into;
}

const count = (value: number | undefined): Literal | undefined =>
  value === undefined ? undefined : { kind: 'literal', type: 'integer', value };

/** Every value that the leaf saw; from a citizen's view the members of every item. */
export function valuesSeen(node: Node, view: View, beheld: Beheld): Found[] {
  return [...variablesOf(node)].flatMap(([name, variable]): Found[] => {
    if (variable.kind === 'list-field')
      return [{ variable, name, value: count(itemsOf(beheld, variable.list)) }];
    if (variable.kind === 'event' && variable.list)
      return [{ variable, name, value: count(eventList(variable, beheld.given.event)?.length) }];
    if (variable.kind !== 'item') return [{ variable, name, value: view.come(variable) }];
    const { list, field } = variable;
    const all =
      view.item === undefined ? Array.from({ length: itemsOf(beheld, list) ?? 0 }, (_, i) => i) : [view.item];
    return all.map((item) => ({
      variable,
      item,
      name: `citizen.${list.name}.${item}.${field.name}`,
      value: viewOfItem(beheld, list, item).come(variable),
    }));
  });
}
