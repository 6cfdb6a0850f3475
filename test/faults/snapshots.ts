/** What a disk does to the snapshots of shards: half of a file, or all but a bit. */
import { readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { partitionOf } from '../../domain/murmur2.ts';
import { TOPICS } from '../../domain/records.ts';
import type { Fault, Stage } from './fault.ts';
import { withKafka, write } from './kafka-hands.ts';
import { within } from './outage.ts';

const WRITTEN_WITHIN_MS = 120_000;

const folderOf = (stage: Stage): string => path.join(stage.folder, 'data', 'snapshots');

/** Lets every shard move on, so that it has something to write: people are forgotten of whom nobody ever heard. */
export async function touchShards(stage: Stage): Promise<void> {
  await withKafka(stage, async (kafka, admin) => {
    const partitions = (await admin.fetchTopicOffsets(TOPICS.profiles)).map(({ partition }) => partition);
    const keys = new Map<number, string>();
    for (let n = 0; keys.size < partitions.length; n++)
      keys.set(partitionOf(`nobody-${n}`, partitions.length), `nobody-${n}`);
    await write(
      kafka,
      partitions.map((partition) => ({
        topic: TOPICS.profiles,
        partition,
        key: Buffer.from(keys.get(partition)!),
        value: null,
        headers: {},
      })),
    );
  });
}

/** By shard, newest first. */
async function snapshotsOf(stage: Stage): Promise<Map<string, string[]>> {
  const names = await readdir(folderOf(stage)).catch(() => []);
  const numbers = (name: string): number[] => name.split(/[-.]/).slice(1, 4).map(Number);
  const newest = names
    .filter((name) => name.endsWith('.snapshot'))
    .toSorted((a, b) => {
      const [left, right] = [numbers(a), numbers(b)];
      return right[0]! - left[0]! || right[1]! - left[1]! || right[2]! - left[2]!;
    });
  return Map.groupBy(newest, (name) => name.split('-')[0]!) as Map<string, string[]>;
}

/** Cut somewhere, or a bit of it flipped. Returns what was done. */
async function damage(stage: Stage, file: string): Promise<string> {
  const { size } = await stat(file);
  const at = Math.floor(within(stage, 0, size));
  if (stage.random() < 0.5) {
    await truncate(file, at);
    return `cut at ${at} of ${size}`;
  }
  const bytes = await readFile(file);
  bytes[at]! ^= 1 << Math.floor(within(stage, 0, 8));
  await writeFile(file, bytes);
  return `a bit flipped at ${at} of ${size}`;
}

let damaged: string[] = [];

export const SNAPSHOT_TORN: Fault = {
  name: 'snapshot-torn',
  group: 'machine',
  does: 'kill -9 of all rules processes; the newest snapshot of every shard is cut or has a bit flipped, of every third the one before too',
  async inflict(stage) {
    damaged = [];
    await stage.arrived(within(stage, 0.01, 0.2));
    await touchShards(stage);
    const deadline = performance.now() + WRITTEN_WITHIN_MS;
    while ((await snapshotsOf(stage)).size < 4) {
      if (performance.now() > deadline) throw new Error('the shards wrote no snapshots');
      await stage.pause(100);
    }
    const names = stage.processes.names('rules');
    await Promise.all(names.map((name) => stage.processes.kill(name)));
    try {
      for (const [shard, [newest, before]] of await snapshotsOf(stage))
        for (const name of [newest, Number(shard) % 3 === 0 ? before : undefined]) {
          if (name === undefined) continue;
          stage.say(`${name}: ${await damage(stage, path.join(folderOf(stage), name))}`);
          damaged.push(name);
        }
    } finally {
      await Promise.all(names.map((name) => stage.processes.start(name)));
    }
  },
  async judge(stage) {
    const logs = await Promise.all(
      stage.processes.names('rules').map((name) => readFile(path.join(stage.folder, `${name}.log`), 'utf8')),
    );
    const refusals = logs.flatMap((log) =>
      log.split('\n').filter((line) => line.includes('a snapshot cannot be used')),
    );
    return damaged
      .filter((name) => !refusals.some((line) => line.includes(name)))
      .map((name) => `${name} was damaged and nobody refused it`);
  },
};
