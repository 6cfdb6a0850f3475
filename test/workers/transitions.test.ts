/** Every arrow of the picture in docs/sending.md is taken here, or is named with what will take it; and none is drawn that does not exist. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { drawStates, transitions } from '../../scripts/docs/states.ts';
import { releaseUnheard, takeTurn } from '../../store/deliveries.ts';
import { removeStop, saveStop } from '../../store/stops.ts';
import type { Outcome } from '../../workers/providers/provider.ts';
import { type Installation, install, paidEvent, START, taxEvent } from '../support/installation.ts';

/**
 * Arrows that nothing of this file takes. Take one off when a test here takes it; the last test says so if it is forgotten.
 */
const NOT_TAKEN_HERE: Readonly<Record<string, string>> = {
  'waiting > expired': 'nothing yet: a hold that outlives its notice is put back and expires at the claim',
  'waiting > suppressed': 'nothing yet: the claim looks, after the hold',
  'waiting > failed-temporary': 'nothing yet: what waits is put back and fails at its next attempt',
  'waiting > failed-technical': 'nothing yet: what waits is put back and fails at its next attempt',
  'planned > delivered': 'a receipt of a call whose end nobody knew, before the next',
  'waiting > delivered': 'a receipt, while it is held',
  'waiting > ambiguous': 'an orphan receipt, while it is held',
  'failed-temporary > waiting': 'a redrive',
  'failed-technical > waiting': 'a redrive',
  'sending > delivered': 'a receipt that comes before the response',
  'sent > delivered': 'a receipt',
  'sent > failed-permanent': 'a receipt',
  'sent > failed-temporary': 'a receipt',
  'ambiguous > waiting': 'a person, or a query',
  'ambiguous > sent': 'a query',
  'ambiguous > delivered': 'a receipt',
  'ambiguous > failed-permanent': 'a receipt',
  'ambiguous > failed-temporary': 'a receipt',
  'ambiguous > failed-technical': 'a query',
  'ambiguous > expired': 'a person',
  'ambiguous > cancelled': 'a person',
};

let it: Installation;
let n = 0;
let who: string;

beforeAll(async () => {
  it = await install({ partitions: 1 });
});
afterAll(() => it.close());
beforeEach(() => {
  n++;
  who = `c-${n}`;
  it.forgetSent();
  it.at(START - it.clock.nowMs());
});

/** A citizen with one text message planned, and in the queue. */
async function planned(event: object = {}): Promise<void> {
  await it.citizen({ id: who, sms: `+8210${String(n).padStart(8, '0')}` });
  await it.publish(taxEvent({ id: `e-${n}`, subject: who, allimobligation: `property-tax/${n}`, ...event }));
  await it.settle();
  await it.pump();
}
const status = async () => (await it.told(who)).at(-1)?.split(' ').at(-1)?.split('/')[0];
const answers = (outcome: Outcome) => {
  it.providers.sms.answer = () => outcome;
};
const paid = () =>
  it.publish(paidEvent({ id: `paid-${n}`, subject: who, allimobligation: `property-tax/${n}` }));

/** Each takes its notice to the end that it is named for. */
const LIVES: Readonly<Record<string, () => Promise<void>>> = {
  async sent() {
    await planned();
    await it.deliver();
  },
  async expired() {
    await planned({ expirytime: '2026-07-10T13:00:00+09:00' });
    it.at('2026-07-10T13:00:00+09:00');
    await it.deliver();
  },
  async 'ambiguous by its expiry'() {
    it.providers.sms.repeats = 'replaced';
    await planned({ expirytime: '2026-07-10T12:01:00+09:00' });
    answers({ kind: 'unknown', code: 'no-answer' });
    await it.deliver();
    it.at(120_000);
    await it.idle();
  },
  async suppressed() {
    await planned();
    await it.pool.query('UPDATE citizens SET dead_at = now() WHERE id = $1', [who]);
    await it.deliver();
  },
  async cancelled() {
    await planned();
    await paid();
    await it.intake();
  },
  /** Planned, put aside by the claim, and ended where it waits. */
  async 'cancelled while it waits'() {
    await planned();
    await saveStop(it.pool, { scope: 'channel:sms', agency: null, reason: 'test', createdBy: 'test' });
    await it.deliver();
    await removeStop(it.pool, 'channel:sms', null);
    await paid();
    await it.intake();
  },
  /** Twice, with a hold in between. */
  async 'sent after a retry'() {
    await planned();
    answers({ kind: 'temporary', code: 'busy' });
    await it.deliver();
    answers({ kind: 'accepted', reference: null });
    it.at(60_000);
    await it.idle();
  },
  async 'sent after a lost claim'() {
    await planned();
    const [job] = it.memory.take('sms-urgent');
    const claim = { ...job!, batch: job!.batch as never, month: job!.month!, max: 10 };
    await takeTurn(it.pool, it.hand.session.id(), [], [claim], [], it.clock.nowMs());
    await releaseUnheard(it.pool, it.hand.session.id(), []);
    await it.hand.deliver('sms', job!);
  },
  /** Called once, nobody knows, and expired before the next call: that it only expired would be more than we know. */
  async 'ambiguous and expired'() {
    await planned({ expirytime: '2026-07-10T13:00:00+09:00' });
    answers({ kind: 'unknown', code: 'no-answer' });
    await it.deliver();
    it.at(3_600_000);
    await it.idle();
  },
  async 'failed-permanent'() {
    await planned();
    answers({ kind: 'permanent', code: 'no-such-number' });
    await it.deliver();
  },
  async 'failed-temporary'() {
    await planned({ expirytime: '2026-07-10T12:00:01+09:00' });
    answers({ kind: 'temporary', code: 'busy' });
    await it.deliver();
  },
  async 'failed-technical'() {
    await planned({ expirytime: '2026-07-10T12:00:01+09:00' });
    answers({ kind: 'technical', code: 'refused' });
    await it.deliver();
  },
  async ambiguous() {
    await planned();
    answers({ kind: 'unknown', code: 'no-answer' });
    await it.deliver();
    it.at(3_600_000);
    await it.idle();
  },
};

test.each(Object.entries(LIVES))('%s', async (name, live) => {
  await live();
  expect(await status()).toBe(name.split(' ')[0]);
});

test('every arrow of the picture was taken, or is named with what takes it', async () => {
  const taken = new Set(
    (await it.rows<{ t: string }>(`SELECT DISTINCT a || ' > ' || b AS t FROM taken_transitions`)).map(
      (row) => row.t,
    ),
  );
  const drawn = transitions();
  expect(drawn.filter((name) => !taken.has(name) && NOT_TAKEN_HERE[name] === undefined)).toEqual([]);
  expect(Object.keys(NOT_TAKEN_HERE).filter((name) => taken.has(name))).toEqual([]);
  expect(Object.keys(NOT_TAKEN_HERE).filter((name) => !drawn.includes(name as never))).toEqual([]);
  const picture = drawStates();
  for (const name of drawn) expect(picture).toContain(name.replaceAll('-', '_').replace(' > ', ' --> '));
});
