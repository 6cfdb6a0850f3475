/**
 * Announces who entered and who left: keeps the index over the open entries up to date, lets days begin, and sends what the shards' watches
 * find as pages of one citizen on `audiences.*`. Positions of its own (ANNOUNCED_GROUP) say up to which record, and which day, everything
 * was sent; they move after the pages were acknowledged and some time later, so a crash sends some pages again, the same ones. Never
 * decides who is told.
 */
import { type Clock, dayOf } from '../../domain/clock.ts';
import { AllimError, messageOf } from '../../domain/errors.ts';
import type { Logger } from '../../domain/logger.ts';
import { mark } from '../../domain/marks.ts';
import { paced } from '../../domain/pace.ts';
import { type Crossing, DAYS, encodeRecord, TOPICS } from '../../domain/records.ts';
import type { Lane } from '../../domain/statuses.ts';
import { parseDay } from '../calendar.ts';
import type { Fields } from '../catalogue.ts';
import type { BitIndex } from '../compile/bits.ts';
import type { Positions } from '../population/snapshot.ts';
import type { Entry } from './entry.ts';
import { OpenEntries } from './open-entries.ts';
import { Reverse } from './reverse.ts';
import type { CrossingStore } from './rule-store.ts';
import type { Shard } from './shard.ts';

export const ANNOUNCED_GROUP = 'rules-announced';

export type AnnouncerOptions = {
  /** Resolves when the log has acknowledged them. */
  readonly append: (topic: string, partition: number, values: readonly Buffer[]) => Promise<void>;
  readonly store: CrossingStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly fields: Fields;
  readonly lookMs?: number;
};

/** Every record below the positions, and every day up to `day`. */
type Announcements = Positions & { readonly day: number };

/** A shard as its announcements are concerned; `sent` may be ahead of what is stored. */
type Announced = {
  readonly shard: Shard;
  readonly watch: Reverse;
  readonly fence: number;
  stored: Announcements;
  sent: Announcements;
  sending: Promise<void>;
};

export type Claimed = {
  readonly announced: Announcements;
  readonly fence: number;
  readonly index: BitIndex<Entry>;
};

/** What is announced of each: the name of a position is that of its topic. */
const ANNOUNCED: Readonly<Record<keyof Announcements, string>> = {
  profiles: TOPICS.profiles,
  overlays: TOPICS.overlays,
  day: DAYS,
};
const NAMES = Object.keys(ANNOUNCED) as (keyof Announcements)[];

const LOOK_MS = paced(1_000);
/** Records at a time: a day may move thousands. */
const SENT_AT_ONCE = 1_000;

export class Announcer {
  private readonly options: AnnouncerOptions;
  private readonly entries: OpenEntries;
  private readonly shards = new Map<number, Announced>();
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  /** A shard that comes back finds its own. */
  private readonly watches = new WeakMap<Shard, Reverse>();
  private looks = 0;
  private stopped = false;

  constructor(options: AnnouncerOptions) {
    this.options = options;
    this.entries = new OpenEntries(options.store, options.fields, options.logger);
  }

