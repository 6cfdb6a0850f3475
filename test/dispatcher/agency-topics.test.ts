/** A topic an agency: followed as it appears, held to its agency, and taken in by turns. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createEmbeddedBroker } from '../../broker/embedded.ts';
import { createAgencyPace } from '../../dispatcher/agency-pace.ts';
import { createAgencyTopics } from '../../dispatcher/agency-topics.ts';
import { createCourtesy } from '../../dispatcher/courtesy.ts';
import { createIntake } from '../../dispatcher/intake.ts';
import { createRequests } from '../../dispatcher/requests.ts';
import { recordOfEvent } from '../../domain/cloud-events.ts';
import { createCombine } from '../../domain/combine.ts';
import { silentLogger } from '../../domain/logger.ts';
import { eventRow, takeEvents } from '../../store/events.ts';
import { eventually } from '../support/eventually.ts';
import { type Installation, install, taxEvent, windowEvent } from '../support/installation.ts';
import { createDatabase } from '../support/postgres.ts';
import { agencyTopicsOn } from './agency-topics.ts';

describe('on the embedded log', () => {
  agencyTopicsOn(async () => {
    const database = await createDatabase();
    const broker = createEmbeddedBroker({ pool: database.pool, logger: silentLogger });
    await broker.start();
    return {
      broker,
      async close() {
        await broker.stop();
        await database.drop();
      },
    };
  });
});

describe('what an agency says on its topic', () => {
  let all: Installation;
  beforeAll(async () => {
    all = await install();
    await all.broker.start();
  });
  afterAll(() => all.close());

  test('is taken in, and what is another agency’s is refused and shown to the owner of the topic', async () => {
    const intake = createIntake({
      ...all,
      requests: createRequests(all),
      pace: createAgencyPace(),
      courtesy: createCourtesy(),
    });
    const topics = createAgencyTopics({
      ...all,
      create: { partitions: 1 },
      lookEveryMs: 50,
      subscription: { assigned: intake.assigned, handle: intake.handle },
    });
    // The other agency has sent the same over HTTP, and it waits for its turn: a copy on a foreign topic must not end it.
    await takeEvents(
      all.pool,
      'received',
      [eventRow(windowEvent({ id: 'foreign' }), 'nhis')],
      all.clock.nowMs(),
    );
    topics.start();
    await eventually(() => all.broker.ends('agency-events.nts').then((ends) => ends.length === 1));
    await all.broker.append('agency-events.nts', [
      recordOfEvent(taxEvent({ id: 'own', subject: 'c-1' })),
      recordOfEvent(windowEvent({ id: 'foreign' })),
    ]);
    await eventually(async () => {
      const events = await all.rows('SELECT event_id, state FROM events ORDER BY event_id');
      expect(events).toEqual([
        { event_id: 'foreign', state: 'received' },
        { event_id: 'own', state: 'accepted' },
      ]);
      const refused = await all.rows('SELECT agency_id, topic, code FROM quarantine');
      expect(refused).toEqual([{ agency_id: 'nts', topic: 'agency-events.nts', code: 'source-foreign' }]);
    });
    await topics.stop();
  });
});

describe('turns between queues', () => {
  type Job = { readonly queue: string; readonly n: number };
  /** Groups as they were begun; each ends when the test says so. */
  function recorder(shares: Record<string, number>) {
    const begun: { jobs: readonly Job[]; end(): void }[] = [];
    const combine = createCombine<Job>({
      width: 1,
      limit: 200,
      weight: () => 100,
      queueOf: (job) => job.queue,
      shareOf: (queue) => shares[queue] ?? 1,
      run(jobs) {
        const { promise, resolve } = Promise.withResolvers<void>();
        begun.push({ jobs, end: resolve });
        return promise;
      },
    });
    return { begun, combine };
  }
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const jobs = (queue: string, count: number) => Array.from({ length: count }, (_, n) => ({ queue, n }));

  test('who is noisy does not delay who is quiet: their job is in the very next group', async () => {
    const { begun, combine } = recorder({});
    for (const job of jobs('noisy', 50)) void combine(job);
    void combine({ queue: 'quiet', n: 0 });
    begun[0]!.end();
    await turn();
    expect(begun[1]!.jobs.map(({ queue }) => queue)).toContain('quiet');
  });

  test('weights share what is done, and jobs of one queue keep their order', async () => {
    const { begun, combine } = recorder({ nts: 3 });
    for (const job of [...jobs('nhis', 40), ...jobs('nts', 40)]) void combine(job);
    for (let group = 0; group < 20; group++) {
      begun[group]!.end();
      await turn();
    }
    const done = begun.slice(0, 20).flatMap(({ jobs: group }) => group);
    const ofNts = done.filter(({ queue }) => queue === 'nts');
    expect(ofNts.length / done.length).toBeCloseTo(0.75, 1);
    expect(ofNts.map(({ n }) => n)).toEqual(ofNts.map((_, n) => n));
  });

  test('a queue that was idle gets no turns for it', async () => {
    const { begun, combine } = recorder({});
    for (const job of jobs('a', 30)) void combine(job);
    for (let group = 0; group < 5; group++) {
      begun[group]!.end();
      await turn();
    }
    for (const job of jobs('b', 30)) void combine(job);
    for (let group = 5; group < 12; group++) {
      begun[group]!.end();
      await turn();
    }
    const later = begun.slice(6, 12).flatMap(({ jobs: group }) => group);
    expect(later.filter(({ queue }) => queue === 'b').length).toBeLessThanOrEqual(7);
  });
});
