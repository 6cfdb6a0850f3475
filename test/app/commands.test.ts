/** Commands that speak to the ledger: stop, resume and trial mode, as somebody types them. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { COMMANDS } from '../../app/commands/commands.ts';
import { saveAgency } from '../../store/catalogue.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
const dataDir = mkdtempSync(path.join(tmpdir(), 'allim-commands-'));
const before = { ...process.env };
let out: string[] = [];
let err: string[] = [];

beforeAll(async () => {
  database = await createDatabase();
  await saveAgency(database.pool, { id: 'nts', name: { ko: '국세청', en: 'Tax' } });
  Object.assign(process.env, { DATABASE_URL: database.url, ALLIM_DATA: dataDir });
  for (const [stream, lines] of [
    [process.stdout, () => out],
    [process.stderr, () => err],
  ] as const)
    jest.spyOn(stream, 'write').mockImplementation((text) => {
      lines().push(String(text));
      return true;
    });
});
afterAll(async () => {
  jest.restoreAllMocks();
  process.env = before;
  rmSync(dataDir, { recursive: true, force: true });
  await database.drop();
});
beforeEach(() => {
  out = [];
  err = [];
});

const run = (line: string, ...more: string[]) => {
  const [name = '', ...argv] = line.split(' ');
  return COMMANDS.get(name)!.run([...argv, ...more]);
};
const scopes = async () =>
  (
    await database.pool.query<{ line: string }>(`SELECT scope || ' ' || reason AS line FROM stops ORDER BY 1`)
  ).rows.map(({ line }) => line);

describe('stop and resume', () => {
  test('hold and let go, everything or one agency, and say what is stopped', async () => {
    expect(await run('stop all', '--reason', 'wrong text')).toBe(0);
    expect(await run('stop agency:nts --reason', 'theirs')).toBe(0);
    expect(await scopes()).toEqual(['agency:nts theirs', 'all wrong text']);
    out = [];
    expect(await run('stop')).toBe(0);
    expect(out.join('')).toMatch(/^agency:nts .* by administrator: theirs\nall .*: wrong text\n$/);
    expect(await run('resume all')).toBe(0);
    expect(await run('resume agency:nts')).toBe(0);
    expect(await scopes()).toEqual([]);
    expect(await run('resume all')).toBe(1);
    expect(err.join('')).toContain('nothing is stopped by all');
  });

  test.each([
    ['stop all', 2, '--reason is missing'],
    ['stop everything --reason x', 1, 'must be all, agency:<id>'],
    ['stop agency:nobody --reason x', 1, 'no agency nobody is known'],
    ['stop campaign:00000000-0000-4000-8000-000000000000 --reason x', 1, 'no such campaign'],
    ['stop channel:fax --reason x', 1, 'must be all'],
    ['stop all agency:nts --reason x', 2, 'one too many'],
    ['stop --why x', 2, "Unknown option '--why'"],
    ['resume', 2, 'say what'],
  ])('%s ends with %d and says: %s', async (line, code, message) => {
    expect(await run(line)).toBe(code);
    expect(err.join('')).toContain(message);
    expect(await scopes()).toEqual([]);
  });
});

test('a database that is still empty is named as such', async () => {
  const empty = await createDatabase({ migrated: false });
  process.env['DATABASE_URL'] = empty.url;
  expect(await run('stop all --reason x')).toBe(1);
  process.env['DATABASE_URL'] = database.url;
  expect(err.join('')).toContain('start a role once');
  await empty.drop();
});

describe('agency', () => {
  test('goes into trial, allows whom it reaches, and goes live', async () => {
    expect(await run('agency trial nts')).toBe(0);
    expect(await run('agency allow nts citizen:c-1 sms:010-1234-5678 email:A@Example.KR')).toBe(0);
    out = [];
    expect(await run('agency show nts')).toBe(0);
    expect(out.join('')).toMatch(/nts is in trial; allowed in trial: 3\n {2}\S/);
    expect(out.join('')).toContain('citizen:c-1');
    // Addresses are kept as keyed hashes.
    expect(out.join('')).not.toMatch(/12345678|example/i);
    // In whatever form the number was given.
    expect(await run('agency disallow nts sms:+821012345678 citizen:c-2')).toBe(0);
    expect(out.join('')).toContain('1 of 2 removed');
    expect(await run('agency live nts')).toBe(0);
    out = [];
    await run('agency show nts');
    expect(out.join('')).toContain('nts is live; allowed in trial: 2');
  });

  test.each([
    ['agency', 2, 'say what'],
    ['agency allow', 2, 'say which agency'],
    ['agency allow nts', 2, 'say whom'],
    ['agency allow nts fax:1', 2, 'a recipient begins with citizen:'],
    ['agency allow nts sms:hello', 2, 'no address of this channel'],
    ['agency allow nts citizen:', 2, '1 to 64 characters'],
    ['agency live nobody', 1, 'no agency nobody is known'],
    ['agency live nts now', 2, 'too many'],
  ])('%s ends with %d and says: %s', async (line, code, message) => {
    expect(await run(line)).toBe(code);
    expect(err.join('')).toContain(message);
  });
});
