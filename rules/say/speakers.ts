/** The languages, each with what it can say. */
import type { Language } from '../catalogue.ts';
import type { Literal, Node } from '../language.ts';
import type { Claim } from './claims.ts';
import { english } from './sentence.en.ts';
import { korean } from './sentence.ko.ts';
import { vietnamese } from './sentence.vi.ts';
import type { Sentence } from './spoken.ts';
import * as en from './terms.en.ts';
import * as ko from './terms.ko.ts';
import * as vi from './terms.vi.ts';

export type Speaker = {
  say(claim: Claim): Sentence;
  /** A value with the unit and the label of what it stands beside. */
  value(literal: Literal, beside: Node): string;
  term(node: Node): string;
};

const SPEAKERS: Readonly<Record<Language, Speaker>> = {
  ko: { say: korean, value: ko.value, term: ko.term },
  en: { say: english, value: en.value, term: en.term },
  vi: { say: vietnamese, value: vi.value, term: vi.term },
};

export const speakerOf = (language: Language): Speaker => SPEAKERS[language];
