/** The audit trail: in order whoever writes, never changed, and whatever is done to it behind its back is found and named. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type AuditEntry, auditHash } from '../../domain/audit-entry.ts';
import { transaction } from '../../domain/sql.ts';
import { createAgencyPool, readAsAgency } from '../../store/agency-pool.ts';
import { listAudit, readChain, recordAudit, staffName } from '../../store/audit-trail.ts';
import { verifyAudit } from '../../store/audit-verification.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createDatabase({ max: 8 });
});
afterAll(() => database.drop());
beforeEach(async () => {
  await tamper(
    `TRUNCATE audit_entries; UPDATE audit_head SET number = 0, hash = sha256('allim audit trail')`,
  );
  for (let n = 1; n <= 5; n++) await record(`rule:r-${n}/1`);
});

const record = (object: string, more: Partial<AuditEntry> = {}) =>
  transaction(database.pool, (sql) =>
    recordAudit(sql, {
      agency: 'nts',
      actor: 'staff:kim',
      action: 'rule.approved',
      object,
      details: { version: 1, note: '한글 "따옴표"', ratio: 1.5, gone: undefined },
      ...more,
    }),
  );

/** As somebody with all rights over the database would. */
async function tamper(statements: string): Promise<void> {
  const client = await database.pool.connect();
  try {
    await client.query("SET session_replication_role = 'replica'");
    await client.query(statements);
    await client.query("SET session_replication_role = 'origin'");
  } finally {
    client.release(true);
  }
}

const found = async () =>
  (await verifyAudit(database.pool)).findings.map(({ number, what }) => `${number} ${what}`);

test('what is written is right, and its hash can be computed by anybody', async () => {
  const verification = await verifyAudit(database.pool);
  expect(verification).toMatchObject({ ok: true, entries: 5, head: { number: 5 }, findings: [] });
  const [first] = await readChain(database.pool, 0, 1);
  const { previous, hash, ...entry } = first!;
  expect(entry).toMatchObject({ number: 1, actor: 'staff:kim', details: { note: '한글 "따옴표"' } });
  expect(auditHash(entry, previous)).toEqual(hash);
});

test('staff are called as they were when they last did anything, each agency’s by its own trail; keys have no name', async () => {
  await record('rule:named/1', { actorName: '김서연' });
  await record('rule:named/1', { actorName: '김서윤' });
  await record('rule:named/1', { actor: 'key:0a1b', actorName: 'nobody' });
  await record('rule:named/1', { actor: 'staff:lee', actorName: '이하준', agency: 'nhis' });
  const named = async () =>
    (
      await database.pool.query<{ name: string | null }>(
        `SELECT ${staffName('u.id')} AS name FROM unnest($1::text[]) WITH ORDINALITY u(id, at) ORDER BY at`,
        [['staff:kim', 'staff:lee', 'staff:nobody', 'key:0a1b', 'allim']],
      )
    ).rows.map(({ name }) => name);
  expect(await named()).toEqual(['김서윤', '이하준', null, null, null]);
  const agency = createAgencyPool(database.pool);
  const own = await readAsAgency('nts', async () => {
    const { rows } = await agency.query<{ name: string | null }>(
      `SELECT ${staffName('u.id')} AS name FROM unnest($1::text[]) u(id)`,
      [['staff:lee']],
    );
    return rows[0]!.name;
  });
  expect(own).toBeNull();
});

test('writers at the same time make one chain without gaps', async () => {
  await Promise.all(Array.from({ length: 30 }, (_, n) => record(`rule:at-once/${n}`)));
  expect(await verifyAudit(database.pool)).toMatchObject({ ok: true, entries: 35 });
});

test('what is rolled back leaves no gap', async () => {
  await expect(
    transaction(database.pool, async (sql) => {
      await recordAudit(sql, {
        agency: null,
        actor: 'administrator',
        action: 'stop.made',
        object: 'stop:all',
      });
      throw new Error('not after all');
    }),
  ).rejects.toThrow('not after all');
  await record('rule:after/1');
  expect(await verifyAudit(database.pool)).toMatchObject({ ok: true, entries: 6 });
});

