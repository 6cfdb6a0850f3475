/** One leaf of an explanation: what it asks, what it saw, how it came out, what would turn it; of a list, the same of each item. */
import { dayText } from '../calendar.ts';
import type { Language } from '../catalogue.ts';
import type { Node } from '../language.ts';
import { changeOf } from './changes.ts';
import { type Claim, type ClaimOf, claimLeaves, type Leaf } from './claims.ts';
import { PHRASES } from './phrases.ts';
import { type Found, type Origin, valuesSeen } from './seen.ts';
import { speakerOf } from './speakers.ts';
import { judge, type Truth } from './truths.ts';
import { type Beheld, itemsOf, type View, viewOfItem } from './view.ts';

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
  /** The sentence's own line, without those of its parts. */
  readonly lead: string;
  readonly truth: Truth;
  readonly seen: readonly ExplainedValue[];
  /** What would have to differ for it to come out otherwise; null where nothing of the citizen's or of time would do it. */
  readonly change: string | null;
  /** The next day on which it comes out otherwise if nothing but time changes (YYYY-MM-DD). */
  readonly turnsOn: string | null;
  /** Of a list: what is asked of each item, and how it came out. */
  readonly items?: readonly ExplainedItem[];
};

export type ExplainedItem = {
  /** From 0. */
  readonly item: number;
  readonly truth: Truth;
  /** As few leaves as decide. */
  readonly deciding: readonly ExplainedLeaf[];
};

export type Explained = Beheld & {
  /** Fields that the citizen disputes. They must be missing in the profile (`withoutFields`). */
  readonly disputed?: ReadonlySet<string>;
  /** YYYY-MM-DD where the citizen has died: no rule concerns them, whatever their record says. */
  readonly deceased?: string | null;
  /** By field. */
  readonly origins?: ReadonlyMap<string, Origin>;
};

/** Judges every leaf of a claim and gives those that decide. */
export function decide(
  claim: Claim,
  view: View,
  about: Explained,
  language: Language,
): {
  readonly truth: Truth;
  readonly leaves: readonly ExplainedLeaf[];
  readonly deciding: readonly ExplainedLeaf[];
} {
  const truths = new Map(claimLeaves(claim).map((leaf) => [leaf, view.judge(leaf.node)(about.given.asOf)]));
  const { truth, deciding } = judge(claim, (leaf) => truths.get(leaf)!);
  const said = new Map(
    [...truths].map(([leaf, found]) => [leaf, explainLeaf(leaf, found, view, about, language)]),
  );
  return { truth, leaves: [...said.values()], deciding: deciding.map((leaf) => said.get(leaf)!) };
}

function explainLeaf(
  leaf: Leaf,
  truth: Truth,
  view: View,
  about: Explained,
  language: Language,
): ExplainedLeaf {
  const found = valuesSeen(leaf.node, view, about);
  const { change, turnsOn } = changeOf({ leaf, truth, found, view, asOf: about.given.asOf }, language);
  const { text, lead } = speakerOf(language).say(leaf);
  return {
    pointer: leaf.pointer,
    sentence: text,
    lead,
    truth,
    seen: found.map((one) => seenValue(one, about, language)),
    change,
    turnsOn: turnsOn === undefined ? null : dayText(turnsOn),
    ...(leaf.kind === 'items' ? { items: explainItems(leaf, about, language) } : {}),
  };
}

function explainItems(
  { list, body }: ClaimOf<'items'>,
  about: Explained,
  language: Language,
): ExplainedItem[] {
  return Array.from({ length: itemsOf(about, list) ?? 0 }, (_, item) => {
    const { truth, deciding } = decide(body, viewOfItem(about, list, item), about, language);
    return { item, truth, deciding };
  });
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
  // Of a list it is how many there are, which has no unit.
  const counts = variable.kind === 'list-field' || (variable.kind === 'event' && variable.list);
  return {
    name,
    label: item === undefined ? label : `${label} (${PHRASES[language].number(item + 1)})`,
    value: value === undefined ? null : speaker.value(value, counts ? value : (variable as Node)),
    disputed: field !== undefined && disputed?.has(field) === true,
    ...(origin === undefined ? {} : { origin }),
  };
}
