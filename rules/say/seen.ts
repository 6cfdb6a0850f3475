/** The values that a leaf saw of a citizen and an event. */
import { type Circumstances, compileNumber, compileText, type Source } from '../compile/closure.ts';
import { isKnownInEvent } from '../compile/event-value.ts';
import type { EventRef, FieldRef, ItemRef, ListRef, Literal, Node } from '../language.ts';
import { type Layout, type Profile, profileSource } from '../population/profile.ts';

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
export function variablesOf(node: Node, into: Map<string, Variable> = new Map()): Map<string, Variable> {
  switch (node.kind) {
    case 'field':
      into.set(`citizen.${node.field.name}`, node);
      break;
    case 'item':
      into.set(`item.${node.field.name}`, node);
      break;
    case 'event':
      into.set(`event.${node.path.join('.')}`, node);
      break;
    case 'known':
      if (node.of.kind === 'list-field') into.set(`citizen.${node.of.list.name}`, node.of);
      else variablesOf(node.of, into);
      break;
    case 'quantified':
      into.set(`citizen.${node.list.name}`, { kind: 'list-field', list: node.list });
      variablesOf(node.body, into);
      break;
    case 'call':
      for (const arg of node.args) variablesOf(arg, into);
      break;
    default:
  }
  return into;
}

const count = (value: number): Literal | undefined =>
  Number.isNaN(value) ? undefined : { kind: 'literal', type: 'integer', value };

/** Every value that the leaf saw; of items, those of each. */
export function valuesSeen(node: Node, profile: Profile, layout: Layout, given: Circumstances): Found[] {
  const source = profileSource(layout);
  const found: Found[] = [];
  for (const [name, variable] of variablesOf(node)) {
    switch (variable.kind) {
      case 'list-field':
        found.push({ variable, name, value: count(source.list(variable.list).count(profile)) });
        break;
      case 'item':
        found.push(...ofItems(variable, profile, source));
        break;
      case 'event':
        found.push({ variable, name, value: ofEvent(variable, given) });
        break;
      default:
        found.push({ variable, name, value: literalOf(variable, profile, source, given) });
    }
  }
  return found;
}

function ofItems(variable: ItemRef, profile: Profile, source: Source<Profile>): Found[] {
  const items = source.list(variable.list);
  const found: Found[] = [];
  for (let item = 0; item < (items.count(profile) || 0); item++) {
    items.look(profile, item);
    const name = `citizen.${variable.list.name}.${item}.${variable.field.name}`;
    const value = literalOf(variable, profile, { ...source, item: items }, NOWHERE);
    found.push({ variable, name, item, value });
  }
  return found;
}

const NOWHERE: Circumstances = { event: {}, asOf: 0 };

function ofEvent(variable: EventRef, given: Circumstances): Literal | undefined {
  if (!variable.list) return literalOf(variable, undefined, undefined, given);
  if (!isKnownInEvent(variable, given.event)) return undefined;
  let value: unknown = given.event;
  for (const part of variable.path) value = (value as Record<string, unknown>)[part];
  return count((value as readonly unknown[]).length);
}

/** What a term comes to, as a literal of its type. */
export function literalOf(
  node: Node,
  profile: Profile | undefined,
  source: Source<Profile> | undefined,
  given: Circumstances,
): Literal | undefined {
  if (node.kind === 'list') return undefined;
  const type = node.type;
  const value =
    type === 'text'
      ? compileText(node, source!)(profile!, given)
      : compileNumber(node, source!)(profile!, given);
  return value === undefined || Number.isNaN(value) ? undefined : { kind: 'literal', type, value };
}
