/** Stops that come after a claim, and agencies in trial. */
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { silentLogger } from '../../domain/logger.ts';
import { saveSimulatedSends } from '../../store/simulated-sends.ts';
import { removeStop, saveStop } from '../../store/stops.ts';
import { allowRecipients, listTrialSends, setTrial } from '../../store/trial.ts';
import { createStopWatch } from '../../workers/stop-watch.ts';
import { eventually } from '../support/eventually.ts';
import { type Installation, install, START, taxEvent } from '../support/installation.ts';

let it: Installation;
let n = 0;

beforeAll(async () => {
  it = await install({ partitions: 1 });
});
afterAll(() => it.close());
beforeEach(() => {
  n++;
  it.forgetSent();
  it.at(START - it.clock.nowMs());
});

/** Citizens with a text message planned, and in the queue. */
async function planned(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, index) => `s-${n}-${index}`);
  for (const [index, id] of ids.entries())
    await it.citizen({ id, sms: `+8210${String(n * 1_000 + index).padStart(8, '0')}` });
  await it.publish(
    ...ids.map((id) => taxEvent({ id: `e-${id}`, subject: id, allimobligation: `property-tax/${id}` })),
  );
  await it.settle();
  await it.pump();
  return ids;
}

const stop = (scope: string) =>
  saveStop(it.pool, { scope, agency: null, reason: 'test', createdBy: 'administrator' });

describe('a stop that comes after the claim', () => {
  test.each(['all', 'agency:nts', 'channel:sms', 'campaign'])(
    'of %s keeps what was not called yet, as if it had never been claimed',
    async (given) => {
      const [who = ''] = await planned(1);
      const [row] = await it.rows<{ id: string }>(
        `SELECT id FROM campaigns WHERE rule_id = 'nts-property-tax' AND day = '2026-07-10'`,
      );
      const scope = given === 'campaign' ? `campaign:${row!.id}` : given;
      // The provider is reached with the row claimed, and only looks whether it may after the stop is known.
      const { sms } = it.providers;
      const real = sms.send.bind(sms);
      let asked = 0;
      sms.send = async (delivery, mayCall) => {
        asked++;
        await stop(scope);
        await eventually(() => !mayCall());
        return real(delivery, mayCall);
      };
      try {
        await it.deliver();
      } finally {
        sms.send = real;
      }
      expect(asked).toBe(1);
      expect(it.sent()).toEqual([]);
      expect(await it.told(who)).toEqual(['opened sms waiting/stopped']);
      const state = `SELECT d.attempt, d.session_id, d.claimed_at, w.reason, (SELECT count(*) FROM attempts a WHERE a.delivery_id = d.id) AS attempts
        FROM deliveries d JOIN notifications n ON n.id = d.notification_id JOIN waiting w ON w.delivery_id = d.id WHERE n.recipient_id = $1`;
      expect(await it.rows(state, [who])).toEqual([
        { attempt: 0, session_id: null, claimed_at: null, reason: 'stopped', attempts: 0 },
      ]);
      it.at(60_000);
      await it.idle();
      expect(it.sent()).toEqual([]);
      await removeStop(it.pool, scope, null);
      await it.idle();
      expect(await it.told(who)).toEqual(['opened sms sent']);
      expect(it.sent().map((sent) => sent.attempt)).toEqual([1]);
    },
  );

  test.each(['all', 'agency:nts', 'channel:sms'])(
    'of %s leaves batches that are not queued yet where they are',
    async (scope) => {
      await it.citizen({ id: `s-${n}`, sms: `+8210${String(n * 1_000).padStart(8, '0')}` });
      await it.publish(
        taxEvent({ id: `e-${n}`, subject: `s-${n}`, allimobligation: `property-tax/stop-${n}` }),
      );
      await it.settle();
      await stop(scope);
      expect(await it.pump()).toBe(0);
      expect(await it.rows(`SELECT 1 FROM batches WHERE state = 'ready'`)).toHaveLength(1);
      await removeStop(it.pool, scope, null);
      await it.idle();
      expect(await it.told(`s-${n}`)).toEqual(['opened sms sent']);
    },
  );

  test('of another agency, channel or campaign changes nothing', async () => {
    const [who = ''] = await planned(1);
    for (const scope of ['agency:nhis', 'channel:email', 'campaign:00000000-0000-4000-8000-000000000000'])
      await stop(scope);
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
    await it.pool.query('DELETE FROM stops');
  });

  test('is known within a second where the database does not answer: then nothing is called', async () => {
    const watch = createStopWatch({
      pool: { query: () => new Promise(() => {}), connect: () => new Promise(() => {}) },
      logger: silentLogger,
    });
    const release = watch.watch();
    expect(watch.mayCall({ agency: 'nts', channel: 'sms', campaign: 'x' as never })).toBe(false);
    release();
  });

  test('is looked at only while batches are in hand', async () => {
    jest.useFakeTimers();
    let looks = 0;
    const watch = createStopWatch({
      pool: {
        query: async () => {
          looks++;
          return { rows: [], rowCount: 0 };
        },
        connect: () => Promise.reject(new Error('not needed')),
      },
      logger: silentLogger,
    });
    await jest.advanceTimersByTimeAsync(10_000);
    expect(looks).toBe(0);
    const release = watch.watch();
    await jest.advanceTimersByTimeAsync(1_000);
    expect(looks).toBe(11);
    release();
    await jest.advanceTimersByTimeAsync(10_000);
    // The one that was due when the last batch ended.
    expect(looks).toBe(12);
    await watch.stop();
    jest.useRealTimers();
  });
});

