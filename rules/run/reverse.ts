/**
 * Reverse matching on one shard: which open entries a citizen enters or leaves, because a profile changed or a day began. Every record is
 * judged before and after under one and the same index, in one step, so that a swap of the index between two records neither loses a
 * change nor tells it twice. An entry that opens while an index is built stands beside it (`include`) until an index has it.
 * While a shard is read nobody's state is whole: whoever changed is judged once it was (`settle`).
 * It only finds changes: what the dispatcher makes of them is not known here.
 */
import { type Crossing, DAYS, TOPICS } from '../../domain/records.ts';
import { dayText } from '../calendar.ts';
import { BitMatcher } from '../compile/bit-matcher.ts';
import { type BitIndex, has } from '../compile/bits.ts';
import type { Population } from '../population/population.ts';
import type { Positions } from '../population/snapshot.ts';
import { type Beside, besideOf, reaches } from './beside.ts';
import { type Cohort, cohortOf, slotsOf } from './cohorts.ts';
import { crossingOf, type Entry, placesOf } from './entry.ts';
import type { ProfileWatch, ShardRecord } from './shard.ts';

/** A load that announces nothing. */
export const INITIAL_HEADER = 'allim-initial';

type At = Crossing['cause'];
type Cause = Pick<Crossing, 'cause' | 'profileOffset' | 'overlayOffset' | 'asOf'>;
/** Whoever changed while the shard was read: the last record that did it, and under `index` what was reached before, where that is known. */
type Touched = { at: At; readonly before: Uint32Array | undefined; readonly index: BitIndex<Entry> };

export type ReverseOptions = {
  readonly partition: number;
  readonly population: Population;
  /** Of the shard: every record below them is known. */
  readonly positions: () => Positions;
  readonly index: BitIndex<Entry>;
  /** Records below them only build state: their changes were announced. */
  readonly announcedFrom: Positions;
  /** Where reading ends: the topics' ends. */
  readonly readTo: Positions;
  /**
   * False where the shard began between the beginning and what was announced (with a snapshot): compaction may then have taken a record
   * that was announced, and what somebody known was before is not what was said last.
   */
  readonly knowsBefore: boolean;
};

export class Reverse implements ProfileWatch {
  /** Found and not yet taken, in order. */
  found: Crossing[] = [];
  private readonly partition: number;
  private readonly population: Population;
  private readonly positions: () => Positions;
  private readonly knowsBefore: boolean;
  private announcedFrom: Positions;
  private readTo: Positions;
  /** Defined while the shard is read. */
  private touched: Map<string, Touched> | undefined = new Map();
  private matcher: BitMatcher<Entry>;
  private beside: readonly Beside[] = [];
  private before = new Uint32Array(0);
  private after = new Uint32Array(0);

  constructor(options: ReverseOptions) {
    this.partition = options.partition;
    this.population = options.population;
    this.positions = options.positions;
    this.knowsBefore = options.knowsBefore;
    this.announcedFrom = options.announcedFrom;
    this.readTo = options.readTo;
    this.matcher = new BitMatcher(options.index, options.population);
    this.makeRoom();
    this.settle();
  }

  get index(): BitIndex<Entry> {
    return this.matcher.index;
  }

  get owes(): boolean {
    return this.isReading || this.found.length > 0;
  }

  /** Whether changes wait for the end of reading: nothing of them can be said yet. */
  get isReading(): boolean {
    return this.touched !== undefined;
  }

  /**
   * After the shard came back: what others announced meanwhile is not announced again, and it is read up to `readTo` first. It was away for
   * a minute at most, and what is so young is not compacted: the state of whoever is known is what was announced.
   */
  goOn(announcedFrom: Positions, readTo: Positions): void {
    const { profiles, overlays } = this.announcedFrom;
    this.announcedFrom = {
      profiles: Math.max(profiles, announcedFrom.profiles),
      overlays: Math.max(overlays, announcedFrom.overlays),
    };
    this.readTo = readTo;
    this.touched ??= new Map();
    this.settle();
  }

