/**
 * Questions the whole way: over the API, through sealed HTTP, to the shards of two rules processes, and back. What comes back is held against
 * the same profiles in a table of Postgres, by SQL written here.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../app/config.ts';
import { type Context, createContext } from '../../app/context.ts';
import { type Running, startRoles } from '../../app/start-roles.ts';
import { silentLogger } from '../../domain/logger.ts';
import { TOPICS } from '../../domain/records.ts';
import { createSealer } from '../../domain/sealing.ts';
import { citizens } from '../../producers/population.ts';
import { parseDay } from '../../rules/calendar.ts';
import { shippedFields } from '../../rules/catalogue.ts';
import { readRule } from '../../rules/check/rule.ts';
import { compileSql } from '../../rules/compile/sql.ts';
import { createAsking } from '../../rules/run/asking.ts';
import { questionAddresses } from '../../store/rules-processes.ts';
import { issueKey } from '../../web/api/credentials.ts';
import {
  createProfiles,
  fillProfiles,
  type ProfileRow,
  profileRow,
  truthsBySql,
} from '../rules/profiles-table.ts';
import { eventually } from '../support/eventually.ts';
import { MemoryQueue } from '../support/installation.ts';
import { saveSketchedRule } from '../support/live-rule.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

const PARTITIONS = 4;
const CITIZENS = 2_500;
const ASOF = '2026-02-01';
const ADMINISTRATOR = 'allim_admin_for-tests-0123456789abcdef';
const fields = shippedFields();

type Person = {
  readonly id: string;
  readonly profile: Record<string, unknown>;
  readonly disputed: readonly string[];
  readonly dead: boolean;
  readonly channels: readonly string[];
};

/** The synthetic ones with holes, some disputes and deaths, and channels that are not all good for something. */
function people(): Person[] {
  return [...citizens(29, CITIZENS)].map(({ id, profile }, n) => {
    const known: Record<string, unknown> = { ...profile };
    if (n % 7 === 0) delete known['birthDate'];
    if (n % 5 === 0) delete known['lastCheckupYear'];
    else if (n % 3 === 0) known['lastCheckupYear'] = 2020 + (n % 6);
    if (n % 11 === 0) for (const name of ['sido', 'sigungu']) delete known[name];
    return {
      id,
      profile: known,
      disputed: n % 50 === 3 ? ['lastCheckupYear'] : [],
      dead: n % 60 === 4,
      channels: ['push', 'email', 'sms'].filter((_, at) => ((n >> at) & 1) === 1),
    };
  });
}

const everybody = people();
const living = everybody.filter(({ dead }) => !dead);
const reachOf = new Map(everybody.map(({ id, channels }) => [id, channels]));

let database: TestDatabase;
let dataDir: string;
const contexts: Context[] = [];
const running: Running[] = [];
let api: string;
let nhis: string;
let exact: string;
/** Questions asked so far, by outcome. */
const logged = { answered: 0, refused: 0, failed: 0 };

async function startProcess(role: 'rules' | 'web'): Promise<Running> {
  const config = loadConfig({
    DATABASE_URL: database.url,
    ALLIM_DATA: dataDir,
    ALLIM_PARTITIONS: String(PARTITIONS),
    ALLIM_ADMIN_TOKEN: ADMINISTRATOR,
    ALLIM_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('hex'),
    PORT: '0',
  });
  const context = await createContext(config, { logger: silentLogger, queue: new MemoryQueue() });
  contexts.push(context);
  const started = await startRoles(context, [role]);
  running.push(started);
  return started;
}

