/**
 * Why a notice came, in the words that rules have for it: what decides, with what was seen. Judged as matching judges, against the attributes
 * as they are now and the day on which it was judged.
 */
import type { EventType } from '../../domain/event.ts';
import type { Rule } from '../../domain/rule.ts';
import { parseDay } from '../../rules/calendar.ts';
import type { Fields } from '../../rules/catalogue.ts';
import { readRule } from '../../rules/check/rule.ts';
import { layoutOf, readProfile } from '../../rules/population/profile.ts';
import { explain } from '../../rules/say/explanation.ts';
import type { Language } from './words.ts';

export type Leaf = {
  readonly text: string;
  /** `생년월일 1980년 5월 5일`, of what is known. */
  readonly seen: readonly string[];
  /** `unknown` where a value is missing: then it neither says yes nor no. */
  readonly holds: 'yes' | 'no' | 'unknown';
};

export type Explainer = (
  rule: Rule,
  eventType: EventType,
  given: {
    readonly event: Readonly<Record<string, unknown>>;
    readonly attributes: Readonly<Record<string, unknown>>;
    /** YYYY-MM-DD. */
    readonly asOf: string;
  },
  language: Language,
) => readonly Leaf[];

export function createExplainer(fields: Fields): Explainer {
  const layout = layoutOf(fields);
  return (rule, eventType, { event, attributes, asOf }, language) => {
    const { condition } = readRule(rule, {
      fields,
      eventType: (name) => (name === eventType.type ? eventType : undefined),
    });
    const { leaves, deciding } = explain(
      condition,
      { profile: readProfile(attributes, layout), layout, given: { event, asOf: parseDay(asOf) } },
      language,
    );
    return leaves
      .filter(({ pointer }) => deciding.includes(pointer))
      .map(({ lead, truth, seen }) => ({
        text: lead,
        seen: seen.flatMap(({ label, value }) => (value === null ? [] : [`${label} ${value}`])),
        holds: truth === null ? 'unknown' : truth ? 'yes' : 'no',
      }));
  };
}
