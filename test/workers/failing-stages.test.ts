/** A fan-out that fails through us is paused early; one poisoned delivery is not a fan-out. */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { removeStop, saveStop } from '../../store/stops.ts';
import type { Outcome, OutgoingDelivery } from '../../workers/providers/provider.ts';
import { type Installation, install, START, taxEvent, windowEvent } from '../support/installation.ts';

let it: Installation;
let n = 0;

beforeAll(async () => {
  it = await install({ partitions: 1 });
});
// Notices that no run planned are written by hand here.
afterAll(() => it.close({ audited: false }));
beforeEach(async () => {
  n++;
  it.forgetSent();
  it.at(START - it.clock.nowMs());
  await it.pool.query('DELETE FROM stops');
});

/** A broadcast to so many people of an area of its own. */
async function fanout(people: number): Promise<void> {
  const area = `8${String(n).padStart(4, '0')}`;
  for (let i = 0; i < people; i++)
    await it.citizen({
      id: `f-${n}-${i}`,
      sms: `+8210${String(n * 1_000 + i).padStart(8, '0')}`,
      profile: { sigungu: area },
    });
  await it.publish(windowEvent({ id: `f-${n}`, allimobligation: `checkup/f-${n}`, data: { area } as never }));
  await it.settle();
  await it.pump();
}

/** The first so many calls fail through us. */
function failFirst(count: number): void {
  let left = count;
  const failed = new Set<string>();
  it.providers.sms.answer = ({ delivery }: OutgoingDelivery): Outcome => {
    if (!failed.has(delivery) && left-- > 0) failed.add(delivery);
    return failed.has(delivery)
      ? { kind: 'technical', code: 'template-failed' }
      : { kind: 'accepted', reference: null };
  };
}

const stops = () => it.rows('SELECT scope, agency_id, reason, created_by FROM stops');

test('eleven that fail through us pause the campaign, with the figures; a person lifts it once and for all', async () => {
  await fanout(30);
  failFirst(11);
  await it.deliver();
  const [campaign] = await it.rows<{ id: string }>(
    `SELECT c.id FROM campaigns c JOIN events e ON e.id = c.event_id WHERE e.event_id = $1`,
    [`f-${n}`],
  );
  expect(await stops()).toEqual([
    {
      scope: `campaign:${campaign!.id}`,
      agency_id: 'nhis',
      reason:
        '11 of the first 30 deliveries of stage opened failed through us (template-failed); over 1 % pauses',
      created_by: 'allim',
    },
  ]);
  expect(it.sent()).toHaveLength(30);
  // What waits to be tried again stays where it is.
  it.at(60_000);
  await it.idle();
  expect(it.sent()).toHaveLength(30);
  expect(await removeStop(it.pool, `campaign:${campaign!.id}`, 'nhis')).toBe('removed');
  for (let round = 0; round < 3; round++) {
    it.at(60_000);
    await it.idle();
  }
  expect(await stops()).toEqual([]);
  const ended = await it.rows<{ status: string; count: number }>(
    `SELECT d.status::text, count(*)::int FROM deliveries d JOIN notifications x ON x.id = d.notification_id
     WHERE x.recipient_id LIKE $1 GROUP BY 1 ORDER BY 1`,
    [`f-${n}-%`],
  );
  expect(ended).toEqual([
    { status: 'failed-technical', count: 11 },
    { status: 'sent', count: 19 },
  ]);
});

test('ten do not: the others go', async () => {
  await fanout(20);
  failFirst(10);
  await it.deliver();
  expect(await stops()).toEqual([]);
});

