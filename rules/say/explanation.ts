/**
 * Why a rule concerns a citizen or not: leaf by leaf what is asked, what was seen, how it came out and what would have to differ, and which
 * leaves decide. Judges with the closure, so it says what the engine did and never what somebody meant. Shows attributes: whoever asks must be
 * allowed to see them, and is logged by whoever serves it.
 */
import { parseDay } from '../calendar.ts';
import type { Language } from '../catalogue.ts';
import type { Node } from '../language.ts';
import { dayIn } from './changes.ts';
import { claimOf } from './claims.ts';
import { decide, type Explained, type ExplainedItem, type ExplainedLeaf } from './leaves.ts';
import { PHRASES } from './phrases.ts';
import type { Truth } from './truths.ts';
import { viewOf } from './view.ts';

export type { Explained, ExplainedItem, ExplainedLeaf, ExplainedValue } from './leaves.ts';
export type { Origin } from './seen.ts';
export type { Truth } from './truths.ts';

export type Explanation = {
  readonly reach: 'certain' | 'possible' | 'no';
  readonly leaves: readonly ExplainedLeaf[];
  /** Pointers of the leaves that decide, as few as there can be. */
  readonly deciding: readonly string[];
  /** Names of what is missing in the deciding leaves, where it is only possible. */
  readonly missing: readonly string[];
  /** YYYY-MM-DD: whoever has died is concerned by no rule, and the leaves say what would have been. */
  readonly deceased: string | null;
  /** For people: the answer and, a line each, what decides. */
  readonly text: string;
};

export function explain(
  condition: Node,
  about: Explained,
  language: Language,
  pointer = '/condition',
): Explanation {
  const { truth, leaves, deciding } = decide(claimOf(condition, pointer), viewOf(about), about, language);
  const { deceased = null } = about;
  if (deceased !== null)
    return {
      reach: 'no',
      leaves,
      deciding: [],
      missing: [],
      deceased,
      text: PHRASES[language].deceased(dayIn(parseDay(deceased), language)),
    };
  return {
    reach: truth === null ? 'possible' : truth ? 'certain' : 'no',
    leaves,
    deciding: deciding.map((leaf) => leaf.pointer),
    deceased,
    missing: truth === null ? [...new Set(deciding.flatMap(missingIn))] : [],
    text: wholeText(truth, deciding, language),
  };
}

function missingIn({ seen }: ExplainedLeaf): string[] {
  return seen.filter(({ value }) => value === null).map(({ name }) => name);
}

function wholeText(truth: Truth, deciding: readonly ExplainedLeaf[], language: Language): string {
  const { certain, no, possible } = PHRASES[language];
  const head = truth === null ? possible : truth ? certain : no;
  return [`${head}:`, ...deciding.flatMap((leaf) => linesOf(leaf, language))].join('\n');
}

/** A leaf with what would turn it, and below it the items that made it so. */
function linesOf({ lead, truth, change, items = [] }: ExplainedLeaf, language: Language): string[] {
  const { number, truths } = PHRASES[language];
  const word = (found: Truth): string => truths[found === null ? 2 : found ? 0 : 1];
  const line = `- ${lead}${change === null ? '' : ` (${change})`}`;
  const told = telling(truth, items).map(
    ({ item, truth: found, deciding }) =>
      `  - ${number(item + 1)}: ${word(found)}: ${deciding.map((leaf) => (leaf.change === null ? leaf.lead : `${leaf.lead} (${leaf.change})`)).join('; ')}`,
  );
  return [line, ...told];
}

/** Where it is not known, the items that are not; else all. */
function telling(truth: Truth, items: readonly ExplainedItem[]): readonly ExplainedItem[] {
  return truth === null ? items.filter((item) => item.truth === null) : items;
}
