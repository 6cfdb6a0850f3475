/**
 * Where a process keeps snapshots of its shards, when it writes them and which it takes. The two newest of a shard are kept; one that
 * cannot be used is named with its reason in the log, and the one before it is tried, else the topic is read from its beginning: a
 * snapshot saves time and is never needed. What fails here never ends anything else.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../domain/clock.ts';
import { AllimError, messageOf } from '../../domain/errors.ts';
import type { Logger } from '../../domain/logger.ts';
import { paced } from '../../domain/pace.ts';
import type { Sealer } from '../../domain/sealing.ts';
import type { Fields } from '../catalogue.ts';
import { TEMPORARY } from '../population/sections.ts';
import { type Bounds, type Restored, readSnapshot, writeSnapshot } from '../population/snapshot.ts';
import type { Shard } from './shard.ts';

export type SnapshotSettings = {
  /** Made where it is missing. Processes may share it. */
  readonly folder: string;
  readonly everyMs: number;
  /** Opens what is sealed. */
  readonly sealer: Sealer;
  /** Whether what is written is sealed. */
  readonly seal: boolean;
};

const KEPT = 2;
/** A shard applies nothing while it is written: rather no snapshot than one that keeps answers waiting. */
const STILL_MS = paced(5_000);
/** Of all shards together, when the process ends. */
const STOP_MS = paced(10_000);
/** Left by somebody who died while writing. */
const ABANDONED_MS = 3_600_000;
/** One from which nothing has changed is written again before it is too old. */
const AGAIN_MS = 86_400_000;

type Last = { readonly profiles: number; readonly overlays: number; readonly takenAt: number };

export class Snapshots {
  private readonly settings: SnapshotSettings;
  private readonly fields: Fields;
  private readonly clock: Clock;
  private readonly logger: Logger;
  private readonly last = new Map<number, Last>();
  /** Names that were refused here: the next that is written takes their place. */
  private readonly refused = new Set<string>();
  private stopping = new AbortController();
  private writing: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | undefined;

  constructor(settings: SnapshotSettings, parts: { fields: Fields; clock: Clock; logger: Logger }) {
    this.settings = settings;
    this.fields = parts.fields;
    this.clock = parts.clock;
    this.logger = parts.logger;
  }

  /** From now on writes what `shards` gives, one after the other, every interval. */
  start(shards: () => readonly Shard[]): void {
    this.stopping = new AbortController();
    this.timer ??= setInterval(
      () => void this.writeAll(shards(), this.stopping.signal),
      this.settings.everyMs,
    );
    this.timer.unref();
  }

  /** Ends what is being written, and writes what these shards have become, for ten seconds at the most. */
  async stop(shards: readonly Shard[]): Promise<void> {
    clearInterval(this.timer);
    this.timer = undefined;
    this.stopping.abort();
    await this.writing;
    await this.writeAll(shards, AbortSignal.timeout(STOP_MS));
  }

  private writeAll(shards: readonly Shard[], signal: AbortSignal): Promise<void> {
    this.writing = this.writing.then(async () => {
      for (const shard of shards) if (!signal.aborted) await this.write(shard, signal);
    });
    return this.writing;
  }

  private async write(shard: Shard, signal: AbortSignal): Promise<void> {
    const { partition, partitions, population } = shard;
    if (this.isKept(shard)) return;
    try {
      const startedAt = performance.now();
      await shard.still(STILL_MS, signal, async (options) => {
        const facts = { ...shard.positions, partition, partitions, takenAt: this.clock.nowMs() };
        const name = `${partition}-${facts.profiles}-${facts.overlays}-${facts.takenAt}.snapshot`;
        const sealer = this.settings.seal ? this.settings.sealer : null;
        const bytes = await this.writeOne(name, (target) =>
          writeSnapshot(target, population, facts, { ...options, sealer }),
        );
        this.last.set(partition, facts);
        const ms = Math.round(performance.now() - startedAt);
        this.logger.info({ partition, bytes, ms, offset: facts.profiles }, 'a snapshot was written');
      });
    } catch (error) {
      this.logger.warn({ partition, error: messageOf(error) }, 'a snapshot could not be written');
    }
  }

  /** Whether the last snapshot says the same and is not old. */
  private isKept({ partition, positions }: Shard): boolean {
    const last = this.last.get(partition);
    if (last?.profiles !== positions.profiles || last.overlays !== positions.overlays) return false;
    return this.clock.nowMs() - last.takenAt < AGAIN_MS;
  }

  private async writeOne(name: string, write: (target: string) => Promise<number>): Promise<number> {
    const { folder } = this.settings;
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const bytes = await write(path.join(folder, name));
    await this.prune(name);
    return bytes;
  }

  /** Newest first. */
  private async namesOf(partition: string): Promise<string[]> {
    const names = await readdir(this.settings.folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const numbers = (name: string): number[] => name.split(/[-.]/).slice(1, 4).map(Number);
    return names
      .filter((name) => name.startsWith(`${partition}-`) && /^(?:\d+-){3}\d+\.snapshot$/.test(name))
      .toSorted((a, b) => {
        const [left, right] = [numbers(a), numbers(b)];
        // By what they know, not by anybody's clock.
        return right[0]! - left[0]! || right[1]! - left[1]! || right[2]! - left[2]!;
      });
  }

  private async prune(written: string): Promise<void> {
    const { folder } = this.settings;
    const names = await this.namesOf(written.split('-')[0]!);
    const useful = names.filter((name) => name !== written && !this.refused.has(name));
    const kept = new Set([written, ...useful.slice(0, KEPT - 1)]);
    for (const name of names) if (!kept.has(name)) await rm(path.join(folder, name), { force: true });
    for (const name of await readdir(folder)) {
      if (!name.endsWith(TEMPORARY)) continue;
      const found = await stat(path.join(folder, name)).catch(() => undefined);
      if (found !== undefined && this.clock.nowMs() - found.mtimeMs > ABANDONED_MS)
        await rm(path.join(folder, name), { force: true });
    }
  }

  /** The newest that can be used; undefined where there is none. */
  async restore(
    partition: number,
    partitions: number,
    bounds: Omit<Bounds, 'nowMs'>,
  ): Promise<Restored | undefined> {
    const { folder, sealer } = this.settings;
    const startedAt = performance.now();
    try {
      for (const name of await this.namesOf(String(partition))) {
        try {
          const restored = await readSnapshot(path.join(folder, name), {
            fields: this.fields,
            partition,
            partitions,
            bounds: { ...bounds, nowMs: this.clock.nowMs() },
            sealer,
          });
          this.last.set(partition, restored.facts);
          const ms = Math.round(performance.now() - startedAt);
          const citizens = restored.population.size;
          this.logger.info(
            { partition, name, citizens, ms, offset: restored.facts.profiles },
            'shard restored',
          );
          return restored;
        } catch (error) {
          if (error instanceof AllimError) this.refused.add(name);
          this.logger.warn({ partition, name, why: messageOf(error) }, 'a snapshot cannot be used');
        }
      }
    } catch (error) {
      this.logger.warn({ partition, error: messageOf(error) }, 'snapshots cannot be looked for');
    }
    return undefined;
  }
}
