/** What is published, and who is told of it. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { seedCatalogue } from '../../app/seed.ts';
import { silentLogger } from '../../domain/logger.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { createCatalogue, publishRule, saveAgency, saveEventType } from '../../store/catalogue.ts';
import { saveTemplate } from '../../store/template-versions.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let database: TestDatabase;
let pool: SqlPool;
beforeAll(async () => {
  database = await createDatabase({ seeded: true });
  pool = database.pool;
});
afterAll(() => database.drop());

const revision = async () => (await createCatalogue(pool, silentLogger).refresh()).revision;

test('the same files again tell nobody to look anew', async () => {
  const before = await revision();
  await seedCatalogue(pool, silentLogger);
  expect(await revision()).toBe(before);
});

test('what is saved again as it is changes nothing, and what differs is told', async () => {
  const catalogue = createCatalogue(pool, silentLogger);
  const { agencies, eventTypes, rules, templates } = await catalogue.refresh();
  const agency = agencies.get('nts')!;
  const type = eventTypes.get('kr.nts.property-tax.paid')!;
  const live = rules.get('nts-property-tax')!;
  const template = { name: 'x', hash: 'h1', agency: 'nts', definition: { name: 'x' }, author: 'a' };
  const first = await saveTemplate(pool, template);
  const same = [
    () => saveAgency(pool, agency),
    () => saveEventType(pool, { ...type }),
    () => publishRule(pool, live.rule.id, live.version),
    () => saveTemplate(pool, { ...template, author: 'b' }),
  ];
  for (const save of same) {
    const before = await revision();
    await save();
    expect(await revision()).toBe(before);
  }
  const other = [
    () => saveAgency(pool, { ...agency, name: { ...agency.name, en: 'Tax' } }),
    () => saveEventType(pool, { ...type, title: { ko: 'x', en: 'x' } }),
    () => saveTemplate(pool, { ...template, hash: 'h2' }),
  ];
  for (const save of other) {
    const before = await revision();
    await save();
    expect(await revision()).toBe(before + 1);
  }
  expect((await createCatalogue(pool, silentLogger).refresh()).templates.get('x')).not.toBe(first);
  expect(templates.has('x')).toBe(false);
});

test('versions are asked for once, and those that nobody uses are forgotten', async () => {
  let asked = 0;
  const counting = {
    query: async () => {
      asked++;
      return { rows: [{ definition: { id: 'r' } }], rowCount: 1 };
    },
  } as unknown as SqlPool;
  const catalogue = createCatalogue(counting, silentLogger);
  for (const read of [(n: number) => catalogue.ruleVersion('r', n), (n: number) => catalogue.template(n)]) {
    await read(1);
    asked = 0;
    await read(1);
    expect(asked).toBe(0);
    for (let n = 2; n < 2_010; n++) await read(n);
    asked = 0;
    await read(2_009);
    expect(asked).toBe(0);
    await read(1);
    expect(asked).toBe(1);
  }
});

test('a type whose stored schema costs too much stops neither the start nor the others', async () => {
  await pool.query(
    `UPDATE event_types SET definition = jsonb_set(definition, '{schema}', '{"type":"object","properties":{"a":{"type":"string","pattern":"^(a+)+$"}}}')
     WHERE type = 'kr.nts.property-tax.paid'`,
  );
  const lines: unknown[] = [];
  const logger = { ...silentLogger, error: (fields: object) => void lines.push(fields) };
  const catalogue = createCatalogue(pool, logger);
  await catalogue.start();
  await catalogue.stop();
  const { eventTypes } = catalogue.current();
  expect(lines).toEqual([
    { eventType: 'kr.nts.property-tax.paid', err: expect.stringContaining('/schema/properties/a/pattern') },
  ]);
  expect(eventTypes.all.length).toBeGreaterThan(4);
  const event = {
    specversion: '1.0',
    id: '1',
    source: '/nts/property-tax',
    type: 'kr.nts.property-tax.paid',
    data: {},
  } as const;
  expect(() => eventTypes.check(event)).toThrow(expect.objectContaining({ code: 'event-type-refused' }));
});
