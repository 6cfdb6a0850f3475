/** Events about one person: what opens, changes, settles and withdraws an obligation does to what was planned and sent about it. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { TOPICS } from '../../domain/records.ts';
import { transaction } from '../../domain/sql.ts';
import { subjectKeyHash } from '../../domain/subject-key.ts';
import { regroupWaiting } from '../../store/batches.ts';
import { saveEventType } from '../../store/catalogue.ts';
import { saveIdentityLinks } from '../../store/identity-links.ts';
import { dropExpiredUnresolved } from '../../store/unresolved.ts';
import { eventually } from '../support/eventually.ts';
import { type Installation, install, paidEvent, taxEvent } from '../support/installation.ts';

let it: Installation;
let n = 0;
/** A citizen, an obligation and ids of this test alone. */
let who: string;
let tax: string;

beforeAll(async () => {
  it = await install();
});
afterAll(() => it.close());
beforeEach(async () => {
  n++;
  who = `c-${n}`;
  tax = `property-tax/${n}`;
  it.forgetSent();
});

const assessed = (id: string, more: Partial<Parameters<typeof taxEvent>[0]> = {}) =>
  taxEvent({ id: `${id}-${n}`, subject: who, allimobligation: tax, ...more });
const paid = (more = {}) => paidEvent({ id: `paid-${n}`, subject: who, allimobligation: tax, ...more });

describe('a targeted event', () => {
  test('reaches its person once, on the first channel that has an address', async () => {
    await it.citizen({ id: who, sms: '+821000000001', email: 'a@example.kr' });
    await it.publish(assessed('e'));
    await it.idle();
    expect(await it.told(who)).toEqual(['opened email sent']);
    expect(it.sent()).toHaveLength(1);
    expect(it.sent()[0]!.text).toContain('132,000');
  });

  test('comes again after a crash and is not told again', async () => {
    await it.citizen({ id: who, sms: '+821000000002' });
    await it.publish(assessed('e'));
    await it.publish(assessed('e'));
    await it.idle();
    await it.publish(assessed('e'));
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
    expect(it.sent()).toHaveLength(1);
  });

  test('without an address leaves an inbox row that is counted as no address', async () => {
    await it.citizen({ id: who });
    await it.publish(assessed('e'));
    await it.idle();
    expect(await it.told(who)).toEqual(['opened no-address']);
    const [run] = await it.rows<{ no_address: number; planned: number }>(
      `SELECT r.no_address, r.planned FROM runs r JOIN notifications n ON n.run_id = r.run_id WHERE n.recipient_id = $1`,
      [who],
    );
    expect(run).toMatchObject({ no_address: 1, planned: 1 });
  });
});

describe('done', () => {
  test('before it opens means that nothing is announced', async () => {
    await it.citizen({ id: who, sms: '+821000000003' });
    await it.publish(paid());
    await it.idle();
    await it.publish(assessed('late'));
    await it.idle();
    expect(await it.told(who)).toEqual([]);
    expect(
      await it.rows(
        `SELECT o.state, e.state AS event FROM obligations o, events e WHERE o.citizen_id = $1 AND e.event_id = $2`,
        [who, `late-${n}`],
      ),
    ).toEqual([{ state: 'done', event: 'accepted' }]);
  });

  test('counts also where the event that says so comes after its expiry', async () => {
    await it.citizen({ id: who, sms: '+821000000022' });
    await it.publish(assessed('e'));
    await it.settle();
    await it.publish(paid({ expirytime: '2026-07-10T11:00:00+09:00' }));
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms cancelled/done']);
    expect(it.sent()).toEqual([]);
  });

  test('ends what is planned and what waits, and the reminder that was scheduled', async () => {
    await it.citizen({ id: who, sms: '+821000000004' });
    await it.publish(assessed('e'));
    await it.settle();
    await it.publish(paid());
    await it.intake();
    expect(await it.told(who)).toEqual(['opened sms cancelled/done']);
    expect(await it.rows('SELECT 1 FROM schedules WHERE citizen_id = $1', [who])).toEqual([]);
    await it.idle();
    expect(it.sent()).toEqual([]);
  });

  test('that comes between two attempts ends the second', async () => {
    await it.citizen({ id: who, sms: '+821000000005' });
    it.providers.sms.answer = () => ({ kind: 'temporary', code: 'busy' });
    await it.publish(assessed('e'));
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms waiting/busy']);
    await it.publish(paid());
    await it.idle();
    it.at(60_000);
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms cancelled/done']);
    expect(it.sent()).toHaveLength(1);
    expect(await it.rows('SELECT 1 FROM waiting')).toEqual([]);
  });
});

