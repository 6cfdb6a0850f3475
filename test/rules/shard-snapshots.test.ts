import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Logger, silentLogger } from '../../domain/logger.ts';
import { TOPICS } from '../../domain/records.ts';
import { createSealer } from '../../domain/sealing.ts';
import type { RulesStore } from '../../rules/run/rule-store.ts';
import { createShardServer, type ShardServer } from '../../rules/run/shard-server.ts';
import { eventually } from '../support/eventually.ts';
import { MemoryBroker } from '../support/memory-broker.ts';
import { fields } from './fixtures.ts';

const DAY = 86_400_000;
const sealer = createSealer(Buffer.alloc(32, 1), Buffer.alloc(32, 2));

let folder: string;
let broker: MemoryBroker;
let server: ShardServer;
let nowMs: number;
let log: { readonly text: string; readonly facts: Record<string, unknown> }[];
let quarantined: number;
let storeFails: boolean;

const store: RulesStore = {
  startPositions: async () => [],
  advance: async () => {},
  ruleVersion: async () => undefined,
  plannedPages: async () => new Map(),
  quarantine: async () => {},
  async quarantineProfiles(kept) {
    if (storeFails) throw new Error('away');
    quarantined += kept.length;
  },
  profilesArrived: async () => {},
  profilesForgotten: async () => {},
  awaited: async () => [],
};

function logger(): Logger {
  const keep = (facts: object, text: string): void => {
    log.push({ text, facts: facts as Record<string, unknown> });
  };
  return { ...silentLogger, info: keep, warn: keep, child: () => logger() } as Logger;
}

function newServer(more: { everyMs?: number; seal?: boolean } = {}): ShardServer {
  return createShardServer({
    broker,
    store,
    clock: { nowMs: () => nowMs },
    logger: logger(),
    fields,
    snapshots: { folder, everyMs: 100_000, sealer, seal: false, ...more },
  });
}

beforeEach(async () => {
  folder = path.join(await mkdtemp(path.join(tmpdir(), 'allim-shards-')), 'snapshots');
  broker = new MemoryBroker();
  for (const topic of [TOPICS.profiles, TOPICS.overlays, ...Object.values(TOPICS.requests)])
    broker.create(topic, 1);
  [nowMs, log, quarantined, storeFails] = [20_000 * DAY, [], 0, false];
  server = newServer();
});
afterEach(async () => {
  await server.stop();
  await rm(path.dirname(folder), { recursive: true });
});

async function tell(profiles: Record<string, unknown>, topic: string = TOPICS.profiles): Promise<void> {
  await broker.append(
    topic,
    Object.entries(profiles).map(([key, value]) => ({
      key,
      value: value === null ? null : JSON.stringify(value),
    })),
  );
}
const people = (from: number, to: number): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: to - from }, (_, at) => [`c${from + at}`, { i: at % 10 }]));

async function caughtUp(offset: number): Promise<void> {
  await eventually(() => expect(server.status()).toMatchObject({ caughtUp: true, offsets: [offset] }));
}
/** Stops, and goes on as a process that is started anew. */
async function restart(more: Parameters<typeof newServer>[0] = {}): Promise<void> {
  await server.stop();
  server = newServer(more);
  log = [];
  await server.start();
}
const restoredFrom = (): unknown[] =>
  log.filter(({ text }) => text === 'shard restored').map(({ facts }) => facts['offset']);
const refusals = (): unknown[] =>
  log.filter(({ text }) => text === 'a snapshot cannot be used').map(({ facts }) => facts['why']);
const names = async (): Promise<string[]> => (await readdir(folder)).toSorted();

