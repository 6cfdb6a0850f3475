/** What a citizen may enter or leave: a rule under one open broadcast event. */
import { type CrossingId, keyId } from '../../domain/ids.ts';
import type { Crossing } from '../../domain/records.ts';
import type { Category } from '../../domain/statuses.ts';
import type { CheckedRule } from '../check/rule.ts';
import type { BitIndex, Subject } from '../compile/bits.ts';
import type { EventData } from '../compile/event-value.ts';

export type Entry = Subject & {
  /** Of rule and event, whatever the version. */
  readonly key: string;
  readonly rule: string;
  readonly version: number;
  readonly category: Category;
  readonly source: string;
  readonly id: string;
};

type BroadcastEvent = { readonly source: string; readonly id: string; readonly data: EventData };

/** Control characters cannot stand in any of the parts. */
export const entryKey = (rule: string, event: { readonly source: string; readonly id: string }): string =>
  `${rule}\u001f${event.source}\u001f${event.id}`;

export function entryOf({ rule, condition }: CheckedRule, version: number, event: BroadcastEvent): Entry {
  return {
    key: entryKey(rule.id, event),
    rule: rule.id,
    version,
    category: rule.category,
    source: event.source,
    id: event.id,
    condition,
    event: event.data,
    reachesPossible: rule.reach === 'possible',
  };
}

/** The page of one change. Its id is of its cause and what it is about, so a replay makes the same. */
export function crossingOf(
  entry: Entry,
  kind: Crossing['kind'],
  citizen: string,
  at: Pick<Crossing, 'cause' | 'profileOffset' | 'overlayOffset' | 'asOf'>,
): Crossing {
  const { rule, version, source, id } = entry;
  const { topic, partition, offset } = at.cause;
  return {
    crossing: keyId<CrossingId>('crossing', topic, partition, offset, at.asOf, citizen, entry.key),
    kind,
    ...at,
    rule,
    ruleVersion: version,
    event: { source, id },
    citizen,
  };
}

const PLACES = new WeakMap<BitIndex<Entry>, ReadonlyMap<string, number>>();

/** Where an index has each entry, by its key. Made once an index, since many citizens are looked up by it. */
export function placesOf(index: BitIndex<Entry>): ReadonlyMap<string, number> {
  const made = PLACES.get(index);
  if (made !== undefined) return made;
  const places = new Map(
    index.subjects.flatMap((entry, at) => (entry === undefined ? [] : [[entry.key, at] as const])),
  );
  PLACES.set(index, places);
  return places;
}