describe('a row of waiting whose delivery no longer waits', () => {
  test('is removed when it falls due, and the others of its page are put back', async () => {
    await it.citizen({ id: who, sms: '+821000000020' });
    it.providers.sms.answer = () => ({ kind: 'temporary', code: 'busy' });
    await it.publish(assessed('e'));
    await it.idle();
    const [waits] = await it.rows<{ delivery_id: string; month: string }>(
      'SELECT delivery_id, month FROM waiting',
    );
    await it.publish(paid());
    await it.idle();
    // As it is left by a statement that ended the delivery on a snapshot older than this row.
    await it.pool.query(
      `INSERT INTO waiting (due_at, delivery_id, month, agency_id, channel, lane, reason) VALUES ($1, $2, $3, 'nts', 'sms', 'urgent', 'retry')`,
      [new Date(it.clock.nowMs()), waits!.delivery_id, waits!.month],
    );
    await it.citizen({ id: `${who}-b`, sms: '+821000000021' });
    await it.publish(assessed('b', { subject: `${who}-b` }));
    await it.settle();
    await it.pump();
    await it.deliver();
    it.at(60_000);
    expect(await regroupWaiting(it.pool, it.clock.nowMs(), 100)).toBe(2);
    expect(await it.rows('SELECT 1 FROM waiting')).toEqual([]);
    expect(await it.told(who)).toEqual(['opened sms cancelled/done']);
    it.forgetSent();
    await it.idle();
    expect(await it.told(`${who}-b`)).toEqual(['opened sms sent']);
  });
});

describe('a correction', () => {
  const corrected = () => assessed('v2', { sequence: '2', data: { amount: 99_000, dueOn: '2026-08-31' } });

  test('after planning and before the claim takes the place of what was unsent', async () => {
    await it.citizen({ id: who, sms: '+821000000006' });
    await it.publish(assessed('v1', { sequence: '1' }));
    await it.settle();
    await it.pump();
    await it.publish(corrected());
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms cancelled/superseded', 'opened sms sent']);
    expect(it.sent().map((sent) => sent.text.includes('99,000'))).toEqual([true]);
  });

  test('after the claim tells the person and corrects, with the old values', async () => {
    await it.citizen({ id: who, email: 'b@example.kr' });
    await it.publish(assessed('v1', { sequence: '1' }));
    await it.idle();
    await it.publish(corrected());
    await it.idle();
    expect(await it.told(who)).toEqual(['opened email sent', 'corrected email sent']);
    expect(it.sent()[1]!.text).toMatch(/132,000.*→.*99,000/);
    expect(
      await it.rows('SELECT due_at FROM schedules WHERE citizen_id = $1 ORDER BY due_at', [who]),
    ).toEqual([
      { due_at: new Date('2026-08-26T09:00:00+09:00') },
      { due_at: new Date('2026-08-30T09:00:00+09:00') },
    ]);
  });

  test('that meets a call under way corrects it', async () => {
    await it.citizen({ id: who, email: 'c@example.kr' });
    it.providers.email.answer = async () => {
      it.providers.email.answer = () => ({ kind: 'accepted', reference: null });
      await it.publish(corrected());
      await it.intake();
      return { kind: 'accepted', reference: null };
    };
    await it.publish(assessed('v1', { sequence: '1' }));
    await it.idle();
    expect(await it.told(who)).toEqual(['opened email sent', 'corrected email sent']);
  });

  test('in the same batch as what it corrects is the only one told', async () => {
    await it.citizen({ id: who, sms: '+821000000008' });
    await it.publish(corrected(), assessed('v1', { sequence: '1' }));
    await it.idle();
    expect(it.sent().map((sent) => sent.text.includes('99,000'))).toEqual([true]);
    expect(await it.rows('SELECT event_id, state FROM events WHERE event_id = $1', [`v1-${n}`])).toEqual([
      { event_id: `v1-${n}`, state: 'superseded' },
    ]);
  });

  test('with a sequence that goes backwards is recorded as superseded', async () => {
    await it.citizen({ id: who, sms: '+821000000009' });
    await it.publish(corrected());
    await it.idle();
    await it.publish(assessed('v1', { sequence: '1' }));
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
    expect(await it.rows('SELECT state FROM events WHERE event_id = $1', [`v1-${n}`])).toEqual([
      { state: 'superseded' },
    ]);
  });
});

