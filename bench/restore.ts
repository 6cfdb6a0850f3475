/**
 * `restore`: how long the shards of a process take to come back, from snapshots and from the records of their topic; what a citizen costs in
 * memory, everything counted; how many profile updates a second a shard takes, in JSON and binary. Beside them, in the same run: reading
 * the same files and no more, and JSON.parse of the same records. Records are in memory: what the broker adds is not in it. One thread,
 * the synthetic population, `--citizens N` (1,000,000), `--partitions N` (8), `--updates N` (200,000).
 */
import { mkdtemp, open, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { partitionOf } from '../domain/murmur2.ts';
import { TOPICS } from '../domain/records.ts';
import { citizens, randomStream } from '../producers/population.ts';
import { shippedFields } from '../rules/catalogue.ts';
import { layoutOf } from '../rules/population/profile.ts';
import { ProfileRecords } from '../rules/population/profile-record.ts';
import { writeSnapshot } from '../rules/population/snapshot.ts';
import { Shard, type ShardRecord } from '../rules/run/shard.ts';
import { start } from './processes.ts';
import type { Restored } from './restore-process.ts';
import { type Options, type Report, round, say } from './support.ts';

const CHUNK = 50_000;
const BATCH = 500;
const fields = shippedFields();
const records = new ProfileRecords(layoutOf(fields));
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const timed = async (work: () => unknown): Promise<number> => {
  const startedAt = performance.now();
  await work();
  return performance.now() - startedAt;
};

type Update = { readonly key: string; readonly json: Buffer; readonly binary: Buffer };

/** The shards of one process, and where each of their topics ends. */
class Shards {
  readonly all: readonly Shard[];
  private readonly ends: number[];

  constructor(partitions: number) {
    this.ends = new Array(partitions).fill(0);
    this.all = this.ends.map(
      (_, partition) => new Shard({ partition, partitions, fields, begin: 0, end: 1, placed: () => {} }),
    );
  }

  /** Applies what is given as batches, with the loop turning between them; ms. Records are made before the clock runs. */
  async apply(updates: readonly { readonly key: string; readonly value: Buffer }[]): Promise<number> {
    const partitions = this.all.length;
    const byShard = Map.groupBy(updates, ({ key }) => partitionOf(key, partitions));
    const batches = [...byShard].flatMap(([partition, some]) => {
      const from = this.ends[partition]!;
      this.ends[partition] = from + some.length;
      const given = some.map(
        ({ key, value }, at): ShardRecord => ({
          topic: TOPICS.profiles,
          partition,
          offset: from + at,
          key,
          headers: {},
          value,
        }),
      );
      return Array.from({ length: Math.ceil(given.length / BATCH) }, (_, at) => {
        const slice = given.slice(at * BATCH, (at + 1) * BATCH);
        return {
          shard: this.all[partition]!,
          batch: { from: slice[0]!.offset, next: slice.at(-1)!.offset + 1, fence: 0, records: slice },
        };
      });
    });
    return timed(async () => {
      for (const { shard, batch } of batches) shard.apply(batch);
    });
  }
}

/** Reads the population into the shards; ms, and some of its citizens as updates. */
async function load(shards: Shards, count: number, updates: number): Promise<{ ms: number; some: Update[] }> {
  const some: Update[] = [];
  const share = updates / count;
  const random = randomStream(7, 0);
  let ms = 0;
  let chunk: { key: string; value: Buffer }[] = [];
  let done = 0;
  for (const { id, profile } of citizens(1, count)) {
    const json = Buffer.from(JSON.stringify(profile));
    chunk.push({ key: id, value: json });
    if (random() < share) some.push({ key: id, json, binary: records.write(profile) });
    if (++done % CHUNK !== 0 && done < count) continue;
    ms += await shards.apply(chunk);
    chunk = [];
    if (done % 1_000_000 === 0) say(`restore: ${done} citizens read`);
  }
  for (let at = some.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [some[at], some[other]] = [some[other]!, some[at]!];
  }
  ms += await timed(async () => {
    for (const shard of shards.all) await shard.prepare(turn);
  });
  return { ms, some };
}

async function readAlone(file: string): Promise<void> {
  const handle = await open(file, 'r');
  const buffer = Buffer.allocUnsafe(2 ** 20);
  while ((await handle.read(buffer, 0, buffer.length)).bytesRead > 0);
  await handle.close();
}

/** Snapshots of all shards, written and read back: ms, and the longest that the loop was held. */
async function snapshots(shards: Shards, folder: string) {
  const partitions = shards.all.length;
  const held = monitorEventLoopDelay({ resolution: 1 });
  held.enable();
  let stillMs = 0;
  const writeMs = await timed(async () => {
    for (const { partition, population, positions } of shards.all) {
      const startedAt = performance.now();
      const facts = { ...positions, partition, partitions, takenAt: 0 };
      await population.tidy(turn);
      await writeSnapshot(path.join(folder, `${partition}`), population, facts, {
        sealer: null,
        signal: new AbortController().signal,
        written: () => {
          stillMs = Math.max(stillMs, performance.now() - startedAt);
        },
      });
    }
  });
  const writeHeldMs = held.max / 1e6;
  const files = (await readdir(folder)).map((name) => path.join(folder, name));
  const readMs = await timed(async () => {
    for (const file of files) await readAlone(file);
  });
  const child = await start('restore-process.ts', [folder, partitions], { env: {} });
  const { ms: restoreMs, heldMs: restoreHeldMs, found } = (await child.ask({ do: 'restore' })) as Restored;
  await child.exit();
  held.disable();
  return { writeMs, stillMs, writeHeldMs, readMs, restoreMs, restoreHeldMs, found };
}

export async function restore(options: Options): Promise<Report> {
  const count = options.number('citizens', 1_000_000);
  const shards = new Shards(options.number('partitions', 8));
  const folder = await mkdtemp(path.join(tmpdir(), 'allim-restore-'));
  try {
    const { ms: topicMs, some } = await load(shards, count, options.number('updates', 200_000));
    const bytes = shards.all.reduce((sum, { population }) => sum + population.bytes, 0) / count;
    const parseMs = await timed(() => {
      for (const { json } of some) JSON.parse(json.toString());
    });
    const jsonMs = await shards.apply(some.map(({ key, json }) => ({ key, value: json })));
    const binaryMs = await shards.apply(some.map(({ key, binary }) => ({ key, value: binary })));
    const found = await snapshots(shards, folder);
    if (found.found !== count) throw new Error(`${found.found} citizens came back of ${count}`);
    const each = (ms: number): number => round((some.length / ms) * 1_000);
    return {
      figures: {
        citizens: count,
        bytes_a_citizen: round(bytes),
        snapshot_s: round(found.restoreMs / 1_000),
        topic_s: round(topicMs / 1_000),
        write_s: round(found.writeMs / 1_000),
        longest_still_ms: round(found.stillMs),
        longest_hold_ms_writing: round(found.writeHeldMs),
        longest_hold_ms_restoring: round(found.restoreHeldMs),
        json_updates_s: each(jsonMs),
        binary_updates_s: each(binaryMs),
      },
      baseline: { reading_the_files_s: round(found.readMs / 1_000), json_parse_s: each(parseMs) },
      ratio: {
        snapshot_vs_reading: round(found.readMs / found.restoreMs),
        json_updates_vs_parse: round(parseMs / jsonMs),
        binary_updates_vs_parse: round(parseMs / binaryMs),
      },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