  start(): void {
    this.stopped = false;
    this.timer ??= setInterval(() => void this.look(), this.options.lookMs ?? LOOK_MS);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.timer);
    this.timer = undefined;
    await this.looking;
    await this.store();
    this.shards.clear();
  }

  /**
   * Takes the announcements of shards over. A shard announced for the first time begins at `ends`, those of its topics: whoever was there
   * before is found by what is asked from now on. What is open now is in the index when this resolves.
   */
  async claim(ends: ReadonlyMap<number, Positions>): Promise<Map<number, Claimed>> {
    const today = this.today();
    const asked = [...ends].flatMap(([partition, end]) =>
      NAMES.map((name) => ({
        topic: ANNOUNCED[name],
        partition,
        begin: name === 'day' ? today : end[name],
      })),
    );
    const found = await this.options.store.claim(ANNOUNCED_GROUP, asked);
    await this.entries.refresh();
    const claimed = new Map<number, Claimed>();
    for (const [partition, end] of ends) {
      const [profiles, overlays, day] = NAMES.map((name) =>
        found.find((one) => one.topic === ANNOUNCED[name] && one.partition === partition),
      );
      if (profiles === undefined || overlays === undefined || day === undefined)
        throw new AllimError('position-fenced', 'the announcements of a shard could not be taken over');
      for (const [at, last] of [
        [profiles, end.profiles],
        [overlays, end.overlays],
      ] as const)
        if (at.offset > last)
          this.options.logger.error(
            { topic: at.topic, partition, position: at.offset, end: last },
            'records were announced that the topic does not have: was it made anew? (`npm run allim -- positions`)',
          );
      const announced = {
        profiles: profiles.offset,
        overlays: overlays.offset,
        day: Math.min(day.offset, today),
      };
      const index = await this.entries.indexOn(announced.day);
      claimed.set(partition, { announced, fence: profiles.fence, index });
    }
    return claimed;
  }

  /** Watches a shard from where it stands: one that is read, or one that was kept while others may have announced. */
  async follow(
    shard: Shard,
    { announced, fence, index }: Claimed,
    { begins, ends }: { readonly begins: Positions; readonly ends: Positions },
  ): Promise<void> {
    let watch = this.watches.get(shard);
    if (watch === undefined) {
      const { profiles } = shard.positions;
      watch = new Reverse({
        partition: shard.partition,
        population: shard.population,
        positions: () => shard.positions,
        index,
        announcedFrom: announced,
        readTo: ends,
        knowsBefore: profiles <= begins.profiles || profiles >= announced.profiles,
      });
      this.watches.set(shard, watch);
      shard.watched = watch;
    } else {
      watch.goOn(announced, ends);
      watch.swap(await this.entries.indexOn(watch.index.asOf));
    }
    const sending = Promise.resolve();
    this.shards.set(shard.partition, { shard, watch, fence, stored: announced, sent: announced, sending });
  }

  /** Nothing more of it is sent or stored. */
  release(partition: number): void {
    this.shards.delete(partition);
  }

  /** Every profile below it was announced; undefined where the shard is not held here. */
  announced(partition: number): number | undefined {
    return this.shards.get(partition)?.sent.profiles;
  }

  /** From this step on changes of the entry are found on that shard: called in the step that answers a broadcast. */
  include(partition: number, entry: Entry): void {
    this.shards.get(partition)?.watch.include(entry, this.looks);
  }

  /** Resolves when everything found so far was acknowledged. Rejects as the broker does; what was found stays. */
  send(partition: number): Promise<void> {
    const shard = this.shards.get(partition);
    if (shard === undefined) return Promise.resolve();
    shard.sending = shard.sending.catch(() => undefined).then(() => this.sendFound(shard));
    return shard.sending;
  }

  private async sendFound(announced: Announced): Promise<void> {
    const { shard, watch, sent } = announced;
    watch.settle();
    if (watch.isReading) return;
    const { profiles, overlays } = shard.positions;
    const upTo = {
      profiles: Math.max(sent.profiles, profiles),
      overlays: Math.max(sent.overlays, overlays),
      day: watch.index.asOf,
    };
    while (watch.found.length > 0) {
      const some = watch.found.slice(0, SENT_AT_ONCE);
      for (const [lane, crossings] of Map.groupBy(some, (one) => this.laneOf(one)))
        await this.options.append(TOPICS.audiences[lane], shard.partition, crossings.map(encodeRecord));
      mark('crossing:flushed');
      watch.found.splice(0, some.length);
    }
    announced.sent = upTo;
  }

  /** What a new day moves comes in thousands, and waits behind nobody's own change. */
  private laneOf(crossing: Crossing): Lane {
    return crossing.cause.topic === DAYS ? 'bulk' : 'urgent';
  }

  private today(): number {
    return parseDay(dayOf(this.options.clock.nowMs()));
  }

  /** One look at a time: entries that opened or closed, a day that began, and positions. Never rejects. */
  look(): Promise<void> {
    this.looking ??= this.lookOnce()
      .catch((error: unknown) =>
        this.options.logger.warn({ error: messageOf(error) }, 'open entries could not be looked at'),
      )
      .finally(() => {
        this.looking = undefined;
      });
    return this.looking;
  }

  private async lookOnce(): Promise<void> {
    const look = ++this.looks;
    const changed = await this.entries.refresh();
    const today = this.today();
    const days = new Set([...this.shards.values()].map(({ watch }) => watch.index.asOf));
    for (const day of new Set([...days, today])) await this.entries.indexOn(day);
    if (this.stopped) return;
    for (const shard of this.shards.values()) this.bring(shard, look, today);
    this.entries.forgetDays(
      new Set([today, ...[...this.shards.values()].map(({ watch }) => watch.index.asOf)]),
    );
    if (changed) this.options.logger.debug({ entries: this.entries.size }, 'open entries changed');
    for (const partition of [...this.shards.keys()]) await this.send(partition);
    await this.store();
  }

  /** In one step: no record is judged between the entries' change and the day's. */
  private bring({ watch, shard }: Announced, look: number, today: number): void {
    const same = this.entries.ready(watch.index.asOf);
    if (same === undefined) return;
    if (same !== watch.index) watch.swap(same);
    watch.dropBefore(look);
    const next = this.entries.ready(today);
    // Before its reading is over a shard is of no day.
    if (next !== undefined && watch.index.asOf < today && shard.caughtUp && !watch.isReading)
      watch.begin(next);
  }

  private async store(): Promise<void> {
    for (const [partition, announced] of this.shards) {
      try {
        for (const name of NAMES) {
          const [from, next] = [announced.stored[name], announced.sent[name]];
          if (next > from)
            await this.options.store.advance(
              ANNOUNCED_GROUP,
              ANNOUNCED[name],
              partition,
              from,
              next,
              announced.fence,
            );
          announced.stored = { ...announced.stored, [name]: next };
        }
      } catch (error) {
        if (
          error instanceof AllimError &&
          error.code === 'position-fenced' &&
          this.shards.get(partition) === announced
        )
          this.shards.delete(partition);
        this.options.logger.warn(
          { partition, error: messageOf(error) },
          'the position of announcements could not be stored',
        );
      }
    }
  }
}
