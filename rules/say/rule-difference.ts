/** What two versions of a rule say differently: the members that changed, the lines of their sentences, and whom of their test citizens it concerns. */
import canonicalize from 'canonicalize';
import type { RuleTest } from '../../domain/rule.ts';
import { parseDay } from '../calendar.ts';
import type { Language } from '../catalogue.ts';
import type { CheckedRule } from '../check/rule.ts';
import { compileNumber } from '../compile/closure.ts';
import { type Layout, profileSource, readProfile } from '../population/profile.ts';
import { sentenceOf } from './sentence.ts';

type Reach = RuleTest['expect'];
const BULLET = /^\s*(?:- )?/u;

export type RuleDifference = {
  /** Members of the rule file whose value is another; the order of what stands in them is none. */
  readonly members: readonly string[];
  /** Lines of the sentence that only the one or only the other has; empty where both say the same. */
  readonly lost: readonly string[];
  readonly gained: readonly string[];
  /** Test citizens of either whom the two judge differently. */
  readonly moved: readonly { readonly test: string; readonly from: Reach; readonly to: Reach }[];
};

export function differenceOf(
  before: CheckedRule,
  after: CheckedRule,
  layout: Layout,
  language: Language,
): RuleDifference {
  const names = new Set([...Object.keys(before.rule), ...Object.keys(after.rule)]);
  const member = ({ rule }: CheckedRule, name: string): string =>
    canonicalize((rule as unknown as Record<string, unknown>)[name] ?? null) ?? '';
  const [old, fresh] = [before, after].map(({ condition }) =>
    sentenceOf(condition, language).text.split('\n'),
  );
  return {
    members: [...names].filter((name) => member(before, name) !== member(after, name)),
    ...linesOf(old!, fresh!),
    moved: movedBetween(before, after, layout),
  };
}

/** Lines outside the longest run of lines that both have in the same order. */
function linesOf(old: readonly string[], fresh: readonly string[]): Pick<RuleDifference, 'lost' | 'gained'> {
  const common = Array.from({ length: old.length + 1 }, () => new Array<number>(fresh.length + 1).fill(0));
  for (let i = old.length - 1; i >= 0; i--)
    for (let j = fresh.length - 1; j >= 0; j--)
      common[i]![j] =
        old[i] === fresh[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
  const lost: string[] = [];
  const gained: string[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < fresh.length) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j]) {
      i++;
      j++;
    } else if (j >= fresh.length || (i < old.length && common[i + 1]![j]! >= common[i]![j + 1]!))
      lost.push(old[i++]!.replace(BULLET, ''));
    else gained.push(fresh[j++]!.replace(BULLET, ''));
  }
  return { lost, gained };
}

function movedBetween(before: CheckedRule, after: CheckedRule, layout: Layout): RuleDifference['moved'] {
  const source = profileSource(layout);
  const [old, fresh] = [before, after].map(({ condition }) => compileNumber(condition, source));
  const tests = new Map(
    [...before.rule.tests, ...after.rule.tests].map((test) => [JSON.stringify(test), test]),
  );
  return [...tests.values()].flatMap((test) => {
    const profile = readProfile(test.citizen, layout);
    const given = { event: test.event, asOf: parseDay(test.asOf) };
    const [from, to] = [old!, fresh!].map((judge) => reachOf(judge(profile, given)));
    return from === to ? [] : [{ test: test.name, from: from!, to: to! }];
  });
}

const reachOf = (truth: number): Reach => (truth === 1 ? 'certain' : truth === 0 ? 'no' : 'possible');
