/** What a restore leaves: everything that was due before it waits for a person, nothing of it is sent by itself, and what is new goes on. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { closeRestore, decideRestored, markRestored, readRestore } from '../../store/restored.ts';
import { noticeRestore, openRestore } from '../../store/restores.ts';
import { removeStop } from '../../store/stops.ts';
import { type Installation, install, START, taxEvent } from '../support/installation.ts';

let it: Installation;
let n = 0;
let noticedAt = 0;

beforeAll(async () => {
  it = await install({ partitions: 1 });
  await noticeRestore(it.pool, null, async () => ({}), START);
});
afterAll(() => it.close());
beforeEach(() => {
  n++;
  it.forgetSent();
  it.at(START + n * 600_000 - it.clock.nowMs());
});
afterEach(async () => {
  expect(await openRestore(it.pool)).toBeNull();
});

const who = (name: string) => `r-${n}-${name}`;
async function planned(name: string): Promise<void> {
  await it.citizen({ id: who(name), sms: `+8210${String(n * 1_000 + name.charCodeAt(0)).padStart(8, '0')}` });
  await it.publish(
    taxEvent({ id: who(name), subject: who(name), allimobligation: `property-tax/${who(name)}` }),
  );
  await it.settle();
}
/** The database turns out to be another server's, as after a dump was read into a new one. */
async function restored(): Promise<void> {
  it.at(1_000);
  noticedAt = it.clock.nowMs();
  await it.rows(
    `UPDATE settings SET value = jsonb_set(value, '{server}', '"another"') WHERE name = 'ledger-identity'`,
  );
  const ends = async () => ({ 'agency-events': await it.broker.ends('agency-events') });
  expect(await noticeRestore(it.pool, null, ends, noticedAt)).toMatchObject({ noticed: 'server' });
  it.at(60_000);
}
const mark = async () => markRestored(it.pool, (await openRestore(it.pool))!, it.clock.nowMs());
const close = () => closeRestore(it.pool, 'administrator', it.clock.nowMs());

test('what was planned is never sent by itself; left by a person it ends, and what came later is sent', async () => {
  await planned('before');
  await restored();
  await planned('after');
  await it.idle();
  expect(it.sent()).toEqual([]);
  expect(await mark()).toBe(1);
  expect(await mark()).toBe(0);
  expect(await it.told(who('before'))).toEqual(['opened sms ambiguous/restore']);
  expect(await readRestore(it.pool)).toMatchObject({
    evidence: 'server',
    eventsBehind: 0,
    unplanned: 0,
    undecided: [{ agency: 'nts', category: 'statutory', channel: 'sms', deliveries: 1 }],
  });
  expect(await removeStop(it.pool, 'all', null)).toBe('restored');
  expect(await close()).toBe(false);
  expect(await decideRestored(it.pool, 'leave', { channel: 'email' }, it.clock.nowMs())).toBe(0);
  expect(await decideRestored(it.pool, 'leave', { category: 'statutory' }, it.clock.nowMs())).toBe(1);
  expect(await close()).toBe(true);
  await it.idle();
  expect(await it.told(who('before'))).toEqual(['opened sms ambiguous/restore-left']);
  expect(it.sent()).toHaveLength(1);
  expect(await it.told(who('after'))).toEqual(['opened sms sent']);
});

test('what is sent again is flagged, and queued rows are found too', async () => {
  await planned('before');
  await it.pump();
  await restored();
  expect(await mark()).toBe(1);
  expect(await decideRestored(it.pool, 'resend', {}, it.clock.nowMs())).toBe(1);
  expect(await close()).toBe(true);
  await it.idle();
  expect(it.sent()).toHaveLength(1);
  expect(
    await it.rows(
      `SELECT d.status, d.unclear FROM deliveries d JOIN notifications x ON x.id = d.notification_id WHERE x.recipient_id = $1`,
      [who('before')],
    ),
  ).toEqual([{ status: 'sent', unclear: 1 }]);
});

test('an event that is read again was there before, so its notice waits for the person too', async () => {
  await it.citizen({ id: who('lost'), sms: `+8210${String(n * 1_000).padStart(8, '0')}` });
  await it.publish(
    taxEvent({ id: who('lost'), subject: who('lost'), allimobligation: `property-tax/${who('lost')}` }),
  );
  await it.rows(
    `UPDATE log_records SET at_ms = $1 FROM log_topics t WHERE t.id = log_records.topic_id AND t.topic = 'agency-events'`,
    [it.clock.nowMs()],
  );
  await restored();
  expect(await readRestore(it.pool)).toMatchObject({ eventsBehind: 1 });
  expect(await close()).toBe(false);
  await it.idle();
  expect(it.sent()).toEqual([]);
  expect(await close()).toBe(false);
  expect(await it.told(who('lost'))).toEqual(['opened sms ambiguous/restore']);
  expect(await decideRestored(it.pool, 'leave', {}, it.clock.nowMs())).toBe(1);
  expect(await close()).toBe(true);
});

test('questions that were asked are asked again', async () => {
  await it.citizen({ id: who('asked'), sms: `+8210${String(n * 1_000).padStart(8, '0')}` });
  await it.publish(
    taxEvent({ id: who('asked'), subject: who('asked'), allimobligation: `property-tax/${who('asked')}` }),
  );
  await it.intake();
  await it.first.requests.settle();
  expect(
    await it.rows(`SELECT 1 FROM fanouts WHERE state = 'asked' AND requested_at IS NOT NULL`),
  ).toHaveLength(1);
  await restored();
  expect(await it.rows(`SELECT 1 FROM fanouts WHERE state = 'asked' AND requested_at IS NULL`)).toHaveLength(
    1,
  );
  expect(await close()).toBe(false);
  expect(await it.first.requests.repeat(it.clock.nowMs(), 10, it.clock.nowMs())).toBe(1);
  await it.settle();
  await mark();
  await decideRestored(it.pool, 'leave', {}, it.clock.nowMs());
  expect(await close()).toBe(true);
});

test('what is planned anew, at another time, is the same notice to whoever receives it', async () => {
  const plan = async (system: Installation) => {
    await system.citizen({ id: 'twice', sms: '+821012345678' });
    await system.publish(taxEvent({ id: 'twice', subject: 'twice', allimobligation: 'property-tax/twice' }));
    await system.settle();
    // A delivery's id follows from it and the contact point, whose id holds the installation's key.
    return system.rows(`SELECT id FROM notifications WHERE recipient_id = 'twice'`);
  };
  const other = await install({ partitions: 1 });
  try {
    other.at(it.clock.nowMs() + 90_000 - START);
    const first = await plan(other);
    expect(first).toHaveLength(1);
    expect(await plan(it)).toEqual(first);
  } finally {
    await other.close();
  }
});
