/**
 * The blank row at the end of each group: a condition is added by choosing there what it is about, in one move. It is shown and never part of
 * the query; chosen in, it is the new row itself, so the focus stays where it was.
 */
import { newId, type QueryPart, type QueryTree } from './reading.ts';

/** In the place of a field that nobody has chosen yet. */
export const BLANK = '~';
/** The id of each group's blank row, by the id of the group. */
export type Blanks = Map<string, string>;

export function withBlanks(query: QueryTree, blanks: Blanks): QueryTree {
  const rules = query.rules.map((part) => ('rules' in part ? withBlanks(part, blanks) : part));
  let id = blanks.get(query.id);
  if (id === undefined || query.rules.some((part) => part.id === id)) {
    id = newId();
    blanks.set(query.id, id);
  }
  return {
    ...query,
    rules: [...rules, { id, field: BLANK, operator: '=', value: '', valueSource: 'value' }],
  };
}

export function withoutBlanks(query: QueryTree): QueryTree {
  const rules = query.rules
    .filter((part) => !('field' in part && part.field === BLANK))
    .map((part): QueryPart => ('rules' in part ? withoutBlanks(part) : part));
  return { ...query, rules };
}
