import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { StartPosition, TopicPartition } from '../../broker/broker.ts';
import { AllimError } from '../../domain/errors.ts';
import { silentLogger } from '../../domain/logger.ts';
import { partitionOf } from '../../domain/murmur2.ts';
import { type AudiencePage, decodePage, TOPICS } from '../../domain/records.ts';
import type { Rule } from '../../domain/rule.ts';
import type { Counted } from '../../rules/run/refused-profiles.ts';
import type { RulesStore } from '../../rules/run/rule-store.ts';
import { Shard } from '../../rules/run/shard.ts';
import { createShardServer, type ShardServer } from '../../rules/run/shard-server.ts';
import { eventually } from '../support/eventually.ts';
import { MemoryBroker } from '../support/memory-broker.ts';
import { eventType, fields, ruleFile } from './fixtures.ts';

const PARTITIONS = 2;
const deadline = { at: { addYears: [{ var: 'citizen.d' }, 65] } };

/** What the ledger would keep: positions under fences, and how far pages are planned. */
class Ledger implements RulesStore {
  readonly positions = new Map<string, number>();
  readonly quarantined: { topic: string; offset: number; fanout?: string; code: string }[] = [];
  /** What was kept of each, in the same order. */
  readonly kept: (string | null)[] = [];
  readonly arrived: string[][] = [];
  readonly planned = new Map<string, number>();
  rules = new Map<string, unknown>([['test-rule@1', ruleFile()]]);
  awaiting: string[] = [];
  asked = 0;
  fence = 0;
  failures: unknown[] = [];

  async startPositions(_: string, partitions: readonly TopicPartition[]): Promise<StartPosition[]> {
    this.fence++;
    return partitions.map((at) => ({
      ...at,
      offset: this.positions.get(`${at.topic}/${at.partition}`) ?? 0,
      fence: this.fence,
    }));
  }

  async advance(
    _: string,
    topic: string,
    partition: number,
    from: number,
    next: number,
    fence: number,
  ): Promise<void> {
    const key = `${topic}/${partition}`;
    if (fence !== this.fence || (this.positions.get(key) ?? 0) !== from)
      throw new AllimError('position-fenced', 'not yours');
    this.positions.set(key, next);
  }

  async ruleVersion(id: string, version: number) {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    const rule = this.rules.get(`${id}@${version}`);
    return rule === undefined
      ? undefined
      : { rule: rule as Rule, valueFields: ['e', 'b', 'd', 'i'], eventType };
  }

  async plannedPages(fanouts: readonly string[]) {
    this.asked++;
    return new Map(
      fanouts.flatMap((id) => (this.planned.has(id) ? [[id, this.planned.get(id)!] as const] : [])),
    );
  }

  async quarantine(refused: Parameters<RulesStore['quarantine']>[0]): Promise<void> {
    const { topic, offset, error, fanout } = refused;
    const code = error instanceof AllimError ? error.code : error.message;
    this.kept.push(refused.value?.toString() ?? null);
    this.quarantined.push({ topic, offset, code, ...(fanout === undefined ? {} : { fanout }) });
  }

  readonly counted: Counted[] = [];
  /** How often profiles were given over. */
  given = 0;

  async quarantineProfiles(
    kept: Parameters<RulesStore['quarantineProfiles']>[0],
    counted: readonly Counted[],
  ): Promise<void> {
    this.given++;
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    for (const refused of kept) await this.quarantine(refused);
    this.counted.push(...counted);
  }

  async profilesForgotten(): Promise<void> {}

  async profilesArrived(ids: readonly string[]): Promise<void> {
    this.arrived.push([...ids]);
  }

  async awaited(): Promise<readonly string[]> {
    return this.awaiting;
  }
}

let broker: MemoryBroker;
let ledger: Ledger;
let server: ShardServer;

function newServer(): ShardServer {
  return createShardServer({
    broker,
    store: ledger,
    clock: { nowMs: () => 0 },
    logger: silentLogger,
    fields,
    plannedPollMs: 2,
    awaitedPollMs: 20,
  });
}

