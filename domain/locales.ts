/**
 * Which language a person is told in when a text is not there in theirs. The chain is a table (templates/catalogue/locales.json), never a
 * guess of the code: the same question always has the same answer, and what was answered is pinned with the notice and counted.
 */
import { AllimError, type Fault } from './errors.ts';
import { HOME_LOCALE } from './jurisdiction.ts';
import type { Reach } from './rule.ts';
import type { Channel } from './statuses.ts';

/** `zh-TW`, `vi`. */
export const LOCALE = /^[a-z]{2,3}(?:-[A-Z]{2})?$/;

/** Language → languages tried after it, in order; `*` for every language without a line of its own. */
export type LocaleFallbacks = Readonly<Record<string, readonly string[]>>;

export const NO_FALLBACKS: LocaleFallbacks = { '*': [HOME_LOCALE] };

/** Reads the table. Throws `config-invalid` with a pointer to each fault. */
export function readLocaleFallbacks(json: unknown): LocaleFallbacks {
  const faults: Fault[] = [];
  const table = json !== null && typeof json === 'object' && !Array.isArray(json) ? json : {};
  if (!Object.hasOwn(table, '*'))
    faults.push({ pointer: '/*', message: 'is missing: the chain of every other language' });
  for (const [language, chain] of Object.entries(table as Record<string, unknown>)) {
    const pointer = `/${language}`;
    if (language !== '*' && !LOCALE.test(language)) faults.push({ pointer, message: 'is not a locale' });
    if (!Array.isArray(chain) || chain.some((step) => typeof step !== 'string' || !LOCALE.test(step)))
      faults.push({ pointer, message: 'must be a list of locales' });
    else if (language !== HOME_LOCALE && !chain.includes(HOME_LOCALE))
      faults.push({ pointer, message: `must end somewhere that every notice exists: add ${HOME_LOCALE}` });
  }
  if (faults.length > 0)
    throw new AllimError(
      'config-invalid',
      `the table of languages: ${faults[0]!.pointer} ${faults[0]!.message}`,
      { faults },
    );
  return table as LocaleFallbacks;
}

/** The locales tried for a reader, best first, none twice: theirs, its language without the region, then the chain. */
export function localesFor(wanted: string, fallbacks: LocaleFallbacks): readonly string[] {
  const language = wanted.split('-', 1)[0]!;
  const chain =
    [wanted, language, '*']
      .map((name) => (Object.hasOwn(fallbacks, name) ? fallbacks[name] : undefined))
      .find(Boolean) ?? [];
  return [...new Set([wanted, language, ...chain])];
}

/** The name of a text within a template. */
export function textKey(locale: string, channel: Channel, reach: Reach): string {
  return `${locale}.${channel}.${reach}`;
}

/** `vi.sms.possible.hbs` → `vi.sms.possible`; undefined for what is no text. */
export function textKeyOfFile(file: string): string | undefined {
  const parts = /^([^.]+)\.([^.]+)(\.possible)?\.hbs$/.exec(file);
  return parts ? `${parts[1]}.${parts[2]}.${parts[3] === undefined ? 'certain' : 'possible'}` : undefined;
}

/**
 * The locale that a notice is written in: the first of the chain that has its text on every channel the rule may use, so that a push that
 * fails and the SMS after it speak one language. Where none has, the wanted one: the missing text is then an error that names itself.
 */
export function chooseLocale(
  wanted: string,
  texts: ReadonlySet<string>,
  channels: readonly Channel[],
  reach: Reach,
  fallbacks: LocaleFallbacks,
): string {
  return (
    localesFor(wanted, fallbacks).find((locale) =>
      channels.every((channel) => texts.has(textKey(locale, channel, reach))),
    ) ?? wanted
  );
}

/** A name in a reader's language: of an agency, of a hazard. Undefined where the chain has none. */
export function inLocale<T>(
  names: Readonly<Record<string, T>> | undefined,
  wanted: string,
  fallbacks: LocaleFallbacks,
): T | undefined {
  if (names === undefined) return undefined;
  const locale = localesFor(wanted, fallbacks).find((name) => Object.hasOwn(names, name));
  return locale === undefined ? undefined : names[locale];
}