  sees(record: ShardRecord): boolean {
    const { profiles, overlays } = this.announcedFrom;
    const silent =
      record.offset < (record.topic === TOPICS.profiles ? profiles : overlays) ||
      record.headers[INITIAL_HEADER] === '1';
    return !silent && (this.index.size > 0 || this.beside.length > 0);
  }

  around(record: ShardRecord, citizen: string, write: () => void): void {
    if (!this.sees(record)) {
      write();
      return;
    }
    const ofProfile = record.topic === TOPICS.profiles;
    if (this.touched !== undefined) {
      this.touch(this.touched, record, citizen, ofProfile, write);
      return;
    }
    const { before, after } = this;
    const was = this.population.slotOf(citizen);
    const besideBefore = was === undefined ? [] : this.beside.map((one) => this.isIn(one, was));
    this.reach(was, before);
    write();
    const is = this.population.slotOf(citizen);
    this.reach(is, after);
    const positions = this.positions();
    const cause: Cause = {
      cause: { topic: record.topic, partition: record.partition, offset: record.offset },
      profileOffset: ofProfile ? record.offset + 1 : positions.profiles,
      overlayOffset: ofProfile ? positions.overlays : record.offset + 1,
      asOf: dayText(this.index.asOf),
    };
    this.differ(before, after, citizen, cause);
    for (const [at, one] of this.beside.entries()) {
      const now = is !== undefined && this.isIn(one, is);
      if (now !== (besideBefore[at] === true)) this.say(one.entry, now, citizen, cause);
    }
  }

  private touch(
    touched: Map<string, Touched>,
    record: ShardRecord,
    citizen: string,
    ofProfile: boolean,
    write: () => void,
  ): void {
    const slot = this.population.slotOf(citizen);
    const at = { topic: record.topic, partition: record.partition, offset: record.offset };
    const known = touched.get(citizen);
    let before: Uint32Array | undefined;
    if (known === undefined && slot !== undefined && ofProfile && this.knowsBefore) {
      this.reach(slot, this.before);
      before = this.before.slice();
    }
    write();
    if (known === undefined) touched.set(citizen, { at, before, index: this.index });
    else known.at = at;
  }

  /**
   * Once the shard was read: judges whoever changed in between. Where nobody knows what was, what is is said whole: the dispatcher does
   * nothing where that is no news. An overlay that was not read yet may have lain over what was, so whoever has one is told of whole too.
   */
  settle(): void {
    const positions = this.positions();
    const { touched, readTo } = this;
    if (touched === undefined || positions.profiles < readTo.profiles || positions.overlays < readTo.overlays)
      return;
    this.touched = undefined;
    const asOf = dayText(this.index.asOf);
    const at = { profileOffset: positions.profiles, overlayOffset: positions.overlays, asOf };
    for (const [citizen, { at: cause, before, index }] of touched) {
      const slot = this.population.slotOf(citizen);
      this.reach(slot, this.after);
      const known = before !== undefined && this.population.overlayOf(citizen) === undefined;
      const placesBefore = known ? placesOf(index) : undefined;
      for (const [place, entry] of this.index.subjects.entries()) {
        if (entry === undefined) continue;
        const now = has(this.after, place);
        const then = placesBefore?.get(entry.key);
        if (then === undefined || now !== has(before!, then)) this.say(entry, now, citizen, { cause, ...at });
      }
      for (const one of this.beside)
        this.say(one.entry, slot !== undefined && this.isIn(one, slot), citizen, { cause, ...at });
    }
  }

  /** The entries that whoever has the slot is in, as bits; none of nobody, and none of the dead. */
  private reach(slot: number | undefined, into: Uint32Array): void {
    if (slot === undefined || !this.population.isLive(slot)) into.fill(0);
    else this.matcher.reached(slot, into);
  }

