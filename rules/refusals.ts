/**
 * Why a rule is refused: one table from code to a sentence in each language that a clerk understands. `message` of a fault is the English
 * one. A sentence quotes at most 40 characters of what was given, escaped.
 */
import type { Fault } from '../domain/errors.ts';
import type { Labels } from './catalogue.ts';
import { OF_CONDITIONS } from './refusals-of-conditions.ts';
import { OF_FILES } from './refusals-of-files.ts';

export { shown, TYPE_NAMES } from './refusals-of-conditions.ts';

export type Sentences = Labels;

const REFUSALS = { ...OF_CONDITIONS, ...OF_FILES };

export type RefusalCode = keyof typeof REFUSALS;
export const REFUSAL_CODES = Object.keys(REFUSALS) as readonly RefusalCode[];
export type RuleFault = Fault & { readonly code: RefusalCode; readonly sentences: Sentences };

/** What the sentences of a code speak of. */
export type About<C extends RefusalCode> = Parameters<(typeof REFUSALS)[C]>;

/** A fault of a rule. `about` is what the code's sentences speak of. */
export function refusal<C extends RefusalCode>(code: C, pointer: string, ...about: About<C>): RuleFault {
  const speak = REFUSALS[code] as (...given: readonly unknown[]) => Sentences;
  const sentences = speak(...about);
  return { pointer, code, message: sentences.en, sentences };
}
