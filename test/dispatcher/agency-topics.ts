/** What must hold of agencies' topics on any event log; a test file of each adapter calls it. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Broker } from '../../broker/broker.ts';
import { type AgencyTopics, createAgencyTopics } from '../../dispatcher/agency-topics.ts';
import { silentLogger } from '../../domain/logger.ts';
import { AGENCY_TOPIC_PREFIX } from '../../domain/records.ts';
import type { Catalogue } from '../../store/catalogue.ts';
import { Ledger } from '../broker/conformance.ts';
import { eventually } from '../support/eventually.ts';

export function agencyTopicsOn(open: () => Promise<{ broker: Broker; close(): Promise<void> }>): void {
  // Of this run, for real Kafka keeps the topics of others.
  const run = `t${randomUUID().slice(0, 8)}`;
  const agencies = new Map<string, never>();
  const catalogue = { refresh: async () => ({ agencies }) } as unknown as Catalogue;
  const topicOf = (agency: string) => `${AGENCY_TOPIC_PREFIX}${agency}`;
  const started: AgencyTopics[] = [];
  let log: Awaited<ReturnType<typeof open>>;

  beforeAll(async () => {
    log = await open();
  });
  afterAll(async () => {
    await Promise.all(started.map((one) => one.stop()));
    await log.close();
  });

  function follow(ledger: Ledger, create: { partitions: number } | null): AgencyTopics {
    const topics = createAgencyTopics({
      broker: log.broker,
      catalogue,
      logger: silentLogger,
      create,
      lookEveryMs: 50,
      subscription: { assigned: ledger.assigned, handle: async (batch) => ledger.commit(batch) },
    });
    started.push(topics);
    topics.start();
    return topics;
  }
  const say = (agency: string, ...values: string[]) =>
    log.broker.append(
      topicOf(agency),
      values.map((value) => ({ key: value, value })),
    );

  test('a topic that appears while it runs is read from its beginning, beside those before', async () => {
    const [first, second, stranger] = [`${run}-a`, `${run}-b`, `${run}-x`];
    agencies.set(first, undefined as never);
    const make = (agency: string) =>
      log.broker.prepare([{ topic: topicOf(agency), partitions: 2, compacted: false }], { create: true });
    await make(first);
    await make(stranger);
    await say(stranger, 'of nobody');
    const ledger = new Ledger();
    const topics = follow(ledger, null);
    await say(first, '1', '2');
    await eventually(() => expect(ledger.values().toSorted()).toEqual(['1', '2']), { timeoutMs: 15_000 });

    agencies.set(second, undefined as never);
    await make(second);
    await say(second, '3', '4');
    await say(first, '5');
    await eventually(() => expect(ledger.values().toSorted()).toEqual(['1', '2', '3', '4', '5']), {
      timeoutMs: 15_000,
    });
    expect(topics.healthy()).toBe(true);

    // The agency is entered late: what had been written to its topic is not lost.
    agencies.set(stranger, undefined as never);
    await eventually(() => expect(ledger.values()).toContain('of nobody'), { timeoutMs: 15_000 });
    await topics.stop();
  }, 60_000);

  test('outside production an agency that lacks its topic gets one', async () => {
    agencies.clear();
    agencies.set(`${run}-new`, undefined as never);
    const ledger = new Ledger();
    const topics = follow(ledger, { partitions: 3 });
    await eventually(async () => expect(await log.broker.ends(topicOf(`${run}-new`))).toHaveLength(3), {
      timeoutMs: 15_000,
    });
    await say(`${run}-new`, 'hello');
    await eventually(() => expect(ledger.values()).toEqual(['hello']), { timeoutMs: 15_000 });
    await topics.stop();
  }, 60_000);
}