  private isIn(beside: Beside, slot: number): boolean {
    return this.population.isLive(slot) && reaches(beside, slot);
  }

  private say(entry: Entry, now: boolean, citizen: string, cause: Cause): void {
    this.found.push(crossingOf(entry, now ? 'entered' : 'left', citizen, cause));
  }

  private differ(before: Uint32Array, after: Uint32Array, citizen: string, cause: Cause): void {
    const { subjects, words } = this.index;
    for (let w = 0; w < words; w++)
      for (let changed = before[w]! ^ after[w]!; changed !== 0; changed &= changed - 1) {
        const lowest = changed & -changed;
        const entry = subjects[w * 32 + 31 - Math.clz32(lowest)];
        if (entry !== undefined) this.say(entry, (after[w]! & lowest) !== 0, citizen, cause);
      }
  }

  /** An event opened under a rule: from this step on its changes are found, at first by its closure. */
  include(entry: Entry, since: number): void {
    const known =
      this.index.subjects.some((one) => one?.key === entry.key) ||
      this.beside.some((one) => one.entry.key === entry.key);
    if (!known) this.beside = [...this.beside, besideOf(entry, since, this.index.asOf, this.population)];
  }

  /** A look that began after an entry was included, and did not find it, means that it is not open. */
  dropBefore(look: number): void {
    this.beside = this.beside.filter(({ since }) => since >= look);
  }

  /** Other entries on the same day: nobody enters or leaves because of it. */
  swap(index: BitIndex<Entry>): void {
    const keys = new Set(index.subjects.map((entry) => entry?.key));
    this.beside = this.beside
      .filter(({ entry }) => !keys.has(entry.key))
      .map(({ entry, since }) => besideOf(entry, since, index.asOf, this.population));
    this.matcher = new BitMatcher(index, this.population);
    this.makeRoom();
  }

  /**
   * A day began, and the shard is not being read. `today` has the entries of the index in use as of the new day. Tests those whom it can
   * move, in this one step. `cohort` may be given, since it is the same for every shard.
   */
  begin(today: BitIndex<Entry>, cohort: Cohort = cohortOf(this.index, today)): void {
    const days = { before: this.index.asOf, after: today.asOf };
    const old = this.matcher;
    const places = placesOf(today);
    const newPlace = Int32Array.from(this.index.subjects, (entry) =>
      entry === undefined ? -1 : (places.get(entry.key) ?? -1),
    );
    const positions = this.positions();
    const beside = this.beside;
    const slots = slotsOf(
      { ...cohort, whole: [...cohort.whole, ...beside.map(({ entry }) => entry)] },
      this.population,
      days,
    );
    const was = new Uint32Array(old.index.words);
    this.swap(today);
    const cause: Cause = {
      cause: { topic: DAYS, partition: this.partition, offset: today.asOf },
      profileOffset: positions.profiles,
      overlayOffset: positions.overlays,
      asOf: dayText(today.asOf),
    };
    for (const slot of slots) {
      const citizen = this.population.idOf(slot);
      old.reached(slot, was);
      this.matcher.reached(slot, this.after);
      for (const [at, place] of newPlace.entries()) {
        if (place < 0) continue;
        const before = has(was, at);
        const now = has(this.after, place);
        if (before !== now) this.say(today.subjects[place]!, now, citizen, cause);
      }
      for (const one of beside) {
        const before = reaches(one, slot);
        const now = reaches({ ...one, given: { ...one.given, asOf: today.asOf } }, slot);
        if (before !== now) this.say(one.entry, now, citizen, cause);
      }
    }
  }

  /** Takes what was found. */
  take(): readonly Crossing[] {
    const { found } = this;
    this.found = [];
    return found;
  }

  private makeRoom(): void {
    this.before = new Uint32Array(this.index.words);
    this.after = new Uint32Array(this.index.words);
  }
}
