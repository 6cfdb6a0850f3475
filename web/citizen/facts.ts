/** What is known of a citizen, as they read it: each fact with its source, its date and the rules that use it, and what is not known. */
import { dayOf } from '../../domain/clock.ts';
import { inLocale } from '../../domain/locales.ts';
import { type Field, type Fields, valueName } from '../../rules/catalogue.ts';
import { readRule } from '../../rules/check/rule.ts';
import { fieldsOf } from '../../rules/language.ts';
import type { Snapshot } from '../../store/catalogue.ts';
import type { OwnProfile } from '../../store/own-choices.ts';
import type { Words } from '../pages/words.ts';
import { dayWord } from './notice-view.ts';
import { spokenLanguage } from './why.ts';

export type Fact = {
  readonly name: string;
  readonly label: string;
  readonly value: string;
  readonly source: string;
  readonly on: string;
  readonly rules: readonly string[];
  readonly uses: string;
};

export type Facts = { readonly known: readonly Fact[]; readonly missing: readonly string[] };

/** By field, the live rules whose condition reads it. */
type Uses = ReadonlyMap<string, readonly string[]>;

export function createFacts(fields: Fields) {
  let counted: { revision: number; uses: Uses } | undefined;

  function usesOf(snapshot: Snapshot): Uses {
    if (counted?.revision === snapshot.revision) return counted.uses;
    const uses = new Map<string, string[]>();
    for (const { rule } of snapshot.rules.values()) {
      try {
        const { condition } = readRule(rule, { fields, eventType: (name) => snapshot.eventTypes.get(name) });
        for (const { name } of fieldsOf(condition)) uses.set(name, [...(uses.get(name) ?? []), rule.id]);
      } catch {
        // One that cannot be read any more matches nobody and uses nothing.
      }
    }
    counted = { revision: snapshot.revision, uses };
    return uses;
  }

  return function factsOf(
    profile: OwnProfile | undefined,
    snapshot: Snapshot,
    given: { readonly citizen: string; readonly lang: string; readonly t: Words; readonly nowMs: number },
  ): Facts {
    const { lang, t } = given;
    const language = spokenLanguage(lang);
    const today = dayOf(given.nowMs);
    const uses = usesOf(snapshot);
    const day = (value: string) => dayWord(value, lang, today);
    // A date of birth needs no weekday.
    const plain = new Intl.DateTimeFormat(lang === 'en' ? 'en-GB' : lang, {
      dateStyle: 'long',
      timeZone: 'UTC',
    });
    const titleOf = (rule: string) =>
      inLocale(snapshot.rules.get(rule)?.rule.title, lang, snapshot.localeFallbacks) ?? rule;
    const sourceOf = (source: string) =>
      source === given.citizen || source === 'citizen'
        ? t.data.self
        : (inLocale(snapshot.agencies.get(source)?.name, lang, snapshot.localeFallbacks) ?? source);
    const known: Fact[] = [];
    const missing: string[] = [];
    for (const field of fields.values()) {
      const value = profile?.attributes[field.name];
      const rules = uses.get(field.name) ?? [];
      if (value === undefined || value === null) {
        if (rules.length > 0) missing.push(field.labels[language]);
        continue;
      }
      const origin = profile?.provenance[field.name];
      known.push({
        name: field.name,
        label: field.labels[language],
        value: said(field, value, language, t, (value) => plain.format(Date.parse(value))),
        source: origin === undefined ? '' : sourceOf(origin.source),
        on: origin === undefined ? '' : day(dayOf(Date.parse(origin.at))),
        rules: rules.map(titleOf).sort(),
        uses: rules.length === 0 ? t.data.noUses : t.data.rulesOf(rules.length),
      });
    }
    return { known, missing };
  };
}

function said(
  field: Field,
  value: unknown,
  language: 'ko' | 'en' | 'vi',
  t: Words,
  day: (value: string) => string,
): string {
  if (field.type === 'list') return Array.isArray(value) ? t.data.people(value.length) : '';
  if (field.type === 'boolean') return value === true ? t.data.yes : t.data.no;
  if (field.type === 'date' && typeof value === 'string') return day(value);
  return valueName(field, String(value), language) ?? String(value);
}
