/** From the ledger to the log, through crashes and a log that is away (LEDGER §8, "HTTP accepted, killed before Kafka"). */
import { afterEach, expect, test } from '@jest/globals';
import { systemClock } from '../../domain/clock.ts';
import { AllimError } from '../../domain/errors.ts';
import { silentLogger } from '../../domain/logger.ts';
import { TOPICS } from '../../domain/records.ts';
import { createRelay } from '../../producers/relay.ts';
import { eventually } from '../support/eventually.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

let api: HttpApi;
afterEach(() => api.close());

function createBatch(prefix: string, count: number): string {
  return JSON.stringify(
    Array.from({ length: count }, (_, index) => ({
      specversion: '1.0',
      id: `${prefix}-${index}`,
      source: '/nts/property-tax',
      type: 'kr.nts.property-tax.assessed',
      subject: `c-${index}`,
      data: { amount: 1, dueOn: '2026-07-31' },
    })),
  );
}

const accept = async (prefix: string, count: number) => {
  const response = await api.call({
    method: 'POST',
    url: '/api/v1/events',
    headers: { 'content-type': 'application/cloudevents-batch+json' },
    payload: createBatch(prefix, count),
  });
  expect(response.statusCode).toBe(202);
};

async function unrelayed(): Promise<number> {
  const { rows } = await api.database.pool.query<{ n: number }>(
    'SELECT count(*) AS n FROM events WHERE relayed_at IS NULL',
  );
  return rows[0]!.n;
}

test('what was committed before a crash is in the log once another process looks', async () => {
  // A relay that does not run is what a process killed right after the commit leaves.
  api = await createHttpApi({ relay: false });
  await accept('crash', 700);
  expect(await api.records(TOPICS.events)).toHaveLength(0);
  await api.database.pool.query(`UPDATE events SET received_at = received_at - interval '1 minute'`);
  const relay = createRelay({
    pool: api.database.pool,
    broker: api.broker,
    clock: systemClock,
    logger: silentLogger,
    lookEveryMs: 20,
  });
  await relay.start();
  await eventually(async () => expect(await unrelayed()).toBe(0));
  await relay.stop();
  const ids = (await api.records(TOPICS.events)).map((r) => (r.headers as Record<string, string>)['ce_id']);
  expect(new Set(ids).size).toBe(700);
  expect(ids).toHaveLength(700);
});

test('drain brings what is seconds old as well', async () => {
  api = await createHttpApi({ relay: false });
  await accept('drained', 3);
  await api.relay.drain();
  expect(await unrelayed()).toBe(0);
  expect(await api.records(TOPICS.events)).toHaveLength(3);
});

test('stopping brings what was accepted a moment ago along', async () => {
  api = await createHttpApi();
  await Promise.all([accept('last', 50), accept('words', 50)]);
  await api.relay.stop();
  expect(await unrelayed()).toBe(0);
  expect(await api.records(TOPICS.events)).toHaveLength(100);
});

test('a log that is away keeps nobody from being accepted, and gets everything when it is back', async () => {
  let away = true;
  api = await createHttpApi({
    broker: (real) => ({
      ...real,
      append: (topic, records) =>
        away ? Promise.reject(new AllimError('broker-unavailable', 'away')) : real.append(topic, records),
    }),
  });
  await accept('away', 5);
  await accept('away-too', 5);
  expect(await unrelayed()).toBe(10);
  await expect(api.relay.drain()).rejects.toMatchObject({ code: 'broker-unavailable' });
  away = false;
  await api.relay.drain();
  expect(await unrelayed()).toBe(0);
  expect(await api.records(TOPICS.events)).toHaveLength(10);
});

test('a record that the log refuses keeps back no other', async () => {
  api = await createHttpApi({
    broker: (real) => ({
      ...real,
      append: (topic, records) =>
        records.some((record) => record.key === 'c-1')
          ? Promise.reject(new AllimError('record-too-large', 'too large'))
          : real.append(topic, records),
    }),
  });
  await accept('unfit', 4);
  await eventually(async () => expect(await unrelayed()).toBe(1));
  expect(await api.records(TOPICS.events)).toHaveLength(3);
  await api.relay.drain();
  expect(api.lines.filter((line) => line.includes('record-too-large'))).toHaveLength(1);
});