test.each([
  ['UPDATE audit_entries SET actor = $$staff:lee$$ WHERE number = 2'],
  ['DELETE FROM audit_entries WHERE number = 2'],
  ['TRUNCATE audit_entries'],
  ['DELETE FROM audit_head'],
])('the database refuses: %s', async (statement) => {
  await expect(database.pool.query(statement)).rejects.toThrow('append-only');
});

describe('is found and named', () => {
  test.each([
    ['who did it', `actor = 'staff:lee'`],
    ['when', `at = at + interval '1 hour'`],
    ['why', `reason = 'another'`],
    ['whose', `agency_id = 'nhis'`],
    ['a detail', `details = jsonb_set(details, '{version}', '2')`],
  ])('a change of %s', async (_name, change) => {
    await tamper(`UPDATE audit_entries SET ${change} WHERE number = 3`);
    expect(await found()).toEqual(['3 changed']);
  });

  test('a row that was removed, in the middle, at the end, and all', async () => {
    await tamper('DELETE FROM audit_entries WHERE number = 3');
    expect(await found()).toEqual(['3 missing']);
    await tamper('DELETE FROM audit_entries WHERE number = 5');
    expect(await found()).toEqual(['3 missing', '5 missing']);
    await tamper('DELETE FROM audit_entries');
    expect((await verifyAudit(database.pool)).findings[0]).toMatchObject({
      number: 1,
      what: 'missing',
      says: 'entries 1 to 5 are missing',
    });
  });

  test('a row that was slipped in behind the head', async () => {
    await tamper(`INSERT INTO audit_entries SELECT 6, at, agency_id, actor, actor_name, action, object, reason, details, request, hash, hash
      FROM audit_entries WHERE number = 5`);
    expect(await found()).toEqual(['6 changed', '6 inserted']);
  });

  test('a row that was replaced by one with a right hash of its own', async () => {
    const [old] = await readChain(database.pool, 2, 1);
    const { previous, hash: _, ...entry } = old!;
    const forged = auditHash({ ...entry, actor: 'staff:lee' }, previous);
    await tamper(
      `UPDATE audit_entries SET actor = 'staff:lee', hash = '\\x${forged.toString('hex')}' WHERE number = 3`,
    );
    expect(await found()).toEqual(['4 unlinked']);
  });

  test('a whole chain that was written anew, by a hash that was noted', async () => {
    const noted = (await verifyAudit(database.pool)).head;
    await tamper(
      `TRUNCATE audit_entries; UPDATE audit_head SET number = 0, hash = sha256('allim audit trail')`,
    );
    for (let n = 1; n <= 6; n++) await record(`rule:other-${n}/1`);
    expect((await verifyAudit(database.pool)).ok).toBe(true);
    expect((await verifyAudit(database.pool, noted)).findings).toMatchObject([
      { number: 5, what: 'not-as-noted' },
    ]);
  });
});

test('the list goes backwards by its numbers, and knows an object with all that is below it', async () => {
  await record('rule:r-1/2', { agency: 'nhis', action: 'rule.published' });
  const filter = { agency: null, actor: null, action: null, object: null, since: null, until: null };
  const numbers = async (more: object, before: number | null = null) =>
    (await listAudit(database.pool, { ...filter, ...more }, before, 3)).map(({ number }) => number);
  expect(await numbers({})).toEqual([6, 5, 4]);
  expect(await numbers({}, 4)).toEqual([3, 2, 1]);
  expect(await numbers({ object: 'rule:r-1' })).toEqual([6, 1]);
  expect(await numbers({ object: 'rule:r-1/2' })).toEqual([6]);
  expect(await numbers({ action: 'rule' })).toEqual([6, 5, 4]);
  expect(await numbers({ action: 'rule.published' })).toEqual([6]);
  expect(await numbers({ agency: 'nhis' })).toEqual([6]);
  expect(await numbers({ actor: 'staff:nobody' })).toEqual([]);
});
