/**
 * A process that comes back from the snapshots of all shards, as one does after a restart: nothing else is in its memory, and what it restored
 * stays there. `node bench/restore-process.ts FOLDER PARTITIONS`; `restore` tells how long it took.
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { shippedFields } from '../rules/catalogue.ts';
import type { Population } from '../rules/population/population.ts';
import { readSnapshot } from '../rules/population/snapshot.ts';
import { driven } from './driven.ts';

/** `ms` by the clock, `heldMs` the longest that the event loop was held, `found` citizens. */
export type Restored = { readonly ms: number; readonly heldMs: number; readonly found: number };

const [folder = '', partitions = '8'] = process.argv.slice(2);
const held: Population[] = [];

async function restore(): Promise<Restored> {
  const fields = shippedFields();
  const far = { profiles: Number.MAX_SAFE_INTEGER, overlays: 0 };
  const bounds = { begins: { profiles: 0, overlays: 0 }, ends: far, nowMs: 0 };
  const files = (await readdir(folder)).map((name) => path.join(folder, name));
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const startedAt = performance.now();
  for (const file of files) {
    const partition = Number(path.basename(file));
    const given = { fields, partition, partitions: Number(partitions), bounds, sealer: null };
    held.push((await readSnapshot(file, given)).population);
  }
  const ms = performance.now() - startedAt;
  return { ms, heldMs: delay.max / 1e6, found: held.reduce((sum, { size }) => sum + size, 0) };
}

await driven(async (message) => (message.do === 'restore' ? restore() : undefined));