async function fillReach(): Promise<void> {
  const { pool } = database;
  await pool.query('INSERT INTO citizens (id) SELECT unnest($1::text[])', [everybody.map(({ id }) => id)]);
  const points = everybody.flatMap(({ id, channels }, n) => [
    ...channels.map((channel) => ({ id, channel, good: true })),
    // Of the others some have an address that was never verified, or that is known to lead nowhere.
    ...(channels.includes('sms') ? [] : [{ id, channel: 'sms', good: n % 2 === 0 ? null : false }]),
  ]);
  await pool.query(
    `INSERT INTO contact_points (id, citizen_id, channel, address, address_index, verified_at, invalid_at)
     SELECT gen_random_uuid(), u.id, u.channel, '\\x00', sha256((u.id || u.channel)::bytea),
       CASE WHEN u.good IS NOT NULL THEN now() END, CASE WHEN u.good IS FALSE THEN now() END
     FROM unnest($1::text[], $2::text[], $3::boolean[]) u(id, channel, good)`,
    [points.map(({ id }) => id), points.map(({ channel }) => channel), points.map(({ good }) => good)],
  );
}

async function append({ broker }: Context): Promise<void> {
  await broker.append(
    TOPICS.profiles,
    everybody.map(({ id, profile }) => ({ key: id, value: Buffer.from(JSON.stringify(profile)) })),
  );
  await broker.append(
    TOPICS.overlays,
    everybody
      .filter(({ disputed, dead }) => dead || disputed.length > 0)
      .map(({ id, disputed, dead }) => ({
        key: id,
        value: Buffer.from(JSON.stringify({ disputed, deceased: dead ? '2026-01-15' : null })),
      })),
  );
}

const rowOf = ({ id, profile, disputed }: Person): ProfileRow => profileRow(id, profile, fields, disputed);

beforeAll(async () => {
  database = await createDatabase({ seeded: true });
  const { pool } = database;
  dataDir = await mkdtemp(path.join(tmpdir(), 'allim-questions-'));
  await createProfiles(pool, fields);
  await fillProfiles(pool, living.map(rowOf));
  await fillReach();
  await startProcess('rules');
  await append(contexts[0]!);
  await startProcess('rules');
  const web = await startProcess('web');
  api = web.url!;
  const key = async (scopes: Parameters<typeof issueKey>[1]['scopes']) =>
    (await issueKey(pool, { agency: 'nhis', label: 'test', scopes, sources: [], expiresAt: null })).key;
  nhis = await key(['rules', 'read', 'citizens']);
  exact = await key(['rules', 'read', 'exact']);
  await eventually(
    async () => {
      const { rows } = await pool.query<{ held: number; caught_up: boolean }>(
        `SELECT caught_up, (SELECT count(*)::int FROM unnest(positions) p WHERE p >= 0) AS held FROM rules_processes`,
      );
      expect(rows).toEqual([2, 2].map((held) => ({ held, caught_up: true })));
      const { body } = await call('GET', '/rules/nhis-general-checkup/audience', exact);
      expect(body).toMatchObject({ partial: false, citizens: CITIZENS, reachAt: expect.any(String) });
    },
    { timeoutMs: 90_000, everyMs: 200 },
  );
}, 120_000);

afterAll(async () => {
  for (const one of running.toReversed()) await one.stop();
  for (const one of contexts.toReversed()) await one.stop();
  await database.drop();
  await rm(dataDir, { recursive: true, force: true });
});

type Body = Record<string, unknown>;

