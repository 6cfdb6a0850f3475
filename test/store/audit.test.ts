/** The audit against a ledger that is right, and against one that was falsified in every way it knows of. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { transaction } from '../../domain/sql.ts';
import { attachedMonths, audit } from '../../store/audit.ts';
import { AUDIT_CHECKS } from '../../store/audit-checks.ts';
import { type Installation, install, START, windowEvent } from '../support/installation.ts';

let it: Installation;

beforeAll(async () => {
  it = await install();
  for (let i = 0; i < 4; i++)
    await it.citizen({ id: `a-${i}`, ...(i === 3 ? {} : { sms: `+8210555500${i}0` }), profile: {} });
  // One is called twice, one waits for its next try, one is sent.
  it.providers.sms.answer = (delivery) =>
    delivery.address.endsWith('10') || (delivery.address.endsWith('20') && delivery.attempt === 1)
      ? { kind: 'temporary', code: 'busy' }
      : { kind: 'accepted', reference: null };
  await it.publish(windowEvent({ id: 'audited' }));
  await it.idle();
  it.at(15 * 60_000);
  await it.idle();
});
afterAll(() => it.close());

/** Each makes one thing wrong. */
const FALSIFIED: Readonly<Record<string, string>> = {
  'run-equations': 'UPDATE runs SET told = told + 1 WHERE matched > 0',
  'run-pages': 'DELETE FROM pages WHERE run_id IN (SELECT run_id FROM runs WHERE matched > 0)',
  'run-notices':
    'UPDATE runs SET planned = planned + 1, told_recipients = told_recipients - 1 WHERE matched > 0',
  'fanout-unasked': `UPDATE fanouts SET state = 'asked', requested_at = NULL`,
  'notice-untold': 'UPDATE told SET stage_run_id = gen_random_uuid()',
  'told-unnoticed':
    'INSERT INTO told (key, agency_id, stage_run_id) SELECT gen_random_uuid(), agency_id, stage_run_id FROM told LIMIT 1',
  'notice-undelivered': `DELETE FROM deliveries WHERE status = 'sent'`,
  'delivery-unfounded': 'DELETE FROM notifications WHERE NOT no_address',
  'delivery-unbatched': `UPDATE batches SET state = 'ended'; UPDATE deliveries SET status = 'planned' WHERE status = 'sent'`,
  'batch-open': `UPDATE batches SET state = 'queued', open = 0; UPDATE deliveries SET status = 'planned' WHERE status = 'sent'`,
  'batch-empty': `UPDATE batches SET state = 'queued', queued_at = '2026-01-01'`,
  'sending-unowned': `UPDATE deliveries SET status = 'sending', session_id = gen_random_uuid() WHERE status = 'sent'`,
  'sent-uncalled': `UPDATE deliveries SET attempt = 0 WHERE status = 'sent'`,
  'attempt-missing': 'DELETE FROM attempts',
  'notice-doubled': `INSERT INTO deliveries (id, month, agency_id, notification_id, contact_point_id, channel, lane, status, attempt)
    SELECT gen_random_uuid(), month, agency_id, notification_id, contact_point_id, channel, lane, status, attempt FROM deliveries WHERE status = 'sent' LIMIT 1`,
  'waiting-unlisted': 'DELETE FROM waiting',
  'waiting-unfounded': `UPDATE waiting SET due_at = '2026-01-01'; UPDATE deliveries SET status = 'cancelled' WHERE status = 'waiting'`,
};

test('a ledger that everything went right in has nothing wrong, with rows of every kind in it', async () => {
  expect(
    await it.rows(`SELECT (SELECT count(*) FROM notifications WHERE no_address) AS nobody, (SELECT count(*) FROM deliveries WHERE status = 'sent') AS sent,
      (SELECT max(attempt) FROM deliveries) AS called, (SELECT count(*) FROM waiting) AS waiting, (SELECT count(*) FROM runs WHERE matched > 0) > 0 AS matched`),
  ).toEqual([{ nobody: 1, sent: 2, called: 2, waiting: 1, matched: true }]);
  expect(await it.audit()).toEqual([]);
});

test.each(AUDIT_CHECKS.map((check) => check.name))('%s is found', async (name) => {
  const undo = new Error('undo');
  let found: string[] = [];
  await transaction(it.pool, async (sql) => {
    // Triggers and references would not let it come about.
    await sql.query('SET LOCAL session_replication_role = replica');
    await sql.query(FALSIFIED[name]!);
    found = (await audit(sql, await attachedMonths(sql), START + 3_600_000)).map((finding) => finding.check);
    throw undo;
  }).catch((error: unknown) => {
    if (error !== undo) throw error;
  });
  expect(found).toContain(name);
});
