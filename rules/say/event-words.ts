/**
 * What values of events are called in sentences. A JSON Schema has no place for labels in three languages, and the same names mean the same
 * in all event types that ship; a name that is not here is quoted as it stands in the event.
 */
import type { Labels } from '../catalogue.ts';
import words from './event-words.json' with { type: 'json' };

export type EventWord = {
  readonly labels: Labels;
  readonly measure?: 'year' | 'won' | 'round' | 'parity';
  /** Labels of its values, by value. */
  readonly values?: Readonly<Record<string, Labels>>;
};

const WORDS = new Map<string, EventWord>(Object.entries(words as Record<string, EventWord>));

export function eventWord(path: readonly string[]): EventWord | undefined {
  return WORDS.get(path.join('.'));
}
