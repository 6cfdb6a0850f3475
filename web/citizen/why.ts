/**
 * Why a notice came: the rule's sentence, what was seen of the person, the event, the law. What the ledger keeps with a notice is its rule's
 * version, the day it was judged on and how certain it was; the person's own values are those on record now, and the page says so.
 */
import { inLocale, type LocaleFallbacks } from '../../domain/locales.ts';
import type { Rule } from '../../domain/rule.ts';
import { parseDay } from '../../rules/calendar.ts';
import { type Fields, LANGUAGES, type Language } from '../../rules/catalogue.ts';
import { readRule } from '../../rules/check/rule.ts';
import { layoutOf, readProfile } from '../../rules/population/profile.ts';
import { explain } from '../../rules/say/explanation.ts';
import { type Sentence, sentenceOf } from '../../rules/say/sentence.ts';
import type { Snapshot } from '../../store/catalogue.ts';
import type { CitizenNotice } from '../../store/citizen-notices.ts';

export type Why = {
  /** The language of what rules say: ours where they speak it, else English. */
  readonly lang: Language;
  readonly rule: string;
  readonly conditions: readonly Sentence[];
  readonly seen: readonly { readonly label: string; readonly value: string }[];
  readonly missing: readonly string[];
  readonly event: string;
  readonly law: string;
  readonly source: string;
};

export function spokenLanguage(lang: string): Language {
  return LANGUAGES.find((one) => one === lang) ?? 'en';
}

export function createWhy(fields: Fields) {
  const layout = layoutOf(fields);

  /** null where the rule cannot be read any more: its event type or the catalogue has changed. */
  return function whyOf(
    notice: CitizenNotice,
    rule: Rule,
    attributes: Readonly<Record<string, unknown>> | null,
    snapshot: Pick<Snapshot, 'eventTypes' | 'localeFallbacks'>,
    wanted: string,
  ): Why | null {
    const lang = spokenLanguage(wanted);
    const names = (given: Readonly<Record<string, string>> | undefined, fallbacks: LocaleFallbacks) =>
      inLocale(given, wanted, fallbacks);
    const type = snapshot.eventTypes.get(rule.on);
    const common = {
      lang,
      rule: names(rule.title, snapshot.localeFallbacks) ?? rule.id,
      event: names(type?.title, snapshot.localeFallbacks) ?? notice.body.type,
      law: rule.basis?.['law'] ?? '',
      source: URL.parse(rule.basis?.['source'] ?? '')?.protocol === 'https:' ? rule.basis!['source']! : '',
    };
    try {
      const { condition } = readRule(rule, {
        fields,
        eventType: (name) => (name === type?.type ? type : undefined),
      });
      const said = sentenceOf(condition, lang);
      const conditions = said.parts.length === 0 ? [said] : said.parts;
      if (attributes === null) return { ...common, conditions, seen: [], missing: [] };
      const given = { event: notice.body.data, asOf: parseDay(notice.asOf) };
      const { leaves, deciding, reach } = explain(
        condition,
        { profile: readProfile(attributes, layout), layout, given },
        lang,
      );
      // As few as decide, unless what is on record now would come out otherwise.
      const told = reach === notice.reach ? leaves.filter((leaf) => deciding.includes(leaf.pointer)) : leaves;
      const values = new Map<string, { label: string; value: string | null }>();
      for (const leaf of told)
        for (const { name, label, value } of leaf.seen)
          if (name.startsWith('citizen.')) values.set(name, { label, value });
      const all = [...values.values()];
      return {
        ...common,
        conditions,
        seen: all.flatMap(({ label, value }) => (value === null ? [] : [{ label, value }])),
        missing: all.flatMap(({ label, value }) => (value === null ? [label] : [])),
      };
    } catch {
      // A rule of an older language, or attributes that are no profile any more: the page says that it cannot be explained.
      return null;
    }
  };
}
