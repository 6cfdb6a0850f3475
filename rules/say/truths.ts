/** Which leaves decide: of a condition judged leaf by leaf, the least of them that make it true, false or not known. */
import type { Claim, Leaf } from './claims.ts';

/** True, false, or null where it is not known. */
export type Truth = boolean | null;

export type Judgement = {
  readonly truth: Truth;
  /** As few leaves as decide: those that make it true or false, or that would have to be known for it to be true. */
  readonly deciding: readonly Leaf[];
};

export function judge(claim: Claim, truthOf: (leaf: Leaf) => Truth): Judgement {
  switch (claim.kind) {
    case 'group':
      return joined(
        claim.claims.map((inner) => judge(inner, truthOf)),
        claim.join === 'all',
      );
    case 'choice': {
      let rest = judge(claim.otherwise, truthOf);
      for (const { when, wanted } of claim.arms.toReversed())
        rest = chosen(judge(when, truthOf), judge(wanted, truthOf), rest);
      return rest;
    }
    default:
      return { truth: truthOf(claim), deciding: [claim] };
  }
}

function joined(parts: readonly Judgement[], all: boolean): Judgement {
  // One that is false decides an `all`, one that is true an `any`; the least of such is said.
  const one = parts.filter(({ truth }) => truth === !all);
  if (one.length > 0) return least(one);
  const open = parts.filter(({ truth }) => truth === null);
  if (open.length === 0) return { truth: all, deciding: union(parts) };
  return all ? { truth: null, deciding: union(open) } : least(open);
}

function chosen(when: Judgement, wanted: Judgement, rest: Judgement): Judgement {
  if (when.truth === null) {
    const agree = wanted.truth === rest.truth;
    const both = { truth: agree ? wanted.truth : null, deciding: union([wanted, rest]) };
    return both.truth === null
      ? { truth: null, deciding: union([when, ...[wanted, rest].filter((one) => one.truth === null)]) }
      : both;
  }
  const way = when.truth ? wanted : rest;
  return { truth: way.truth, deciding: way.truth === null ? way.deciding : union([when, way]) };
}

function least(parts: readonly Judgement[]): Judgement {
  return parts.reduce((best, part) => (part.deciding.length < best.deciding.length ? part : best));
}

function union(parts: readonly Judgement[]): readonly Leaf[] {
  return [...new Set(parts.flatMap(({ deciding }) => deciding))];
}