describe('an agency in trial', () => {
  beforeAll(() => setTrial(it.pool, 'nts', true));
  afterAll(() => setTrial(it.pool, 'nts', false));

  test('reaches nobody, and everything looks as if it had', async () => {
    const [who = ''] = await planned(1);
    await it.idle();
    expect(it.sent()).toEqual([]);
    expect(it.simulated.sms.sent).toHaveLength(1);
    expect(it.simulated.sms.sent[0]?.text).toContain('132,000');
    expect(await it.told(who)).toEqual(['opened sms sent/trial']);
  });

  test('shows what it would have sent, with its words and without addresses', async () => {
    const [who = ''] = await planned(1);
    await it.idle();
    const [sent] = it.simulated.sms.sent;
    await saveSimulatedSends(it.pool, it.sealer, [{ ...sent!, agency: 'nts' }]);
    expect(await listTrialSends(it.pool, it.sealer, 'nts', 10)).toEqual([
      {
        delivery: sent?.delivery,
        citizen: who,
        rule: 'nts-property-tax',
        stage: 'opened',
        channel: 'sms',
        content: sent?.content,
        at: expect.any(Date),
      },
    ]);
    expect(await listTrialSends(it.pool, it.sealer, 'nhis', 10)).toEqual([]);
  });

  test('reaches whom it allowed, by citizen and by address', async () => {
    const [one = '', two = '', three = ''] = await planned(3);
    await allowRecipients(it.pool, it.sealer, 'nts', [
      { citizen: one },
      { channel: 'sms', address: `+8210${String(n * 1_000 + 1).padStart(8, '0')}` },
    ]);
    await it.idle();
    expect(
      it
        .sent()
        .map((sent) => sent.address)
        .sort(),
    ).toEqual([0, 1].map((index) => `+8210${String(n * 1_000 + index).padStart(8, '0')}`));
    expect(await it.told(one)).toEqual(['opened sms sent']);
    expect(await it.told(two)).toEqual(['opened sms sent']);
    expect(await it.told(three)).toEqual(['opened sms sent/trial']);
  });

  test('is held by a stop like any other', async () => {
    const [who = ''] = await planned(1);
    await stop('all');
    await it.idle();
    expect(it.simulated.sms.sent).toEqual([]);
    expect(await it.told(who)).toEqual(['opened sms waiting/stopped']);
    await removeStop(it.pool, 'all', null);
    it.at(6_000);
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent/trial']);
  });

  test('once live, reaches everybody', async () => {
    await setTrial(it.pool, 'nts', false);
    const [who = ''] = await planned(1);
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
    expect(it.simulated.sms.sent).toEqual([]);
  });
});