async function call(
  method: string,
  where: string,
  key: string,
  body?: unknown,
): Promise<{ status: number; body: Body }> {
  const answer = await fetch(`${api}/api/v1${where}`, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const { status } = answer;
  // A simulation is logged when it ends.
  if (status === 503) logged.failed++;
  else if (status === 403) logged.refused++;
  else if (!where.startsWith('/rules/simulation')) logged.answered++;
  return { status, body: (await answer.json()) as Body };
}

/** Of all shards: on a machine that is busy enough one may be late, or lose its place for a moment. */
const answered = (method: string, where: string, key: string, body?: unknown): Promise<Body> =>
  eventually(
    async () => {
      const answer = await call(method, where, key, body);
      expect(answer).toMatchObject({ status: 200, body: { partial: false } });
      return answer.body;
    },
    { timeoutMs: 60_000, everyMs: 100 },
  );

async function simulated(payload: object, key: string): Promise<Body> {
  const { body } = await call('POST', '/rules/simulation', key, payload);
  return eventually(async () => {
    const { body: found } = await call('GET', `/rules/simulation/${String(body['id'])}`, key);
    expect(found['state']).not.toBe('running');
    logged[found['state'] === 'done' ? 'answered' : 'failed']++;
    return found;
  });
}

const draft = (condition: unknown) => ({ agency: 'nhis', on: 'kr.nhis.checkup-window.opened', condition });
const preview = (condition: unknown, key: string) =>
  answered('POST', '/rules/preview', key, { rule: draft(condition), asOf: ASOF });

const CONDITION = {
  and: [
    { '>=': [{ yearAge: [{ var: 'citizen.birthDate' }] }, 40] },
    { or: [{ '<': [{ var: 'citizen.lastCheckupYear' }, 2025] }, { '==': [{ var: 'citizen.sido' }, '11'] }] },
  ],
};
/** The same in SQL, by hand; `profiles` has the living, and NULL for what is missing or disputed. */
const OLD = `(2026 - extract(year FROM "birthDate") >= 40)`;
const WHERE = `(${OLD} AND ("lastCheckupYear" < 2025 OR sido = '11'))`;
const CELLS = {
  sido: `coalesce(sido, '')`,
  sigungu: `coalesce(sigungu, '')`,
  sex: `coalesce(sex, '')`,
  ageBand: `CASE WHEN "birthDate" IS NULL THEN '' WHEN extract(year FROM age(DATE '${ASOF}', "birthDate")) >= 90 THEN '90+'
    ELSE format('%s-%s', floor(extract(year FROM age(DATE '${ASOF}', "birthDate")) / 10) * 10, floor(extract(year FROM age(DATE '${ASOF}', "birthDate")) / 10) * 10 + 9) END`,
};

async function numbers(text: string): Promise<Record<string, number>> {
  const { rows } = await database.pool.query<{ name: string; n: number }>(text);
  return Object.fromEntries(rows.map(({ name, n }) => [name, Number(n)]));
}
const counted = async (where: string): Promise<number> =>
  (await numbers(`SELECT 'n' AS name, count(*) AS n FROM profiles WHERE ${where}`))['n']!;
const without = (cells: unknown): Record<string, number> =>
  Object.fromEntries(Object.entries(cells as Record<string, number>).filter(([, n]) => n > 0));
const idsWhere = async (where: string): Promise<string[]> =>
  (await database.pool.query<{ citizen: string }>(`SELECT citizen FROM profiles WHERE ${where}`)).rows.map(
    ({ citizen }) => citizen,
  );
function channelsOf(ids: readonly string[]): Record<string, number> {
  const found = ids.map((id) => reachOf.get(id)!);
  const having = (channel: string) => found.filter((channels) => channels.includes(channel)).length;
  return {
    push: having('push'),
    email: having('email'),
    sms: having('sms'),
    none: found.filter(({ length }) => length === 0).length,
  };
}

describe('an audience', () => {
  test('is counted, spread and lacking as SQL says, for the positions that are named', async () => {
    const body = await preview(CONDITION, exact);
    const [certain, possible] = await Promise.all([counted(WHERE), counted(`${WHERE} IS NULL`)]);
    expect(certain).toBeGreaterThan(300);
    expect(possible).toBeGreaterThan(100);
    expect(body).toMatchObject({ certain, possible, citizens: CITIZENS, partial: false });
    const breakdown = body['breakdown'] as Record<string, Record<string, unknown>>;
    for (const [name, cell] of Object.entries(CELLS))
      for (const [set, where] of Object.entries({ certain: WHERE, possible: `${WHERE} IS NULL` }))
        expect({ name, set, cells: without(breakdown[name]![set]) }).toEqual({
          name,
          set,
          cells: await numbers(
            `SELECT ${cell} AS name, count(*) AS n FROM profiles WHERE ${where} GROUP BY 1`,
          ),
        });
    expect(body['channels']).toEqual({
      certain: channelsOf(await idsWhere(WHERE)),
      possible: channelsOf(await idsWhere(`${WHERE} IS NULL`)),
    });
    const lacking = (field: string, open = 'true') =>
      counted(`${WHERE} IS NULL AND "${field}" IS NULL AND (${open})`);
    expect(without(body['missing'])).toEqual({
      birthDate: await lacking('birthDate'),
      // Where the other arm holds, or would not matter, nothing hangs on it.
      lastCheckupYear: await lacking('lastCheckupYear', `sido IS DISTINCT FROM '11'`),
      sido: await lacking('sido', `("lastCheckupYear" < 2025) IS NOT TRUE`),
    });
    const { broker } = contexts[0]!;
    expect(body['offsets']).toEqual(await broker.ends(TOPICS.profiles));
    expect(body['overlayOffsets']).toEqual(await broker.ends(TOPICS.overlays));
  });

  test('has a sample of people, the same each time, without their ids', async () => {
    const [first, second] = [await preview(CONDITION, nhis), await preview(CONDITION, nhis)];
    const sample = first['sample'] as { pseudonym: string; certain: boolean; cells: Body }[];
    expect(sample).toHaveLength(20);
    expect(second['sample']).toEqual(sample);
    for (const { pseudonym } of sample) expect(reachOf.has(pseudonym)).toBe(false);
    for (const certain of [true, false]) expect(sample.some((row) => row.certain === certain)).toBe(true);
    expect(Object.keys(sample[0]!.cells).sort()).toEqual(['ageBand', 'sex', 'sido']);
  });

  test('of every programme that ships is the one of SQL', async () => {
    const { eventTypes, rules } = await contexts[2]!.catalogue.refresh();
    expect(rules.size).toBeGreaterThan(40);
    for (const { rule } of rules.values()) {
      const body = await answered('GET', `/rules/${rule.id}/audience?asOf=${ASOF}`, ADMINISTRATOR);
      const eventType = eventTypes.get(rule.on)!;
      const { condition } = readRule(rule, { fields, eventType: (name) => eventTypes.get(name) });
      const { text, values } = compileSql(condition, {
        event: eventType.examples[0] ?? {},
        asOf: parseDay(ASOF),
      });
      const { rows } = await database.pool.query(
        `SELECT count(*) FILTER (WHERE ${text})::int AS certain, count(*) FILTER (WHERE (${text}) IS NULL)::int AS possible FROM profiles`,
        values,
      );
      expect({ rule: rule.id, certain: body['certain'], possible: body['possible'] }).toEqual({
        rule: rule.id,
        ...rows[0],
      });
    }
  });
});

describe('people', () => {
  test('are told why and why not as SQL has it; disputes and deaths are said', async () => {
    await saveSketchedRule({ database, catalogue: contexts[2]!.catalogue }, 'nhis-asked', draft(CONDITION));
    const explain = (id: string) =>
      answered('GET', `/citizens/${id}/explanation?rule=nhis-asked&asOf=${ASOF}&language=en`, nhis);
    const reach = await database.pool.query<{ citizen: string; truth: boolean | null }>(
      `SELECT citizen, ${WHERE} AS truth FROM profiles ORDER BY md5(citizen) LIMIT 25`,
    );
    for (const { citizen, truth } of reach.rows)
      expect(await explain(citizen)).toMatchObject({
        reach: truth === null ? 'possible' : truth ? 'certain' : 'no',
        deceased: null,
      });
    const disputing = living.find(({ disputed }) => disputed.length > 0)!;
    expect(JSON.stringify(await explain(disputing.id))).toContain('"disputed":true');
    const dead = everybody.find((one) => one.dead)!;
    expect(await explain(dead.id)).toMatchObject({ reach: 'no', deceased: '2026-01-15' });
    const nobody = await call('GET', '/citizens/nobody/explanation?rule=nhis-asked', nhis);
    expect(nobody.status).toBe(404);
  });
});

describe('two rules', () => {
  const women = draft({ '==': [{ var: 'citizen.sex' }, 'F'] });
  const seoul = { ...draft({ '==': [{ var: 'citizen.sido' }, '11'] }), reach: 'possible' };
  const IN_SEOUL = `(sido = '11') IS NOT FALSE`;
  const sizes = async (first: string, second: string) => ({
    both: await counted(`(${first}) IS TRUE AND (${second}) IS TRUE`),
    onlyFirst: await counted(`(${first}) IS TRUE AND (${second}) IS NOT TRUE`),
    onlySecond: await counted(`(${first}) IS NOT TRUE AND (${second}) IS TRUE`),
    neither: await counted(`(${first}) IS NOT TRUE AND (${second}) IS NOT TRUE`),
  });

  test('overlap and leave a gap', async () => {
    const body = await answered('POST', '/rules/overlap', nhis, {
      first: { draft: women },
      second: { draft: seoul },
      asOf: ASOF,
    });
    expect(body).toMatchObject(await sizes(`sex = 'F'`, IN_SEOUL));
  });

  test('that are versions of one differ in who enters and who leaves', async () => {
    const at = { database, catalogue: contexts[2]!.catalogue };
    await saveSketchedRule(at, 'nhis-versions', { ...women, reach: 'certain' });
    await saveSketchedRule(at, 'nhis-versions', seoul);
    const body = await answered('POST', '/rules/difference', exact, {
      first: { rule: 'nhis-versions', version: 1 },
      second: { rule: 'nhis-versions', version: 2 },
      asOf: ASOF,
    });
    const { both, onlyFirst, onlySecond } = await sizes(`sex = 'F'`, IN_SEOUL);
    expect(body).toMatchObject({ stay: both, leave: onlyFirst, enter: onlySecond });
  });
});

describe('few people', () => {
  const born = (birthDate: unknown, sigungu: unknown) => ({
    and: [
      // Whoever lacks the one or the other is not that person, and no doubt.
      { known: [{ var: 'citizen.birthDate' }] },
      { known: [{ var: 'citizen.sigungu' }] },
      { '==': [{ var: 'citizen.birthDate' }, birthDate] },
      { '==': [{ var: 'citizen.sigungu' }, sigungu] },
    ],
  });

  test('are not counted for whoever may not see it, and neither is what differs by them', async () => {
    const { profile } = living.find(
      ({ profile }) => profile['birthDate'] !== undefined && profile['sigungu'] !== undefined,
    )!;
    const single = born(profile['birthDate'], profile['sigungu']);
    const where = `"birthDate" = '${String(profile['birthDate'])}' AND sigungu = '${String(profile['sigungu'])}'`;
    const count = await counted(where);
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(10);
    expect(await preview(single, exact)).toMatchObject({ certain: count });
    expect(await preview(single, nhis)).toMatchObject({ certain: '<10', sample: [] });
    const whole = { '==': [{ var: 'citizen.sigungu' }, { var: 'event.area' }] };
    const big = {
      or: [{ '==': [{ var: 'citizen.sex' }, 'F'] }, { '==': [{ var: 'citizen.sex' }, 'M'] }, whole],
    };
    const seen = await preview(big, nhis);
    expect(seen['certain']).toBeGreaterThan(1_000);
    const refused = await call('POST', '/rules/preview', nhis, {
      rule: draft({ and: [big, { '!': single }] }),
      asOf: ASOF,
    });
    expect(refused).toMatchObject({ status: 403, body: { code: 'question-refused' } });
  });
});

describe('a simulation', () => {
  test('counts by the day and by the first channel that leads to people', async () => {
    const { rules, eventTypes } = await contexts[2]!.catalogue.refresh();
    const rule = rules.get('nhis-general-checkup')!.rule;
    const { condition } = readRule(rule, { fields, eventType: (name) => eventTypes.get(name) });
    const expected: Record<string, Record<string, number>> = {};
    // The window closes on Thursday, 31 December: 90, 30 and 7 days before.
    for (const day of [ASOF, '2026-10-02', '2026-12-01', '2026-12-24']) {
      const event = eventTypes.get(rule.on)!.examples[0]!;
      const truths = await truthsBySql(database.pool, condition, living.map(rowOf), {
        event,
        asOf: parseDay(day),
      });
      const volumes: Record<string, number> = {};
      for (const [id, truth] of truths) {
        if (truth !== true) continue;
        const channel = rule.channels.find((one) => reachOf.get(id)!.includes(one)) ?? 'none';
        volumes[channel] = (volumes[channel] ?? 0) + 1;
      }
      expected[day] = volumes;
    }
    await eventually(
      async () =>
        expect(await simulated({ rule, asOf: ASOF }, exact)).toMatchObject({
          state: 'done',
          result: { volumes: expected, events: 1, partial: false },
        }),
      { timeoutMs: 60_000 },
    );
  });
});

describe('the shards', () => {
  const question = {
    kind: 'audience',
    asked: {
      condition: true,
      agency: 'nhis',
      eventType: {
        type: 'x',
        agency: 'nhis',
        sources: [],
        effect: 'informs',
        title: {},
        schema: {},
        examples: [],
      },
      event: {},
      asOf: ASOF,
      reach: 'certain',
    },
    detail: false,
    sample: 0,
  } as const;

  test('answer nobody who has another key, and nothing that is no question', async () => {
    const processes = () => questionAddresses(database.pool);
    const { urls } = await processes();
    expect(urls).toHaveLength(2);
    const clock = { nowMs: () => Date.now() };
    const asking = (first: number) =>
      createAsking({
        processes,
        sealer: createSealer(Buffer.alloc(32, first), Buffer.alloc(32, 2)),
        clock,
        logger: silentLogger,
      });
    expect((await asking(7)(question as never, { deadlineMs: 30_000 })).citizens).toBe(CITIZENS);
    await expect(asking(9)(question as never, { deadlineMs: 30_000 })).rejects.toMatchObject({
      code: 'shards-unavailable',
    });
    for (const url of urls) {
      expect((await fetch(`${url}/questions`, { method: 'POST', body: '{"kind":"audience"}' })).status).toBe(
        400,
      );
      expect((await fetch(`${url}/questions`)).status).toBe(404);
    }
  });

  test('that nobody serves are named, and what was asked of them is logged too', async () => {
    await running[1]!.stop();
    const asked = { rule: draft(CONDITION), asOf: ASOF };
    await eventually(
      async () => {
        const { body } = await call('POST', '/rules/preview', exact, asked);
        expect(body['offsets']).toHaveLength(PARTITIONS);
      },
      { timeoutMs: 30_000, everyMs: 100 },
    );
    await running[0]!.stop();
    await eventually(
      async () =>
        expect(await call('POST', '/rules/preview', exact, asked)).toMatchObject({
          status: 503,
          body: { code: 'shards-unavailable' },
        }),
      { timeoutMs: 30_000, everyMs: 100 },
    );
    const { rows } = await database.pool.query<{ outcome: string; n: number }>(
      `SELECT CASE outcome WHEN 'partial' THEN 'answered' ELSE outcome END AS outcome, count(*)::int AS n FROM questions GROUP BY 1`,
    );
    expect(Object.fromEntries(rows.map(({ outcome, n }) => [outcome, n]))).toEqual(logged);
  });
});