describe('a shard', () => {
  test('goes on from the snapshot of its orderly end, with what came since', async () => {
    await tell(people(0, 500));
    await server.start();
    await caughtUp(500);
    await server.stop();
    await tell({ ...people(400, 600), c7: null });
    server = newServer();
    await server.start();
    await caughtUp(701);
    expect(restoredFrom()).toEqual([500]);
    expect(server.status().citizens).toBe(599);
  });

  test('writes snapshots while it runs, keeps two, and none where nothing changed', async () => {
    server = newServer({ everyMs: 5 });
    await server.start();
    for (let turn = 1; turn <= 4; turn++) {
      await tell(people(0, 10));
      await eventually(async () =>
        expect((await names()).some((name) => name.startsWith(`0-${turn * 10}-`))).toBe(true),
      );
      await eventually(async () => expect((await names()).length).toBeLessThanOrEqual(2));
    }
    const written = log.filter(({ text }) => text === 'a snapshot was written').length;
    nowMs += 1_000;
    await restart();
    await server.stop();
    expect(await names()).toEqual([expect.stringMatching(/^0-30-/), expect.stringMatching(/^0-40-/)]);
    expect(written).toBeLessThanOrEqual(5);
    expect(log.filter(({ text }) => text === 'a snapshot was written')).toEqual([]);
  });

  test('takes the one before where the newest is torn or has a flipped bit, and says why', async () => {
    await server.start();
    await tell(people(0, 100));
    await caughtUp(100);
    await restart();
    await tell(people(100, 200));
    await caughtUp(200);
    await server.stop();
    const newest = path.join(folder, (await names()).find((name) => name.startsWith('0-200-'))!);
    const whole = await readFile(newest);
    await truncate(newest, whole.length >> 1);
    await restart();
    await caughtUp(200);
    expect([restoredFrom(), refusals()]).toEqual([[100], ['the file ends too early']]);
    expect(server.status().citizens).toBe(200);
    // What was refused is no longer one of the two that are kept.
    await restart();
    expect(restoredFrom()).toEqual([200]);
    expect(refusals()).toEqual([]);
    await server.stop();
    whole[whole.length >> 1]! ^= 16;
    for (const name of await names()) await writeFile(path.join(folder, name), whole);
    await restart();
    await caughtUp(200);
    expect(restoredFrom()).toEqual([]);
    expect(refusals()).toHaveLength(2);
    expect(server.status().citizens).toBe(200);
  });

  test('reads its topics where the snapshot is too old, or beyond their end', async () => {
    await server.start();
    await tell(people(0, 10));
    await caughtUp(10);
    await server.stop();
    nowMs += 8 * DAY;
    await restart();
    await caughtUp(10);
    expect([restoredFrom(), refusals()]).toEqual([[], ['it is older than seven days']]);
    await server.stop();
    broker.create(TOPICS.profiles, 1);
    await restart();
    await caughtUp(0);
    expect(restoredFrom()).toEqual([]);
    expect(refusals()).toContain('it is from position 10 of the profiles, which end at 0');
    expect(server.status().citizens).toBe(0);
  });

  test('seals what it writes, and reads plain ones too', async () => {
    await server.start();
    await tell({ c1: { s: 'somewhere secret' } });
    await caughtUp(1);
    await restart({ seal: true });
    await tell({ c2: { s: 'another secret' } });
    await caughtUp(2);
    expect(restoredFrom()).toEqual([1]);
    await restart({ seal: true });
    await caughtUp(2);
    expect(restoredFrom()).toEqual([2]);
    const [plain, sealed] = await Promise.all(
      (await names()).map((name) => readFile(path.join(folder, name))),
    );
    expect([plain!.includes('secret'), sealed!.includes('secret')]).toEqual([true, false]);
  });

  test('writes none while it owes the store what it refused', async () => {
    storeFails = true;
    server = newServer({ everyMs: 2 });
    await server.start();
    await broker.append(TOPICS.profiles, [{ key: 'c1', value: '{"i":99}' }]);
    await eventually(() => expect(server.status().offsets).toEqual([1]));
    await new Promise((resolve) => setImmediate(resolve));
    expect(await readdir(folder).catch(() => [])).toEqual([]);
    storeFails = false;
    await eventually(async () => expect(await names().catch(() => [])).toHaveLength(1));
    expect(quarantined).toBe(1);
  });

  test('goes on without them where the folder cannot be written, and past what others left there', async () => {
    await writeFile(folder, 'no folder');
    await server.start();
    await tell(people(0, 10));
    await caughtUp(10);
    await server.stop();
    expect(log.map(({ text }) => text)).toContain('a snapshot could not be written');
    await rm(folder);
    await restart();
    await caughtUp(10);
    await server.stop();
    const [name] = await names();
    await writeFile(path.join(folder, `${name}.1.tmp`), 'half');
    await writeFile(path.join(folder, 'notes.txt'), 'mine');
    await writeFile(path.join(folder, '10-99-0-1.snapshot'), 'another shard');
    await restart();
    expect([restoredFrom(), refusals()]).toEqual([[10], []]);
  });
});

describe('overlays', () => {
  test('are kept over profiles, restarts and the order in which they come', async () => {
    const asked = async (): Promise<number> => server.status().citizens;
    await server.start();
    await tell({ early: { disputed: ['i'] }, c1: { deceased: '2026-05-01' } }, TOPICS.overlays);
    await tell({ early: { i: 3 }, c1: { i: 4 } });
    await caughtUp(2);
    await restart();
    await caughtUp(2);
    expect(restoredFrom()).toEqual([2]);
    await tell({ early: { disputed: ['unknown'] }, c1: null }, TOPICS.overlays);
    await eventually(() => expect(quarantined).toBe(1));
    expect(await asked()).toBe(2);
  });
});
