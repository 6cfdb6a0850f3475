/** `rules` as somebody types it: over files, and into and out of a ledger. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { COMMANDS } from '../../app/commands/commands.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
const folder = mkdtempSync(path.join(tmpdir(), 'allim-rules-'));
const before = { ...process.env };
let out: string[] = [];
let err: string[] = [];

beforeAll(async () => {
  database = await createDatabase({ seeded: true });
  Object.assign(process.env, { DATABASE_URL: database.url, ALLIM_DATA: folder });
  for (const [stream, lines] of [
    [process.stdout, () => out],
    [process.stderr, () => err],
  ] as const)
    jest.spyOn(stream, 'write').mockImplementation((text) => {
      lines().push(String(text));
      return true;
    });
}, 60_000);
afterAll(async () => {
  jest.restoreAllMocks();
  process.env = before;
  rmSync(folder, { recursive: true, force: true });
  await database.drop();
});
beforeEach(() => {
  out = [];
  err = [];
});

const run = (...argv: string[]) => COMMANDS.get('rules')!.run(argv);
const said = () => out.join('');
const SHIPPED = path.join(import.meta.dirname, '..', '..', 'rules', 'published');
const stomach = (): Record<string, unknown> =>
  JSON.parse(readFileSync(path.join(SHIPPED, 'nhis-stomach-screening.json'), 'utf8'));
const file = (name: string, rule: unknown): string => {
  const to = path.join(folder, name);
  writeFileSync(to, typeof rule === 'string' ? rule : JSON.stringify(rule));
  return to;
};

describe('over files', () => {
  test('test judges the test citizens of what ships, and says what is wrong with a file in the language asked for', async () => {
    expect(await run('test', 'nhis-stomach-screening')).toBe(0);
    expect(said()).toMatch(/^nhis-stomach-screening: \d+ test citizens come out as expected\n$/);
    out = [];
    const wrong = file('wrong.json', { ...stomach(), condition: { '<': [{ var: 'citizen.income' }, 5] } });
    expect(await run('test', wrong, '--locale', 'ko')).toBe(1);
    expect(said()).toContain('/condition/</0/var: "citizen.income"는 항목 목록에 없습니다.');
  });

  test('test goes on after a file that is no JSON, and takes one that an editor marked', async () => {
    const broken = file('broken.json', '{\n  "id": "x",\n  "on" 5\n}');
    const empty = file('empty.json', '');
    const marked = file('marked.json', `\uFEFF${JSON.stringify(stomach())}`);
    expect(await run('test', broken, empty, marked, '--locale', 'ko')).toBe(1);
    expect(
      said()
        .split('\n')
        .filter((line) => !line.endsWith('.json:')),
    ).toEqual([
      '  /: JSON으로 읽을 수 없는 파일입니다(3행 8열).',
      '  /: JSON으로 읽을 수 없는 파일입니다(1행 1열).',
      expect.stringMatching(/^nhis-stomach-screening: \d+ test citizens come out as expected$/),
      '',
    ]);
    expect([err, await run('format', broken), await run('diff', broken, marked)]).toEqual([[], 1, 1]);
  });

  test('test warns of what may not have been meant', async () => {
    const { condition, ...rest } = stomach() as { condition: { and: unknown[] } };
    const young = { '>=': [{ yearAge: [{ var: 'citizen.birthDate' }] }, 10] };
    const warned = file('warned.json', { ...rest, condition: { and: [...condition.and, young] } });
    expect(await run('test', warned, '--locale', 'ko')).toBe(0);
    expect(said()).toContain(
      `  주의 /condition/and/${condition.and.length}/>=: 함께 있는 다른 조건을 만족하면 이 조건도 언제나 만족합니다.`,
    );
  });

  test('explain refuses a citizen or an event that is misspelt, of whom it would say something else', async () => {
    const asked = (citizen: object, event: object) =>
      run(
        'explain',
        'nhis-stomach-screening',
        '--citizen',
        JSON.stringify(citizen),
        '--event',
        JSON.stringify(event),
        '--as-of',
        '2026-02-01',
      );
    expect(await asked({ birthdate: '1980-03-01' }, { year: '2026', parity: 0 })).toBe(1);
    expect(said()).toBe(
      '  /event/year: This must be an integer.\n  /citizen/birthdate: "birthdate" is not in the field catalogue.\n',
    );
    out = [];
    expect(await asked({ birthDate: '1980-13-01' }, {})).toBe(1);
    expect(said()).toContain(
      "  /citizen/birthDate: The test citizen's “date of birth” must be a date from 1800-01-01",
    );
    out = [];
    // What is not said is missing.
    expect(await asked({ birthDate: '1980-03-01' }, { year: 2026 })).toBe(0);
    expect(said()).toMatch(/^It is not certain/);
  });

  test('explain says the condition, and why it concerns a citizen or not', async () => {
    expect(await run('explain', 'nhis-stomach-screening', '--locale', 'ko')).toBe(0);
    expect(said()).toMatch(/^다음을 모두 만족할 것:\n- 연 나이 40세 이상일 것\n/);
    out = [];
    expect(await run('explain', 'nhis-stomach-screening', '--test', 'one year too young')).toBe(0);
    expect(said()).toMatch(
      /^It does not apply.*:\n- turning 40 or over in the year \(is 39; would be otherwise at 40; will hold from 1 January 2027\)\n\n- \/condition\/and\/0\/>=: citizen\.birthDate = /,
    );
    out = [];
    const citizen = '{"birthDate":"1980-03-01"}';
    const event = '{"year":2026,"parity":0,"screenedBefore":2024,"area":"all","closesOn":"2026-12-31"}';
    const asked = ['--citizen', citizen, '--event', event, '--as-of', '2026-02-01', '--json'];
    expect(await run('explain', 'nhis-stomach-screening', ...asked)).toBe(0);
    expect(JSON.parse(said())).toMatchObject({
      reach: 'possible',
      missing: ['citizen.lastStomachScreening'],
    });
  });

  test('diff says what the second says differently, and whom it concerns', async () => {
    const older = file(
      'older.json',
      JSON.stringify(stomach())
        .replace('"yearAge":[{"var":"citizen.birthDate"}]},40', '"yearAge":[{"var":"citizen.birthDate"}]},50')
        .replace(/"tests":\[.*\]/, '"tests":[]'),
    );
    expect(await run('diff', 'nhis-stomach-screening', older)).toBe(0);
    const lines = said().split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'changed: condition, tests',
      '- turning 40 or over in the year',
      '+ turning 50 or over in the year',
    ]);
    expect(lines).toContain('reaches 40 this year: certain -> no');
    out = [];
    expect(await run('diff', 'nhis-stomach-screening', 'live:nhis-stomach-screening')).toBe(0);
    expect(said()).toBe('the same\n');
  });

  test('format brings a file into the one form, which the files that ship have', async () => {
    expect(await run('format')).toBe(0);
    const { id, ...rest } = stomach();
    const mixed = file('mixed.json', { ...rest, id });
    expect(await run('format', mixed)).toBe(1);
    expect(await run('format', mixed, '--write')).toBe(0);
    expect(readFileSync(mixed, 'utf8')).toBe(
      readFileSync(path.join(SHIPPED, 'nhis-stomach-screening.json'), 'utf8'),
    );
    expect(await run('format', mixed)).toBe(0);
  });

  test('what is typed wrong is said, with how it is used', async () => {
    for (const argv of [
      [],
      ['judge'],
      ['explain'],
      ['explain', 'nowhere'],
      ['explain', 'nhis-stomach-screening', '--locale', 'fr'],
      ['explain', 'nhis-stomach-screening', '--citizen', '{}', '--as-of', 'today'],
      ['explain', 'nhis-stomach-screening', '--citizen', '[1'],
      ['explain', 'nhis-stomach-screening', '--test', 'nobody'],
      ['diff', 'nhis-stomach-screening'],
      ['import'],
      ['export'],
      ['test', '--colour'],
    ]) {
      err = [];
      expect([argv, await run(...argv)]).toEqual([argv, 2]);
      expect(err.join('')).toContain('usage: npm run allim -- rules test');
    }
  });
});

describe('with a ledger', () => {
  const versions = async (id: string) =>
    (
      await database.pool.query<{ line: string }>(
        `SELECT version || ' ' || state AS line FROM rule_versions WHERE rule_id = $1 ORDER BY version`,
        [id],
      )
    ).rows.map(({ line }) => line);

  test('import saves drafts, publishes where it is told to, and export writes what is live', async () => {
    const changed = file('changed.json', { ...stomach(), title: { ko: '새 이름', en: 'New name' } });
    expect(await run('import', changed)).toBe(0);
    expect(said()).toMatch(/^nhis-stomach-screening: version 2 is saved, hash [0-9a-f]{64}\n$/);
    expect(await versions('nhis-stomach-screening')).toEqual(['1 published', '2 draft']);
    expect(await run('import', changed, '--publish')).toBe(0);
    expect(await versions('nhis-stomach-screening')).toEqual(['1 published', '2 published']);
    const to = path.join(folder, 'out');
    expect(await run('export', to, 'nhis-stomach-screening')).toBe(0);
    const text = readFileSync(path.join(to, 'nhis-stomach-screening.json'), 'utf8');
    expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(changed, 'utf8')));
    expect(await run('format', path.join(to, 'nhis-stomach-screening.json'))).toBe(0);
    expect(await run('export', to, 'nowhere')).toBe(1);
  });

  test('production wants another person', async () => {
    process.env['ALLIM_ENV'] = 'production';
    try {
      expect(await run('import', 'nhis-stomach-screening', '--publish')).not.toBe(0);
    } finally {
      delete process.env['ALLIM_ENV'];
    }
  });

  test('ordinary JsonLogic comes in with what was written otherwise and where it would have answered otherwise', async () => {
    const tests = [
      {
        name: 'young',
        asOf: '2026-02-01',
        citizen: { lastStomachScreening: 2020, sex: 'F' },
        event: { year: 2026, parity: 0, screenedBefore: 2024, area: 'all', closesOn: '2026-12-31' },
        expect: 'certain',
      },
    ];
    const condition = {
      and: [
        { '<=': [{ var: 'lastStomachScreening' }, { var: 'screenedBefore' }] },
        { '===': [{ var: 'sex' }, 'F'] },
      ],
    };
    const plain = file('plain.json', { ...stomach(), id: 'plain-rule', condition, tests });
    expect(await run('import', plain, '--json-logic', '--dry-run')).toBe(0);
    expect(said()).toContain('The variable is written citizen.lastStomachScreening.');
    expect(said()).toContain('young without lastStomachScreening: JsonLogic says yes, the language possible');
    expect(said()).toContain('"var": "event.screenedBefore"');
    expect(await versions('plain-rule')).toEqual([]);
    out = [];
    const computed = file('computed.json', {
      ...stomach(),
      id: 'plain-rule',
      condition: { '<': [{ '+': [1, 2] }, 3] },
    });
    expect(await run('import', computed, '--json-logic')).toBe(1);
    expect(said()).toContain('/condition/</0/+: “+” is outside the language');
  });
});
