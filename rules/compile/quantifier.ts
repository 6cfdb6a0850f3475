/**
 * `some`, `all` and `none` over a citizen's items, and `known`: Kleene's or, and, and nor over the items; an absent list is unknown.
 * Of an empty list `some` and `all` are false and `none` is true, as JsonLogic has it.
 */
import type { Known, Quantified } from '../language.ts';
import type { Numbers, Source } from './closure.ts';
import { isKnownInEvent } from './event-value.ts';

const UNKNOWN = Number.NaN;

/** `body` was compiled over a source whose items are `items`: it judges the item that was looked at last. */
export function compileQuantified<Row>(
  node: Quantified,
  items: ReturnType<Source<Row>['list']>,
  body: Numbers<Row>,
): Numbers<Row> {
  const { count, look } = items;
  if (node.op === 'all')
    return (row, given) => {
      const n = count(row);
      if (Number.isNaN(n)) return UNKNOWN;
      let result = n === 0 ? 0 : 1;
      for (let i = 0; i < n; i++) {
        look(row, i);
        const value = body(row, given);
        if (value === 0) return 0;
        result *= value;
      }
      return result;
    };
  const [found, lacking] = node.op === 'some' ? [1, 0] : [0, 1];
  return (row, given) => {
    const n = count(row);
    if (Number.isNaN(n)) return UNKNOWN;
    let unknown = 0;
    for (let i = 0; i < n; i++) {
      look(row, i);
      const value = body(row, given);
      if (value === 1) return found;
      // 0 where it fails and NaN where it is not known.
      unknown += value;
    }
    return lacking + unknown;
  };
}

export function compileKnown<Row>({ of }: Known, source: Source<Row>): Numbers<Row> {
  switch (of.kind) {
    case 'event':
      return (_, given) => Number(isKnownInEvent(of, given.event));
    case 'list-field': {
      const { count } = source.list(of.list);
      return (row) => Number(!Number.isNaN(count(row)));
    }
    default: {
      const from = of.kind === 'field' ? source : source.item!;
      if (of.type === 'text') {
        const text = from.text(of.field);
        return (row) => Number(text(row) !== undefined);
      }
      const number = from.number(of.field);
      return (row) => Number(!Number.isNaN(number(row)));
    }
  }
}
