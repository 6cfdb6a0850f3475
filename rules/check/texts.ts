/**
 * Texts of a rule file around its expressions, which typing.ts reads. Half a character and NUL are kept by no database, and would be refused
 * by it long after the author is gone; in titles and names of tests, which people read and approve, control characters and marks that turn
 * the direction of writing are refused too.
 */
import { CONTROL } from '../../domain/control-characters.ts';
import type { Rule } from '../../domain/rule.ts';
import { type RuleFault, refusal } from '../refusals.ts';
import { escapePointer } from './literals.ts';

const TURNING = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
/** A file that is wrong in a thousand places is told of the first. */
const TOLD = 50;

const unkeepable = (text: string): boolean => text.includes('\0') || !text.isWellFormed();
const unreadable = (text: string): boolean => CONTROL.test(text) || TURNING.test(text) || unkeepable(text);

/** Of a file whose shape is right. */
export function textFaults({ title, basis, tests }: Rule): RuleFault[] {
  const faults: RuleFault[] = [];
  const look = (text: string, pointer: string, wrong: (text: string) => boolean): void => {
    if (faults.length < TOLD && wrong(text)) faults.push(refusal('text-unreadable', pointer));
  };
  for (const [language, text] of Object.entries(title)) look(text, `/title/${language}`, unreadable);
  everyText(basis ?? {}, '/basis', (text, pointer) => look(text, pointer, unkeepable));
  tests.forEach(({ name, title: titles = {}, event }, index) => {
    look(name, `/tests/${index}/name`, unreadable);
    for (const [language, text] of Object.entries(titles))
      look(text, `/tests/${index}/title/${language}`, unreadable);
    everyText(event, `/tests/${index}/event`, (text, pointer) => look(text, pointer, unkeepable));
  });
  return faults;
}

/** Names and texts, however deep. */
function everyText(json: unknown, at: string, see: (text: string, pointer: string) => void): void {
  const rest: (readonly [value: unknown, pointer: string])[] = [[json, at]];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    const [value, pointer] = next;
    if (typeof value === 'string') see(value, pointer);
    if (value === null || typeof value !== 'object') continue;
    for (const [name, inner] of Object.entries(value)) {
      // A pointer is told of, never walked by: what lies deep is told at its top.
      const place = pointer.length < 400 ? `${pointer}/${escapePointer(name)}` : pointer;
      if (!Array.isArray(value)) see(name, place);
      rest.push([inner, place]);
    }
  }
}