test('eleven after the first thousand do not', async () => {
  await fanout(30);
  failFirst(11);
  // As if so many of this stage had been called: the runs hold them.
  await it.pool.query(
    `WITH run AS (SELECT n.* FROM notifications n JOIN stage_runs s ON s.id = n.stage_run_id JOIN campaigns c ON c.id = s.campaign_id
       JOIN events e ON e.id = c.event_id WHERE e.event_id = $1 LIMIT 1),
     more AS (
       INSERT INTO notifications SELECT gen_random_uuid(), month, agency_id, stage_run_id, run_id, obligation_id, event_id, citizen_id,
         recipient_id, stage_kind, version, reach, template_id, locale, "values", previous_event_id, no_address, created_at
       FROM run, generate_series(1, 1_500) RETURNING id, month, agency_id
     )
     INSERT INTO deliveries (id, month, agency_id, notification_id, contact_point_id, channel, lane, status, attempt)
     SELECT gen_random_uuid(), month, agency_id, id, gen_random_uuid(), 'sms', 'bulk', 'sent', 1 FROM more`,
    [`f-${n}`],
  );
  await it.deliver();
  expect(await stops()).toEqual([]);
});

test('an emergency goes on for those whom it reaches, and says so', async () => {
  await fanout(30);
  await it.pool.query(
    `UPDATE campaigns SET category = 'emergency' WHERE event_id = (SELECT id FROM events WHERE event_id = $1)`,
    [`f-${n}`],
  );
  failFirst(11);
  await it.deliver();
  expect(await stops()).toEqual([]);
  expect(
    await it.rows(`SELECT verdict, cardinality(failed) AS failed FROM failing_stages WHERE verdict = 'kept'`),
  ).toEqual([{ verdict: 'kept', failed: 11 }]);
});

test('a stop that stands keeps its reason', async () => {
  await fanout(30);
  const [campaign] = await it.rows<{ id: string }>(
    `SELECT c.id FROM campaigns c JOIN events e ON e.id = c.event_id WHERE e.event_id = $1`,
    [`f-${n}`],
  );
  failFirst(11);
  const answer = it.providers.sms.answer;
  it.providers.sms.answer = async (...given) => {
    await saveStop(it.pool, {
      scope: `campaign:${campaign!.id}`,
      agency: 'nhis',
      reason: 'wrong amounts',
      createdBy: 'administrator',
    });
    return answer(...given);
  };
  await it.deliver();
  expect(await stops()).toMatchObject([{ reason: 'wrong amounts', created_by: 'administrator' }]);
});

test('a citizen on whom the template throws fails alone, and so does one whose address cannot be opened', async () => {
  const events = Array.from({ length: 5 }, (_, i) =>
    taxEvent({ id: `p-${i}`, subject: `p-${i}`, allimobligation: `property-tax/p-${i}` }),
  );
  for (let i = 0; i < 5; i++) await it.citizen({ id: `p-${i}`, sms: `+8210777700${i}0` });
  await it.publish(...events);
  await it.settle();
  await it.pump();
  const [row] = await it.rows<{ batches: number }>(
    `SELECT count(DISTINCT d.batch_id)::int AS batches FROM deliveries d JOIN notifications n ON n.id = d.notification_id WHERE n.recipient_id LIKE 'p-%'`,
  );
  expect(row).toEqual({ batches: 1 });
  // What the renderer cannot bear, and what the sealer cannot.
  await it.pool.query(`UPDATE notifications SET template_id = 999999 WHERE recipient_id = 'p-1'`);
  await it.pool.query(`UPDATE contact_points SET address = '\\x00' WHERE citizen_id = 'p-3'`);
  await it.deliver();
  const told = await Promise.all(events.map((_, i) => it.told(`p-${i}`)));
  expect(told.map(([line]) => line?.split('/')[0])).toEqual([
    'opened sms sent',
    'opened sms waiting',
    'opened sms sent',
    'opened sms waiting',
    'opened sms sent',
  ]);
  for (let round = 0; round < 3; round++) {
    it.at(60_000);
    await it.idle();
  }
  expect((await it.told('p-1'))[0]).toMatch(/^opened sms failed-technical\//);
  expect((await it.told('p-3'))[0]).toMatch(/^opened sms failed-technical\//);
  expect(await stops()).toEqual([]);
});