beforeEach(() => {
  broker = new MemoryBroker();
  for (const topic of [
    TOPICS.profiles,
    TOPICS.overlays,
    ...Object.values(TOPICS.requests),
    ...Object.values(TOPICS.audiences),
  ])
    broker.create(topic, PARTITIONS);
  ledger = new Ledger();
  server = newServer();
});
afterEach(() => server.stop());

async function tell(profiles: Record<string, Record<string, unknown> | null>): Promise<void> {
  await broker.append(
    TOPICS.profiles,
    Object.entries(profiles).map(([key, value]) => ({ key, value: value && JSON.stringify(value) })),
  );
}

/** `count` citizens of shard 0, all of whom the test rule concerns. */
function crowd(count: number): Record<string, Record<string, unknown>> {
  const ids: string[] = [];
  for (let n = 0; ids.length < count; n++) {
    const id = `c${String(n).padStart(6, '0')}`;
    if (partitionOf(id, PARTITIONS) === 0) ids.push(id);
  }
  return Object.fromEntries(ids.map((id) => [id, { b: true }]));
}

async function ask(more: Record<string, unknown> = {}, lane: 'urgent' | 'bulk' = 'bulk'): Promise<void> {
  const request = {
    fanout: 'f1',
    stageRun: 'r1',
    request: 0,
    rule: 'test-rule',
    ruleVersion: 1,
    asOf: '2026-02-01',
    stage: 'opened',
    minProfileOffset: 0,
    event: { source: '/test', id: '1', data: {} },
    ...more,
  };
  await broker.append(TOPICS.requests[lane], [{ key: null, value: JSON.stringify(request), partition: 0 }]);
}

const pages = (lane: 'urgent' | 'bulk' = 'bulk'): AudiencePage[] =>
  broker.read(TOPICS.audiences[lane], 0).map(({ value }) => decodePage(value));

