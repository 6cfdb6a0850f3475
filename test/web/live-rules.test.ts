/** What is published must suit what is live in that moment, with the checks and the catalogue that ship. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createAuthoringChecks } from '../../app/authoring-checks.ts';
import type { EventType } from '../../domain/event.ts';
import type { Rule } from '../../domain/rule.ts';
import { saveAgency } from '../../store/catalogue.ts';
import { templateReader } from '../../store/template-versions.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

let api: HttpApi;
let checks: ReturnType<typeof createAuthoringChecks>;
/** What happens between a check of an event type and its saving. */
let between: () => Promise<unknown> = async () => {};
let checked = 0;
beforeAll(async () => {
  api = await createHttpApi({
    seeded: true,
    api: {
      checkEventType: async (type) => {
        checked++;
        await checks.checkEventType(type);
        await between();
      },
      checkRule: (json: unknown, approved?: ReadonlyMap<string, number>) => checks.checkRule(json, approved),
      checkTemplate: (...given) => checks.checkTemplate(...given),
      recheckTemplate: (...given) => checks.recheckTemplate(...given),
    },
  });
  checks = createAuthoringChecks(api.catalogue, templateReader(api.database.pool));
});
afterAll(() => api.close());

const TAX = 'kr.nts.property-tax.assessed';
const typeOf = (name: string) => api.catalogue.current().eventTypes.get(name)!;
const withAmount = (amount: object, more: object = {}): EventType => {
  const type = typeOf(TAX);
  const properties = { ...(type.schema['properties'] as object), amount, ...more };
  return { ...type, schema: { ...type.schema, properties } };
};
const put = (type: EventType) =>
  api.call({ method: 'PUT', url: `/api/v1/event-types/${type.type}`, payload: type });

test('a schema under which a live rule no longer checks is refused with the name of the rule', async () => {
  const response = await put(withAmount({ type: ['integer', 'string'], minimum: 0 }));
  expect(response.json()).toMatchObject({
    status: 409,
    code: 'rule-conflict',
    detail: expect.stringContaining('nts-property-tax'),
    faults: [{ pointer: '/schema', message: expect.stringContaining('/condition') }],
  });
  expect(typeOf(TAX).schema).toMatchObject({ properties: { amount: { type: 'integer' } } });
});

test('a schema with one more optional member is saved while rules of its type are live', async () => {
  const { amount } = typeOf(TAX).schema['properties'] as Record<string, object>;
  expect((await put(withAmount(amount!, { note: { type: 'string', maxLength: 40 } }))).statusCode).toBe(200);
});

test('a publication that comes between check and saving makes the check be made anew', async () => {
  const { amount } = typeOf(TAX).schema['properties'] as Record<string, object>;
  checked = 0;
  let names = 0;
  between = async () => {
    if (names++ < 2)
      await saveAgency(api.database.pool, { id: 'between', name: { ko: `${names}`, en: `${names}` } });
  };
  const response = await put(withAmount(amount!, { other: { type: 'string' } }));
  expect(response.statusCode).toBe(200);
  expect(checked).toBe(3);
  between = async () => saveAgency(api.database.pool, { id: 'between', name: { ko: `${++names}`, en: 'x' } });
  expect((await put(withAmount(amount!, { third: {} }))).json()).toMatchObject({
    status: 503,
    code: 'store-unavailable',
  });
  between = async () => {};
});

test('a refused rule names each fault with a code and a sentence in each language', async () => {
  const rule = {
    ...(api.catalogue.current().rules.get('nts-property-tax')!.rule as Rule),
    condition: { '==': [{ var: 'citizen.nowhere' }, 1] },
  };
  const answer = await api.call({ method: 'POST', url: '/api/v1/rules', payload: rule });
  expect(answer.json()).toMatchObject({
    status: 422,
    code: 'rule-invalid',
    faults: [
      {
        pointer: '/condition/==/0/var',
        code: 'field-unknown',
        message: '"citizen.nowhere" is not in the field catalogue.',
        sentences: {
          ko: '"citizen.nowhere"는 항목 목록에 없습니다.',
          en: '"citizen.nowhere" is not in the field catalogue.',
          vi: '"citizen.nowhere" không có trong danh mục.',
        },
      },
    ],
  });
  expect((await api.call({ method: 'GET', url: '/api/v1/rules/schema' })).json()).toMatchObject({
    $id: 'urn:allim:rules:condition',
  });
});

test('a draft that the catalogue has left behind cannot be published', async () => {
  const rule = {
    ...(api.catalogue.current().rules.get('nts-property-tax')!.rule as Rule),
    channels: ['sms'],
  };
  const drafted = await api.call({ method: 'POST', url: '/api/v1/rules', payload: rule });
  const { version, hash } = drafted.json() as { version: number; hash: string };
  const at = `/api/v1/rules/${rule.id}/versions/${version}`;
  await api.call({ method: 'POST', url: `${at}/approval`, payload: { hash } });
  const { pool } = api.database;
  const changed = JSON.stringify(withAmount({ type: 'string' }));
  const { rows } = await pool.query<{ definition: object }>(
    'SELECT definition FROM event_types WHERE type = $1',
    [TAX],
  );
  await pool.query('UPDATE event_types SET definition = $2 WHERE type = $1', [TAX, changed]);
  await saveAgency(pool, { id: 'between', name: { ko: 'x', en: 'now' } });
  expect((await api.call({ method: 'POST', url: `${at}/publication` })).json()).toMatchObject({
    status: 422,
    code: 'rule-invalid',
    faults: expect.arrayContaining([expect.objectContaining({ pointer: '/condition/>/0' })]),
  });
  await pool.query('UPDATE event_types SET definition = $2 WHERE type = $1', [TAX, rows[0]!.definition]);
  await saveAgency(pool, { id: 'between', name: { ko: 'x', en: 'again' } });
  expect((await api.call({ method: 'POST', url: `${at}/publication` })).statusCode).toBe(200);
});
