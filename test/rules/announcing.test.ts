/** The way of announcements out of a served shard: positions of their own, restarts, entries that open while updates run. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { StartPosition } from '../../broker/broker.ts';
import { AllimError } from '../../domain/errors.ts';
import { silentLogger } from '../../domain/logger.ts';
import { type Crossing, DAYS, decodeCrossing, isCrossing, TOPICS } from '../../domain/records.ts';
import type { Rule } from '../../domain/rule.ts';
import type { CrossingStore, OpenEntry, RulesStore } from '../../rules/run/rule-store.ts';
import { createShardServer, type ShardServer } from '../../rules/run/shard-server.ts';
import { eventually } from '../support/eventually.ts';
import { MemoryBroker } from '../support/memory-broker.ts';
import { eventType, fields, ruleFile } from './fixtures.ts';

const NOON = Date.parse('2026-07-10T12:00:00+09:00');
const DAY_MS = 86_400_000;

/** Positions as the ledger keeps them, what is open, and a switch for storing. */
class Ledger implements CrossingStore, RulesStore {
  readonly positions = new Map<string, { offset: number; fence: number }>();
  open: OpenEntry[] = [];
  /** As if the process had died before it stored anything. */
  deaf = false;
  looks = 0;

  async openEntries(known: ReadonlySet<string>) {
    this.looks++;
    return {
      open: new Set(this.open.map(({ id }) => id)),
      fresh: this.open.filter(({ id }) => !known.has(id)),
    };
  }

  async claim(group: string, partitions: Parameters<CrossingStore['claim']>[1]): Promise<StartPosition[]> {
    return partitions.map(({ topic, partition, begin }) => {
      const key = `${group}/${topic}/${partition}`;
      const at = this.positions.get(key) ?? { offset: begin, fence: 0 };
      at.fence++;
      this.positions.set(key, at);
      return { topic, partition, ...at };
    });
  }

  async advance(group: string, topic: string, partition: number, from: number, next: number, fence: number) {
    if (this.deaf) throw new Error('nobody stores');
    const at = this.positions.get(`${group}/${topic}/${partition}`);
    if (at === undefined || at.fence !== fence || at.offset !== from)
      throw new AllimError('position-fenced', 'not yours');
    at.offset = next;
  }

  async startPositions(
    group: string,
    partitions: readonly { topic: string; partition: number }[],
  ): Promise<StartPosition[]> {
    return this.claim(
      group,
      partitions.map((at) => ({ ...at, begin: 0 })),
    );
  }

  async ruleVersion() {
    return { rule: RULE, valueFields: [], eventType };
  }

  async plannedPages() {
    return new Map<string, number>();
  }

  async quarantine(): Promise<void> {}
  async quarantineProfiles(): Promise<void> {}
  async profilesArrived(): Promise<void> {}
  async profilesForgotten(): Promise<void> {}
  async awaited(): Promise<readonly string[]> {
    return [];
  }
}

const RULE = ruleFile({
  condition: { '>=': [{ age: [{ var: 'citizen.d' }] }, { var: 'event.integer' }] },
}) as unknown as Rule;
const opened = (id: string, integer: number) => ({ source: '/test', id, data: { integer } });
const open = (id: string, integer: number): OpenEntry => ({
  id: `${id}@1`,
  rule: RULE,
  version: 1,
  eventType,
  event: opened(id, integer),
});

let broker: MemoryBroker;
let ledger: Ledger;
let server: ShardServer;
let now: number;

function serve(): ShardServer {
  return createShardServer({
    broker,
    store: ledger,
    crossings: ledger,
    clock: { nowMs: () => now },
    logger: silentLogger,
    fields,
    plannedPollMs: 2,
    awaitedPollMs: 20,
    lookMs: 5,
  });
}