describe('a withdrawal without a sequence', () => {
  beforeAll(async () => {
    await saveEventType(it.pool, {
      type: 'kr.nts.property-tax.withdrawn',
      effect: 'withdraws',
      agency: 'nts',
      sources: ['/nts/property-tax'],
      obligationKind: 'property-tax',
      title: { ko: '재산세 고지 취소', en: 'Property tax withdrawn' },
      schema: { type: 'object' },
      examples: [{}],
    });
    await it.catalogue.refresh();
  });
  const withdrawn = () =>
    taxEvent({
      id: `w-${n}`,
      type: 'kr.nts.property-tax.withdrawn',
      subject: who,
      allimobligation: `property-tax/${n}`,
      data: {},
    });
  const stateOf = async () =>
    (await it.rows<{ state: string }>('SELECT state FROM events WHERE event_id = $1', [`w-${n}`]))[0]?.state;

  test.each([
    ['after', false],
    ['in the same batch as', true],
  ])('%s an assessment with one changes nothing and is recorded as superseded', async (_, together) => {
    await it.citizen({ id: who, sms: '+821000000012' });
    await it.publish(assessed('v1', { sequence: '1' }));
    if (!together) await it.settle();
    await it.publish(withdrawn());
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
    expect(await stateOf()).toBe('superseded');
  });

  test('of an assessment without one withdraws it, and is accepted however often it comes', async () => {
    await it.citizen({ id: who, sms: '+821000000013' });
    await it.publish(assessed('v0'));
    await it.settle();
    await it.publish(withdrawn());
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms cancelled/withdrawn']);
    expect(await stateOf()).toBe('accepted');
    const again = { ...withdrawn(), id: `again-${n}` };
    await it.publish(again);
    await it.idle();
    expect(await it.rows('SELECT state FROM events WHERE event_id = $1', [again.id])).toEqual([
      { state: 'accepted' },
    ]);
  });
});

