/**
 * What is typed, read at once and here: the condition of the builder's query, its sentence, its faults, and which row each of them is about.
 * The same code as on the server, so nothing said here is taken back there.
 */
import { AllimError, type Fault } from '../../../../domain/errors.ts';
import type { Expression } from '../../../../domain/rule.ts';
import { readExpression, type Scope } from '../../../../rules/check/typing.ts';
import type { Node } from '../../../../rules/language.ts';
import type { RuleFault } from '../../../../rules/refusals.ts';
import { queryOf } from '../../../../rules/say/builder.ts';
import { conditionOf } from '../../../../rules/say/builder-query.ts';
import { type Sentence, sentenceOf } from '../../../../rules/say/sentence.ts';
import type { Language } from '../words.ts';

export type { Scope } from '../../../../rules/check/typing.ts';

/** What the builder edits: react-querybuilder's tree, each part with an id that lasts while it is edited. */
export type QueryPart = QueryLeaf | QueryTree;
export type QueryLeaf = {
  id: string;
  field: string;
  operator: string;
  value: unknown;
  valueSource?: 'value' | 'field';
  match?: { mode: string };
};
export type QueryTree = { id: string; combinator: string; rules: QueryPart[]; not?: boolean; bare?: boolean };

export type Read = {
  readonly node: Node | undefined;
  readonly faults: readonly RuleFault[];
};

export function readCondition(condition: Expression, scope: Scope): Read {
  const faults: RuleFault[] = [];
  const node = readExpression(condition, '/condition', scope, faults, 'boolean');
  return { node: faults.length === 0 ? node : undefined, faults };
}

export function sentenceIn(node: Node, language: Language): Sentence {
  return sentenceOf(node, language);
}

let last = 0;
/** Unique in this page. */
export const newId = (): string => `q${++last}`;

function withIds(part: object): QueryPart {
  if ('rules' in part) {
    const { rules } = part as { rules: readonly object[] };
    return { ...(part as QueryTree), id: newId(), rules: rules.map(withIds) };
  }
  const leaf = part as QueryLeaf;
  const value =
    leaf.value !== null && typeof leaf.value === 'object' && 'rules' in leaf.value
      ? withIds(leaf.value)
      : leaf.value;
  return { ...leaf, id: newId(), value };
}

/** An empty builder: a group that nothing is in yet. */
export const emptyQuery = (): QueryTree => ({ id: newId(), combinator: 'and', rules: [] });

/** The query, or the sentences that say why the builder cannot show it. */
export function builderOf(
  node: Node,
): { readonly query: QueryTree } | { readonly unshown: readonly Readonly<Record<Language, string>>[] } {
  if (node.kind === 'literal') return { query: emptyQuery() };
  const shown = queryOf(node);
  if ('unshown' in shown) return { unshown: shown.unshown.map(({ sentences }) => sentences) };
  return { query: withIds(shown.query) as QueryTree };
}

export type FromBuilder = { readonly condition: Expression } | { readonly incomplete: readonly Fault[] };

export function conditionFrom(query: QueryTree): FromBuilder {
  if (query.rules.length === 0) return { incomplete: [{ pointer: '/rules', message: 'empty' }] };
  try {
    return { condition: conditionOf(query) };
  } catch (error) {
    if (!(error instanceof AllimError)) throw error;
    return { incomplete: error.faults };
  }
}

/** Where each part of the query stands in the condition that is made of it, by id. */
export function pointersOf(query: QueryTree, pointer = '/condition'): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  walk(query, pointer, found);
  return found;
}

function walk(part: QueryPart, pointer: string, found: Map<string, string>): void {
  if ('rules' in part) {
    found.set(part.id, pointer);
    const inner = part.not === true ? `${pointer}/!/0` : pointer;
    const alone = part.bare === true && part.rules.length === 1;
    part.rules.forEach((rule, index) => {
      walk(rule, alone ? inner : `${inner}/${part.combinator}/${index}`, found);
    });
    return;
  }
  found.set(part.id, pointer);
  const { value, match } = part;
  if (match !== undefined && value !== null && typeof value === 'object' && 'rules' in value)
    walk(value as QueryTree, `${pointer}/${match.mode}/1`, found);
}

/** Of those who stand at or above the pointer, the nearest: the row that a fault or a warning is about. */
export function rowAt(pointer: string, pointers: ReadonlyMap<string, string>): string | undefined {
  let best: string | undefined;
  let length = -1;
  for (const [id, at] of pointers)
    if ((pointer === at || pointer.startsWith(`${at}/`)) && at.length >= length) {
      best = id;
      length = at.length;
    }
  return best;
}