describe('a broadcast', () => {
  test('is answered in order, with values and totals on the last page', async () => {
    ledger.rules.set('test-rule@1', ruleFile({ reach: 'possible', deadline }));
    const ids = Object.keys(crowd(4));
    await tell({
      [ids[3]!]: { b: true, d: '1961-03-02', e: 'red', i: 0 },
      [ids[1]!]: { d: '1960-02-29' },
      [ids[0]!]: { b: false },
      [ids[2]!]: { b: true },
    });
    await server.start();
    await ask();
    await server.drain();
    expect(pages()).toEqual([
      {
        fanout: 'f1',
        stageRun: 'r1',
        request: 0,
        run: expect.any(String),
        page: 0,
        last: true,
        profileOffset: 4,
        totals: { matched: 3, possible: 1, unknown: 0, pages: 1 },
        citizens: [ids[1], ids[2], ids[3]],
        reach: ['possible', 'certain', 'certain'],
        values: {
          'citizen.e': [null, null, 'red'],
          'citizen.b': [null, true, true],
          'citizen.d': ['1960-02-29', null, '1961-03-02'],
          'citizen.i': [null, null, 0],
          deadline: ['2025-02-28', null, '2026-03-02'],
        },
        unknown: [],
      },
    ]);
    expect(ledger.positions.get('match-requests.bulk/0')).toBe(1);
  });

  test('that concerns nobody still ends with a page', async () => {
    await server.start();
    await ask();
    await server.drain();
    expect(pages()).toMatchObject([
      { page: 0, last: true, citizens: [], totals: { matched: 0, possible: 0, unknown: 0, pages: 1 } },
    ]);
  });

  test('of a rule that reaches only the certain counts the possible', async () => {
    const [a, b] = Object.keys(crowd(2));
    await tell({ [a!]: { b: true }, [b!]: {} });
    await server.start();
    await ask();
    await server.drain();
    expect(pages()).toMatchObject([{ citizens: [a], totals: { matched: 1, possible: 1 } }]);
  });

  test('has at most four pages that are not planned', async () => {
    ledger.planned.set('f1', 0);
    await tell(crowd(32_000));
    await server.start();
    await ask();
    await eventually(() => expect(pages()).toHaveLength(4));
    const asked = ledger.asked;
    await eventually(() => expect(ledger.asked).toBeGreaterThan(asked + 5));
    expect(pages()).toHaveLength(4);
    ledger.planned.set('f1', 1);
    await eventually(() => expect(pages()).toHaveLength(5));
    expect(ledger.positions.get('match-requests.bulk/0') ?? 0).toBe(0);
    ledger.planned.set('f1', 7);
    await server.drain();
    const all = pages();
    expect(all.map(({ page, last, citizens }) => [page, last, citizens.length])).toEqual([
      [0, false, 5000],
      [1, false, 5000],
      [2, false, 5000],
      [3, false, 5000],
      [4, false, 5000],
      [5, false, 5000],
      [6, true, 2000],
    ]);
    expect(all.flatMap(({ citizens }) => citizens)).toEqual(Object.keys(crowd(32_000)));
    expect(all.at(-1)!.totals).toEqual({ matched: 32_000, possible: 0, unknown: 0, pages: 7 });
  });

  test('stands for one position, whatever arrives while its pages wait', async () => {
    ledger.planned.set('f1', 0);
    const people = crowd(25_000);
    await tell(people);
    await server.start();
    await ask();
    await eventually(() => expect(pages()).toHaveLength(4));
    await tell(Object.fromEntries(Object.keys(people).map((id) => [id, null])));
    await eventually(() => expect(server.status().citizens).toBe(0));
    ledger.planned.set('f1', 4);
    await server.drain();
    expect(pages().flatMap(({ citizens }) => citizens)).toEqual(Object.keys(people));
    expect(new Set(pages().map(({ profileOffset }) => profileOffset))).toEqual(new Set([25_000]));
  });

  test('whose fan-out is closed meanwhile is left, and does not hold up the lane', async () => {
    await tell(crowd(32_000));
    await server.start();
    await ask({ fanout: 'closed' });
    await server.drain();
    expect(pages()).toEqual([]);
    expect(ledger.positions.get('match-requests.bulk/0')).toBe(1);
  });

  test('waits out a broker that is away, in the same run', async () => {
    ledger.planned.set('f1', 10);
    await tell(crowd(10_001));
    let appends = 0;
    broker.beforeAppend = (topic) => {
      if (topic === TOPICS.audiences.bulk && ++appends === 2)
        throw new AllimError('broker-unavailable', 'away');
    };
    await server.start();
    await ask();
    await server.drain();
    expect(pages().map(({ page }) => page)).toEqual([0, 1, 2]);
    expect(new Set(pages().map(({ run }) => run)).size).toBe(1);
  });
});

test('a shard restarted after page 2 of 5 starts a new run, and every page of it comes', async () => {
  ledger.planned.set('f1', 0);
  await tell(crowd(24_000));
  let appended = 0;
  broker.beforeAppend = (topic) => {
    if (topic === TOPICS.audiences.bulk && ++appended > 2)
      throw new AllimError('broker-unavailable', 'about to die');
  };
  await server.start();
  await ask();
  await eventually(() => expect(appended).toBeGreaterThan(2));
  await server.stop();
  expect(pages().map(({ page }) => page)).toEqual([0, 1]);
  expect(ledger.positions.get('match-requests.bulk/0') ?? 0).toBe(0);

  broker.beforeAppend = () => {};
  ledger.planned.set('f1', 2);
  server = newServer();
  await server.start();
  await eventually(() => expect(pages()).toHaveLength(6));
  ledger.planned.set('f1', 6);
  await server.drain();
  const [first, second] = [pages().slice(0, 2), pages().slice(2)];
  expect(second.map(({ page, last }) => [page, last])).toEqual([
    [0, false],
    [1, false],
    [2, false],
    [3, false],
    [4, true],
  ]);
  expect(new Set(second.map(({ run }) => run)).size).toBe(1);
  expect(second[0]!.run).not.toBe(first[0]!.run);
  expect(ledger.positions.get('match-requests.bulk/0')).toBe(1);
});