describe('a person who is not known', () => {
  test('is told when the profile comes, and the event leaves the list', async () => {
    await it.citizen({ id: who, sms: '+821000000010', profile: null });
    await it.publish(assessed('e'));
    await it.idle();
    expect(await it.told(who)).toEqual([]);
    expect(await it.rows('SELECT state FROM unresolved WHERE citizen_id = $1', [who])).toEqual([
      { state: 'new' },
    ]);
    await it.citizen({ id: who, sms: '+821000000010' });
    await it.readProfiles();
    it.at(1_000);
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
    expect(await it.rows('SELECT 1 FROM unresolved WHERE citizen_id = $1', [who])).toEqual([]);
  });

  test.each([
    ['it expires', '2026-08-01T00:00:00+09:00'],
    ['the ledger forgets it after 400 days', undefined],
  ])('by the agency’s own key is waited for until %s', async (_, expirytime) => {
    const until = expirytime === undefined ? it.clock.nowMs() + 400 * 86_400_000 : Date.parse(expirytime);
    const { subject: _subject, ...keyed } = assessed('e', expirytime === undefined ? {} : { expirytime });
    await it.publish(taxEvent({ ...keyed, allimsubjectkey: `key-${n}` }));
    await it.idle();
    const waiting = () =>
      it.rows(
        'SELECT u.expires_at FROM unresolved u JOIN events e ON e.id = u.event_id WHERE e.event_id = $1',
        [`e-${n}`],
      );
    expect(await waiting()).toEqual([{ expires_at: new Date(until) }]);
    await dropExpiredUnresolved(it.pool, until + 1);
    expect(await waiting()).toEqual([]);
  });

  test('by the agency’s own key is judged when the key is linked, once, and those to come at once', async () => {
    await it.citizen({ id: who, sms: '+821000000012' });
    const keyed = (id: string) => {
      const { subject: _subject, ...rest } = assessed(id);
      return taxEvent({ ...rest, allimsubjectkey: `linked-${n}` });
    };
    await it.publish(keyed('before'));
    await it.idle();
    expect(await it.told(who)).toEqual([]);
    const link = { keyHash: subjectKeyHash(it.sealer, 'nts', `linked-${n}`), citizen: who };
    expect(await transaction(it.pool, (sql) => saveIdentityLinks(sql, 'nts', [link]))).toBe(1);
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
    // Linked again, nobody waits any more.
    expect(await transaction(it.pool, (sql) => saveIdentityLinks(sql, 'nts', [link]))).toBe(0);
    await it.publish(keyed('before'));
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
    await it.publish(taxEvent({ ...keyed('after'), allimobligation: `${tax}-2` }));
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent', 'opened sms sent']);
    expect(
      await it.rows('SELECT 1 FROM unresolved WHERE agency_id = $1 AND subject_key_hash = $2', [
        'nts',
        link.keyHash,
      ]),
    ).toEqual([]);
  });

  test('by the agency’s own key cannot be missed by a link that is made while it is taken in', async () => {
    await it.citizen({ id: who, sms: '+821000000013' });
    const link = { keyHash: subjectKeyHash(it.sealer, 'nts', `race-${n}`), citizen: who };
    const client = await it.pool.connect();
    await client.query('BEGIN');
    await saveIdentityLinks(client, 'nts', [link]);
    const { subject: _subject, ...rest } = assessed('race');
    await it.publish(taxEvent({ ...rest, allimsubjectkey: `race-${n}` }));
    const taken = it.idle();
    await eventually(async () =>
      expect(
        await it.rows(`SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`),
      ).toHaveLength(1),
    );
    await client.query('COMMIT');
    client.release();
    await taken;
    expect(await it.told(who)).toEqual(['opened sms sent']);
  });

  test('is no longer waited for after a tombstone', async () => {
    await it.publish(assessed('e'));
    await it.idle();
    await it.append(TOPICS.profiles, { key: who, value: null });
    await it.readProfiles();
    expect(await it.rows('SELECT 1 FROM unresolved WHERE citizen_id = $1', [who])).toEqual([]);
  });

  test('is no longer waited for after the event has expired', async () => {
    await it.publish(assessed('e', { expirytime: '2026-07-10T15:00:00+09:00' }));
    await it.idle();
    expect(await it.rows('SELECT 1 FROM unresolved WHERE citizen_id = $1', [who])).toHaveLength(1);
    await dropExpiredUnresolved(it.pool, Date.parse('2026-07-10T15:00:01+09:00'));
    expect(await it.rows('SELECT 1 FROM unresolved WHERE citizen_id = $1', [who])).toEqual([]);
  });
});

describe('the same event by HTTP and by Kafka', () => {
  test('is one row and one campaign, whichever comes first', async () => {
    await it.citizen({ id: who, sms: '+821000000011' });
    const { eventRow, takeEvents } = await import('../../store/events.ts');
    const event = assessed('both');
    await takeEvents(it.pool, 'received', [eventRow(event, 'nts')], it.clock.nowMs());
    await it.publish(event);
    await it.publish(event);
    await it.idle();
    expect(await takeEvents(it.pool, 'received', [eventRow(event, 'nts')], it.clock.nowMs())).toEqual(
      new Map([[eventRow(event, 'nts').row, 'known']]),
    );
    expect(await it.rows('SELECT state FROM events WHERE event_id = $1', [event.id])).toEqual([
      { state: 'accepted' },
    ]);
    expect(await it.told(who)).toEqual(['opened sms sent']);
  });
});