beforeEach(() => {
  broker = new MemoryBroker();
  now = NOON;
  for (const topic of [
    TOPICS.profiles,
    TOPICS.overlays,
    ...Object.values(TOPICS.requests),
    ...Object.values(TOPICS.audiences),
  ])
    broker.create(topic, 1);
  ledger = new Ledger();
  server = serve();
});
afterEach(() => server.stop());

const tell = (key: string, d: string | null) =>
  broker.append(TOPICS.profiles, [{ key, value: d === null ? null : JSON.stringify({ d }) }]);

function announced(): Crossing[] {
  return Object.values(TOPICS.audiences).flatMap((topic) =>
    broker
      .read(topic, 0)
      .filter(({ value }) => isCrossing(value))
      .map(({ value }) => decodeCrossing(value)),
  );
}
const said = () => announced().map(({ kind, citizen, event }) => `${kind} ${citizen} ${event.id}`);
const read = (offset: number) => eventually(() => expect(server.status().offsets).toEqual([offset]));
const looked = async () => {
  const before = ledger.looks;
  await eventually(() => expect(ledger.looks).toBeGreaterThan(before + 1));
};

test('who was there before the first process is not announced, who comes is', async () => {
  ledger.open = [open('w', 18)];
  await tell('a', '1990-01-01');
  await server.start();
  await read(1);
  await tell('b', '1990-01-01');
  await read(2);
  expect(said()).toEqual(['entered b w']);
});

test('a process that died before it stored its position is followed by one that says the same', async () => {
  ledger.open = [open('w', 18)];
  await server.start();
  await tell('a', '1990-01-01');
  await read(1);
  ledger.deaf = true;
  await tell('a', '2020-01-01');
  await tell('b', '1990-01-01');
  await read(3);
  await server.stop();
  const first = announced();
  expect(first.map(({ kind }) => kind)).toContain('left');
  ledger.deaf = false;
  server = serve();
  await server.start();
  await eventually(() => expect(announced().length).toBeGreaterThan(first.length));
  const ids = new Set(first.map(({ crossing }) => crossing));
  const again = announced().slice(first.length);
  expect(again.every((page) => ids.has(page.crossing))).toBe(true);
  expect(again.map(({ crossing }) => crossing)).toContain(
    first.find(({ kind }) => kind === 'left')!.crossing,
  );
});

test('what opens while updates run is found from its answer on, and once', async () => {
  await server.start();
  await tell('a', '1990-01-01');
  await read(1);
  // The shard answers the broadcast before any look has seen that it is open.
  const event = opened('w', 18);
  const request = {
    fanout: 'f',
    stageRun: 's',
    request: 0,
    rule: RULE.id,
    ruleVersion: 1,
    asOf: '2026-07-10',
    stage: 'opened',
    minProfileOffset: 1,
    event,
  };
  ledger.open = [open('w', 18)];
  await broker.append(TOPICS.requests.bulk, [{ key: null, value: JSON.stringify(request), partition: 0 }]);
  await eventually(() => expect(broker.read(TOPICS.audiences.bulk, 0)).toHaveLength(1));
  await tell('b', '1990-01-01');
  await read(2);
  expect(said()).toEqual(['entered b w']);
  await looked();
  await tell('b', '2020-01-01');
  await read(3);
  expect(said()).toEqual(['entered b w', 'left b w']);
  ledger.open = [];
  await looked();
  await tell('b', '1990-01-01');
  await read(4);
  expect(said()).toHaveLength(2);
});

test('days that began while nobody served are made up for, by what was announced last', async () => {
  ledger.open = [open('w', 18)];
  await server.start();
  await tell('a', '2008-07-12');
  await read(1);
  await server.stop();
  now += 3 * DAY_MS;
  server = serve();
  await server.start();
  await eventually(() => expect(said()).toEqual(['entered a w']));
  expect(announced()[0]).toMatchObject({ cause: { topic: DAYS }, asOf: '2026-07-13', profileOffset: 1 });
  await looked();
  expect(said()).toHaveLength(1);
});