test('a member that lost its shards and got them back does not read them again', async () => {
  const ids = Object.keys(crowd(3));
  await tell(crowd(3));
  await server.start();
  await eventually(() => expect(server.status().citizens).toBe(3));
  // From here on the profiles cannot be read again: only who kept them can answer.
  for (const at of [0, 1]) broker.partition(TOPICS.profiles, at).records.fill(null);
  await broker.consumers[0]!.rejoin();
  await ask();
  await server.drain();
  expect(pages().flatMap((page) => page.citizens)).toEqual(ids.toSorted());
});

test('a request waits for the profiles that were acknowledged before it', async () => {
  const [id] = Object.keys(crowd(1));
  await server.start();
  await ask({ minProfileOffset: 3 });
  await tell({ [id!]: { b: false } });
  await eventually(() => expect(server.status().offsets[0]).toBe(1));
  expect(pages()).toEqual([]);
  await tell({ [id!]: { b: true } });
  await eventually(() => expect(server.status().offsets[0]).toBe(2));
  expect(pages()).toEqual([]);
  broker.skip(TOPICS.profiles, 0, 1);
  await server.drain();
  expect(pages()).toMatchObject([{ citizens: [id], profileOffset: 3 }]);
});

test('an urgent request does not wait for a bulk run, nor for requests behind it', async () => {
  ledger.planned.set('f1', 0);
  await tell(crowd(32_000));
  await server.start();
  for (let n = 0; n < 6; n++) await ask();
  await eventually(() => expect(pages().length).toBeGreaterThanOrEqual(4));
  const [id] = Object.keys(crowd(1));
  await ask(
    {
      fanout: 'f2',
      event: undefined,
      pairs: [{ citizen: id, event: { row: 'e1', source: '/test', id: '2', data: {} } }],
    },
    'urgent',
  );
  await eventually(() => expect(pages('urgent')).toHaveLength(1));
  expect(pages('urgent')).toMatchObject([{ citizens: [id], events: ['e1'], last: true }]);
  expect(ledger.positions.get('match-requests.urgent/0')).toBe(1);
});

test('positions move by the contiguous prefix of what is done', async () => {
  ledger.planned.set('slow', 0);
  await tell(crowd(25_000));
  ledger.rules.set('none@1', ruleFile({ id: 'none', condition: { '!': [{ var: 'citizen.b' }] } }));
  await server.start();
  await ask({ rule: 'none' });
  await ask({ fanout: 'slow' });
  await ask({ rule: 'none' });
  await eventually(() => expect(pages().filter(({ last }) => last)).toHaveLength(2));
  await eventually(() => expect(ledger.positions.get('match-requests.bulk/0')).toBe(1));
  ledger.planned.set('slow', 4);
  await server.drain();
  expect(ledger.positions.get('match-requests.bulk/0')).toBe(3);
});

test('a full lane is paused and goes on', async () => {
  ledger.failures = [new AllimError('store-unavailable', 'away')];
  await server.start();
  for (let n = 0; n < 400; n++) await ask();
  await server.drain();
  expect(pages()).toHaveLength(400);
  expect(ledger.positions.get('match-requests.bulk/0')).toBe(400);
});

