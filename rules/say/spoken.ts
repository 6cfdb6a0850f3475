/** What sentences are made of, in whatever language. */

import { civilOf } from '../calendar.ts';
import { type Labels, type Language, type ScalarField, valueName } from '../catalogue.ts';
import type { EventRef, Literal, Node } from '../language.ts';
import { isCall } from './claims.ts';
import { eventWord } from './event-words.ts';

export type Sentence = {
  readonly pointer: string;
  /** Its own line. */
  readonly lead: string;
  readonly parts: readonly Sentence[];
  /** All lines, those of parts behind a bullet. */
  readonly text: string;
};

export function sentence(pointer: string, lead: string, parts: readonly Sentence[] = []): Sentence {
  if (parts.length === 0) return { pointer, lead, parts, text: lead };
  const lines = parts.map(({ text }) => `- ${text.replaceAll('\n', '\n  ')}`);
  return { pointer, lead, parts, text: [`${lead}:`, ...lines].join('\n') };
}

/** All lines of a sentence in one. */
export function inLine({ text }: Sentence): string {
  return text.replaceAll(/:\n\s*- /g, ': ').replaceAll(/\n\s*- /g, '; ');
}

export function scalarOf(node: Node): ScalarField | undefined {
  return node.kind === 'field' || node.kind === 'item' ? node.field : undefined;
}

/** A day of birth, of the citizen, of an item or of whom the event names: ages are spoken of it, and spans of any other day. */
export function isBirth(node: Node): boolean {
  if (node.kind === 'event') return node.path.at(-1) === 'bornOn';
  return scalarOf(node)?.name === 'birthDate';
}

/** What a number counts, so that it is said with its unit. */
export type Measure =
  | 'age'
  | 'yearAge'
  | 'ageMonths'
  | 'days'
  | 'monthDay'
  | 'parity'
  | 'year'
  | 'years'
  | 'half'
  | 'date'
  | 'won'
  | 'months'
  | 'round'
  | 'plain';

const COUNTED: readonly (readonly [RegExp, Measure])[] = [
  [/반기/u, 'half'],
  [/주기|햇수/u, 'years'],
  [/연도|절기/u, 'year'],
  [/개월 수/u, 'months'],
  [/차수/u, 'round'],
];

export function measureOf(node: Node): Measure {
  if (node.type === 'date') return 'date';
  if (node.kind === 'call')
    switch (node.op) {
      case 'age':
      case 'yearAge':
      case 'ageMonths':
      case 'monthDay':
      case 'parity':
        return node.op;
      case 'daysUntil':
      case 'daysSince':
        return 'days';
      case 'if':
        return measureOf(node.args[1]!);
      default:
        return 'plain';
    }
  const field = scalarOf(node);
  // The catalogue has no units: its Korean labels say what is counted.
  if (field?.type === 'integer')
    return COUNTED.find(([words]) => words.test(field.labels.ko))?.[1] ?? 'plain';
  return node.kind === 'event' && node.type !== 'text' ? (eventWord(node.path)?.measure ?? 'plain') : 'plain';
}

/** Before and after are said of it, not less and more. */
export function isTime(measure: Measure): boolean {
  return measure === 'date' || measure === 'year' || measure === 'half' || measure === 'monthDay';
}

/** Below 1000 a year is none, and a half-year (20261 is the first of 2026) that ends otherwise: 0 stands for never. */
export function isNever({ value }: Literal, measure: Measure): boolean {
  return (
    (measure === 'year' && (value as number) < 1000) ||
    (measure === 'half' && halfYear(value as number) === undefined)
  );
}

export function halfYear(value: number): { readonly year: number; readonly half: 1 | 2 } | undefined {
  const [year, half] = [Math.trunc(value / 10), value % 10];
  return year >= 1000 && (half === 1 || half === 2) ? { year, half } : undefined;
}

/** The label of a literal beside a field or an event value whose values have labels. */
export function valueLabel(literal: Literal, beside: Node, language: Language): string | undefined {
  const field = scalarOf(beside);
  if (field !== undefined) return valueName(field, String(literal.value), language);
  return beside.kind === 'event'
    ? eventWord(beside.path)?.values?.[String(literal.value)]?.[language]
    : undefined;
}

/**
 * What an author or an agency wrote, fit to stand in quotes: it cannot close them, break the line or turn the direction of what follows, so a
 * sentence that somebody approves cannot be made to read otherwise.
 */
export function quotable(text: string): string {
  return text.replaceAll(
    /[\p{C}\p{Zl}\p{Zp}‘’“”"]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

export function grouped(value: number, point = '.', group = ','): string {
  const [whole, fraction] = String(Math.abs(value)).split('.');
  const digits = /^\d+$/.test(whole!) ? whole!.replaceAll(/\B(?=(\d{3})+$)/g, group) : whole!;
  return `${value < 0 ? '-' : ''}${digits}${fraction === undefined ? '' : `${point}${fraction}`}`;
}

export const civil = (literal: Literal): ReturnType<typeof civilOf> => civilOf(literal.value as number);

/** A birth plus full years or months is the day on which one comes of that age. */
export function comingOfAge(
  node: Node,
): { readonly unit: 'years' | 'months'; readonly count: number } | undefined {
  for (const [op, unit] of [
    ['addYears', 'years'],
    ['addMonths', 'months'],
  ] as const) {
    if (!isCall(node, op)) continue;
    const [date, count] = node.args as [Node, Node];
    if (isBirth(date) && count.kind === 'literal' && (count.value as number) > 0)
      return { unit, count: count.value as number };
  }
  return undefined;
}

/** A value of the event that has no word is quoted by its name. */
export function eventLabel(ref: EventRef): Labels {
  const name = quotable(ref.path.join('.'));
  return (
    eventWord(ref.path)?.labels ?? {
      ko: `사건의 ‘${name}’ 값`,
      en: `the event’s “${name}”`,
      vi: `giá trị “${name}” của sự kiện`,
    }
  );
}
