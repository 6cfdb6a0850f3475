/**
 * Why a rule concerns a citizen or not: leaf by leaf what is asked, what was seen, how it came out and what would have to differ, and which
 * leaves decide. Judges with the closure, so it says what the engine did and never what somebody meant. Shows attributes: whoever asks must be
 * allowed to see them, and is logged by whoever serves it.
 */
import type { WorkingDays } from '../../domain/timeline.ts';
import { WORKING_DAYS } from '../../domain/working-days.ts';
import { dayText } from '../calendar.ts';
import type { Language } from '../catalogue.ts';
import { type Circumstances, compileNumber } from '../compile/closure.ts';
import type { Node } from '../language.ts';
import { type Layout, type Profile, profileSource } from '../population/profile.ts';
import { changeOf } from './changes.ts';
import { type Claim, claimOf, type Leaf } from './claims.ts';
import { PHRASES } from './phrases.ts';
import { type Found, type Origin, valuesSeen } from './seen.ts';
import { speakerOf } from './speakers.ts';
import { type Judgement, judge, type Truth } from './truths.ts';

export type { Origin } from './seen.ts';
export type { Truth } from './truths.ts';

export type ExplainedValue = {
  /** `citizen.birthDate`, `citizen.children.0.birthDate`, `event.year`. */
  readonly name: string;
  readonly label: string;
  /** As the language says it; null where there is none. */
  readonly value: string | null;
  readonly disputed: boolean;
  readonly origin?: Origin;
};

export type ExplainedLeaf = {
  readonly pointer: string;
  readonly sentence: string;
  readonly truth: Truth;
  readonly seen: readonly ExplainedValue[];
  /** What would have to differ for it to come out otherwise; null where nothing of the citizen's or of time would do it. */
  readonly change: string | null;
  /** The next day on which it comes out otherwise if nothing but time changes (YYYY-MM-DD). */
  readonly turnsOn: string | null;
};

export type Explanation = {
  readonly reach: 'certain' | 'possible' | 'no';
  readonly leaves: readonly ExplainedLeaf[];
  /** Pointers of the leaves that decide, as few as there can be. */
  readonly deciding: readonly string[];
  /** Names of what is missing in the deciding leaves, where it is only possible. */
  readonly missing: readonly string[];
  /** For people: the answer and, a line each, what decides. */
  readonly text: string;
};

export type Explained = {
  readonly profile: Profile;
  readonly layout: Layout;
  readonly given: Circumstances;
  /** Fields that the citizen disputes. They must be missing in the profile (`withoutFields`). */
  readonly disputed?: ReadonlySet<string>;
  /** By field. */
  readonly origins?: ReadonlyMap<string, Origin>;
  readonly calendar?: WorkingDays;
};

export function explain(
  condition: Node,
  about: Explained,
  language: Language,
  pointer = '/condition',
): Explanation {
  const source = profileSource(about.layout);
  const calendar = about.calendar ?? WORKING_DAYS;
  const claim = claimOf(condition, pointer);
  const judged = new Map(
    leavesOf(claim).map((leaf) => {
      const closure = compileNumber(leaf.node, source, calendar);
      const truthOn = (asOf: number): Truth => three(closure(about.profile, { ...about.given, asOf }));
      return [leaf, { leaf, truth: truthOn(about.given.asOf), truthOn }] as const;
    }),
  );
  const judgement = judge(claim, (leaf) => judged.get(leaf)!.truth);
  const said = new Map([...judged.values()].map((one) => [one.leaf, explainLeaf(one, about, language)]));
  const deciding = judgement.deciding.map((leaf) => said.get(leaf)!);
  return {
    reach: judgement.truth === null ? 'possible' : judgement.truth ? 'certain' : 'no',
    leaves: [...said.values()],
    deciding: deciding.map((leaf) => leaf.pointer),
    missing: judgement.truth === null ? missingIn(deciding) : [],
    text: wholeText(judgement, deciding, language),
  };
}

const three = (truth: number): Truth => (Number.isNaN(truth) ? null : truth === 1);

export function leavesOf(claim: Claim): readonly Leaf[] {
  switch (claim.kind) {
    case 'group':
      return claim.claims.flatMap(leavesOf);
    case 'choice':
      return [...claim.arms.flatMap(({ when, wanted }) => [when, wanted]), claim.otherwise].flatMap(leavesOf);
    default:
      return [claim];
  }
}

export type JudgedLeaf = { readonly leaf: Leaf; readonly truth: Truth; truthOn(asOf: number): Truth };

function explainLeaf(judged: JudgedLeaf, about: Explained, language: Language): ExplainedLeaf {
  const { leaf, truth } = judged;
  const speaker = speakerOf(language);
  const found = valuesSeen(leaf.node, about.profile, about.layout, about.given);
  const { change, turnsOn } = changeOf(judged, found, about, language);
  return {
    pointer: leaf.pointer,
    sentence: speaker.say(leaf).text,
    truth,
    seen: found.map((one) => seenValue(one, about, language)),
    change,
    turnsOn: turnsOn === undefined ? null : dayText(turnsOn),
  };
}

function seenValue(found: Found, { disputed, origins }: Explained, language: Language): ExplainedValue {
  const speaker = speakerOf(language);
  const { variable, name, item, value } = found;
  const field =
    variable.kind === 'field'
      ? variable.field.name
      : variable.kind === 'event'
        ? undefined
        : variable.list.name;
  const origin = field === undefined ? undefined : origins?.get(field);
  const label = variable.kind === 'list-field' ? variable.list.labels[language] : speaker.term(variable);
  const beside = variable.kind === 'list-field' || (variable.kind === 'event' && variable.list);
  return {
    name,
    label: item === undefined ? label : `${label} (${PHRASES[language].number(item + 1)})`,
    value: value === undefined ? null : speaker.value(value, beside ? value : (variable as Node)),
    disputed: field !== undefined && disputed?.has(field) === true,
    ...(origin === undefined ? {} : { origin }),
  };
}

function missingIn(leaves: readonly ExplainedLeaf[]): string[] {
  const names = leaves.flatMap(({ seen }) =>
    seen.filter(({ value }) => value === null).map(({ name }) => name),
  );
  return [...new Set(names)];
}

function wholeText({ truth }: Judgement, deciding: readonly ExplainedLeaf[], language: Language): string {
  const { certain, no, possible } = PHRASES[language];
  const lines = deciding.map(({ sentence, change }) => {
    const [lead, ...more] = sentence.split('\n');
    return [`- ${lead}${change === null ? '' : ` (${change})`}`, ...more.map((line) => `  ${line}`)].join(
      '\n',
    );
  });
  return [`${truth === null ? possible : truth ? certain : no}:`, ...lines].join('\n');
}