describe('targeted pairs', () => {
  test('are judged each with its own event, and those nobody knows come back', async () => {
    ledger.rules.set(
      'test-rule@1',
      ruleFile({ condition: { '>=': [{ var: 'citizen.i' }, { var: 'event.integer' }] } }),
    );
    const [a, b, c, d] = Object.keys(crowd(4));
    await tell({ [a!]: { i: 5 }, [b!]: { i: 5 }, [c!]: {} });
    await server.start();
    const pair = (citizen: string | undefined, row: string, integer: number) => ({
      citizen,
      event: { row, source: '/test', id: row, data: { integer } },
    });
    await ask(
      {
        event: undefined,
        pairs: [pair(b, 'e1', 5), pair(a, 'e2', 6), pair(d, 'e3', 0), pair(c, 'e4', 0), pair(a, 'e5', 1)],
      },
      'urgent',
    );
    await server.drain();
    expect(pages('urgent')).toMatchObject([
      {
        citizens: [b, a],
        events: ['e1', 'e5'],
        reach: ['certain', 'certain'],
        unknown: [d],
        unknownEvents: ['e3'],
        totals: { matched: 2, possible: 1, unknown: 1, pages: 1 },
      },
    ]);
  });
});

describe('bad input', () => {
  test('a corrupt request, an unknown version and a request that fails three times are kept apart, the others answered', async () => {
    await server.start();
    await broker.append(TOPICS.requests.bulk, [{ key: null, value: '{"fanout"', partition: 0 }]);
    await ask({ fanout: 'f9', ruleVersion: 9 });
    await server.drain();
    ledger.failures = [
      new Error('a fault of ours'),
      new Error('a fault of ours'),
      new Error('a fault of ours'),
    ];
    await ask({ fanout: 'f3' });
    await server.drain();
    await ask({ fanout: 'f4' });
    await server.drain();
    expect(ledger.quarantined).toEqual([
      { topic: 'match-requests.bulk', offset: 0, code: 'record-corrupt' },
      { topic: 'match-requests.bulk', offset: 1, code: 'rule-invalid', fanout: 'f9' },
      { topic: 'match-requests.bulk', offset: 2, code: 'a fault of ours', fanout: 'f3' },
    ]);
    expect(ledger.kept[0]).toBe('{"fanout"');
    expect(JSON.parse(ledger.kept[2]!)).toMatchObject({ fanout: 'f3' });
    expect(pages().map(({ fanout }) => fanout)).toEqual(['f4']);
    expect(ledger.positions.get('match-requests.bulk/0')).toBe(4);
  });

  test('profiles that are corrupt, of bad values, without a key or in the wrong partition are kept apart and counted', async () => {
    const [id] = Object.keys(crowd(1));
    await server.start();
    await broker.append(TOPICS.profiles, [
      { key: id!, value: '{"b":true', partition: 0 },
      { key: id!, value: '{"b":1}', partition: 0 },
      { key: null, value: '{}', partition: 0 },
      { key: id!, value: '{"b":true}', partition: 1 },
      { key: id!, value: '{"b":true,"shoeSize":42}', partition: 0 },
    ]);
    await eventually(() =>
      expect(server.status()).toMatchObject({
        citizens: 1,
        quarantined: 4,
        ignoredFields: 1,
        offsets: [4, 1],
      }),
    );
    expect(ledger.quarantined.map(({ code }) => code).sort()).toEqual([
      'profile-invalid',
      'profile-invalid',
      'profile-invalid',
      'profile-misplaced',
    ]);
    expect(ledger.kept.toSorted()).toEqual(['{"b":1}', '{"b":true', '{"b":true}', '{}']);
    expect(server.status().misplaced).toEqual({ count: 1, share: 1 / 4 });
  });
});

