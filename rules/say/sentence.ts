/**
 * A checked tree as what people read, in the catalogue's words. Made from the tree alone, so that it says what is judged and not what its
 * author meant. `text` is the whole with a bullet a line; `parts` are the same lines as a tree, each with its pointer into the rule.
 */
import type { Language } from '../catalogue.ts';
import type { Node } from '../language.ts';
import { claimOf } from './claims.ts';
import { speakerOf } from './speakers.ts';
import type { Sentence } from './spoken.ts';

export type { Sentence } from './spoken.ts';

/** `pointer`: where the condition stands in the rule. */
export function sentenceOf(node: Node, language: Language, pointer = '/condition'): Sentence {
  return speakerOf(language).say(claimOf(node, pointer));
}
