/** From where a leaf is judged: a citizen, or one of the items of a citizen's list. */
import type { WorkingDays } from '../../domain/timeline.ts';
import { WORKING_DAYS } from '../../domain/working-days.ts';
import type { ListField } from '../catalogue.ts';
import { type Circumstances, compileNumber, compileText, type Source } from '../compile/closure.ts';
import type { Literal, Node } from '../language.ts';
import { type Layout, type Profile, profileSource } from '../population/profile.ts';
import type { Truth } from './truths.ts';

export type Beheld = {
  readonly profile: Profile;
  readonly layout: Layout;
  readonly given: Circumstances;
  readonly calendar?: WorkingDays;
};

export type View = {
  /** Which item, from 0. */
  readonly item?: number;
  /** The truth of a condition by the day as of which it is judged. */
  judge(node: Node): (asOf: number) => Truth;
  /** What a term comes to, as a literal of its type; undefined where it is not known. */
  come(node: Node): Literal | undefined;
};

export function viewOf(beheld: Beheld): View {
  return view(beheld, profileSource(beheld.layout), () => {});
}

export function viewOfItem(beheld: Beheld, list: ListField, item: number): View {
  const source = profileSource(beheld.layout);
  const items = source.list(list);
  return { ...view(beheld, { ...source, item: items }, () => items.look(beheld.profile, item)), item };
}

/** How many items there are; undefined where the list is not known. */
export function itemsOf({ profile, layout }: Beheld, list: ListField): number | undefined {
  const count = profileSource(layout).list(list).count(profile);
  return Number.isNaN(count) ? undefined : count;
}

/** `look` moves the source to the item before anything is read of it. */
function view(
  { profile, given, calendar = WORKING_DAYS }: Beheld,
  source: Source<Profile>,
  look: () => void,
): View {
  return {
    judge: (node) => {
      const closure = compileNumber(node, source, calendar);
      return (asOf) => {
        look();
        return truthOf(closure(profile, { ...given, asOf }));
      };
    },
    come: (node) => {
      if (node.kind === 'list' || (node.kind === 'event' && node.list)) return undefined;
      const { type } = node;
      const read =
        type === 'text' ? compileText(node, source, calendar) : compileNumber(node, source, calendar);
      look();
      const value = read(profile, given);
      return value === undefined || Number.isNaN(value) ? undefined : { kind: 'literal', type, value };
    },
  };
}

const truthOf = (truth: number): Truth => (Number.isNaN(truth) ? null : truth === 1);