describe('a flood of profiles that cannot be used', () => {
  test('is given over a batch at a time, a hundred of each reason whole, the others counted, each once', async () => {
    const [id] = Object.keys(crowd(1));
    // The store is away at first, so the batch comes again.
    ledger.failures.push(new AllimError('store-unavailable', 'away'));
    await broker.append(
      TOPICS.profiles,
      Array.from({ length: 400 }, (_, i) => ({
        key: id!,
        value: i % 4 === 3 ? 'not JSON' : '{"b":true}',
        partition: i % 4 === 3 ? 0 : 1,
      })),
    );
    await server.start();
    await eventually(() => expect(server.status()).toMatchObject({ quarantined: 400, offsets: [100, 300] }));
    expect(Map.groupBy(ledger.quarantined, ({ code }) => code).get('profile-misplaced')).toHaveLength(100);
    expect(Map.groupBy(ledger.quarantined, ({ code }) => code).get('profile-invalid')).toHaveLength(100);
    expect(ledger.counted).toEqual([
      {
        topic: TOPICS.profiles,
        partition: 1,
        code: 'profile-misplaced',
        offsets: Array.from({ length: 200 }, (_, i) => 100 + i),
      },
    ]);
    expect(ledger.given).toBe(3);
  });

  test('a profile whose key or headers are not UTF-8 is one of them', () => {
    const population = new Shard({
      partition: 0,
      partitions: 1,
      fields,
      begin: 0,
      end: 0,
      placed: () => {},
    });
    const record = {
      topic: TOPICS.profiles,
      partition: 0,
      offset: 0,
      key: 'a\ufffd',
      headers: {},
      value: Buffer.from('{"b":true}'),
      flaws: { notUtf8: ['key'], repeated: [], rawKey: Buffer.from([0x61, 0xff]), rawHeaders: [] },
    };
    population.apply({ from: 0, next: 1, fence: 0, records: [record] });
    expect(population.refused).toMatchObject([{ record, error: { code: 'record-corrupt' } }]);
    expect(population.population.size).toBe(0);
  });
});

test('a shard that was read keeps its membership while it makes its first order, and answers only then', async () => {
  const heard: string[] = [];
  const shard = new Shard({ partition: 0, partitions: 1, fields, begin: 0, end: 20_000, placed: () => {} });
  const records = Array.from({ length: 20_000 }, (_, offset) => ({
    topic: TOPICS.profiles,
    partition: 0,
    offset,
    key: `c${offset}`,
    headers: {},
    value: Buffer.from('{}'),
  }));
  shard.apply({ from: 0, next: 20_000, fence: 0, records });
  void shard.reached(0).then(() => heard.push('reached'));
  const lost = new Error('lost');
  await expect(shard.prepare(() => Promise.reject(lost))).rejects.toBe(lost);
  expect(shard.caughtUp).toBe(false);
  await shard.prepare(async () => void heard.push('pause'));
  await shard.reached(0);
  expect(shard.caughtUp).toBe(true);
  expect(heard.length).toBeGreaterThan(2);
  expect(heard.at(-1)).toBe('reached');
});

describe('arrivals', () => {
  test('are announced when first seen after the catch-up, once', async () => {
    const [a, b] = Object.keys(crowd(2));
    await tell({ [a!]: { b: true } });
    await server.start();
    await eventually(() => expect(server.status()).toMatchObject({ caughtUp: true, citizens: 1 }));
    await tell({ [a!]: { b: false }, [b!]: { b: true } });
    await tell({ [b!]: { b: false } });
    await eventually(() => expect(server.status().offsets[0]).toBe(4));
    expect(ledger.arrived).toEqual([[b]]);
  });

  test('that nobody served are announced once the shard has caught up', async () => {
    const [a] = Object.keys(crowd(1));
    await tell({ [a!]: { b: true } });
    ledger.awaiting = [a!, 'c-unknown'];
    await server.start();
    await eventually(() => expect(ledger.arrived[0]).toEqual([a]));
  });
});

test('a database that is away costs no request, however long it takes', async () => {
  const away = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  ledger.failures = [away(), away(), away(), away()];
  await server.start();
  await ask();
  await server.drain();
  expect(ledger.failures).toEqual([]);
  expect(ledger.quarantined).toEqual([]);
  expect(pages()).toMatchObject([{ last: true }]);
});

test('a lane whose position another took asks for its start again', async () => {
  await server.start();
  await ask();
  await server.drain();
  ledger.fence += 1;
  await ask();
  await eventually(() => expect(pages()).toHaveLength(2));
  await ask();
  await eventually(() => expect(ledger.positions.get('match-requests.bulk/0')).toBe(3));
});
