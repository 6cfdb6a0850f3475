/**
 * A resident registration number in any text that any route takes: in each field of a body or form and each value of an address that the
 * matrix knows a good request of, one at a time. It is refused, or nobody's to be kept: it stands in no answer and in no table afterwards.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { rowsAsText } from '../support/canary/rows.ts';
import { createMatrix, type Matrix } from '../support/matrix/calls.ts';
import { ALLOWED, type Ask, type Who } from '../support/matrix/declared.ts';
import { DECLARED } from '../support/matrix/routes.ts';

const NUMBER = '900101-1234567';
const KEPT = /900101\D{0,3}1234567/;
/** Agencies' own records, checked by the schemas of their types: what people read of them are texts that templates make. */
const RECORDS =
  /^(?:POST \/api\/v1\/(?:events|imports|identity-links)|PUT \/api\/v1\/citizens\/:id|POST \/receipts\/)/;

let matrix: Matrix;
beforeAll(async () => {
  matrix = await createMatrix();
}, 120_000);
afterAll(() => matrix.close());

/** The value with the number in the place of one text after another, and as the name of one more member of each object. */
function* withNumber(value: unknown): Generator<unknown> {
  if (typeof value === 'string') yield NUMBER;
  else if (value !== null && typeof value === 'object') {
    if (!Array.isArray(value)) yield { ...value, [NUMBER]: 1 };
    for (const [name, inner] of Object.entries(value))
      for (const changed of withNumber(inner))
        yield Array.isArray(value) ? value.with(Number(name), changed) : { ...value, [name]: changed };
  }
}

function* fieldsOf(text: string): Generator<string> {
  const fields = new URLSearchParams(text);
  for (const name of fields.keys()) {
    const changed = new URLSearchParams(text);
    changed.set(name, NUMBER);
    yield changed.toString();
  }
}

/** Parameters of queries that requests of the matrix do without. */
const QUERIES = [
  'q',
  'reason',
  'why',
  'object',
  'actor',
  'rule',
  'on',
  'agency',
  'cursor',
  'account',
  'lang',
  'said',
  'name',
];

function* asks(method: string, good: Ask): Generator<Ask> {
  const [path = '', query = ''] = good.url.split('?');
  for (const changed of fieldsOf(query)) yield { ...good, url: `${path}?${changed}` };
  if (method === 'GET')
    for (const name of QUERIES)
      yield {
        ...good,
        url: `${path}?${query === '' ? '' : `${query}&`}${name}=${encodeURIComponent(`본인 ${NUMBER}`)}`,
      };
  const { payload, type } = good;
  if (method === 'POST' && typeof payload === 'object')
    yield { ...good, headers: { ...good.headers, 'idempotency-key': NUMBER } };
  if (typeof payload === 'object')
    for (const changed of withNumber(payload)) yield { ...good, payload: changed };
  if (typeof payload === 'string' && type === 'application/x-www-form-urlencoded')
    for (const changed of fieldsOf(payload)) yield { ...good, payload: changed };
}

const callerOf = (route: string): Who => {
  const { needs, only } = DECLARED[route]!;
  const who = only ?? ALLOWED[needs];
  return who.find((one) => one === 'owner' || one === 'citizen') ?? who[0]!;
};

test('is refused or passed over, in every text of every route, and stands nowhere', async () => {
  const wrong: unknown[] = [];
  let tried = 0;
  let refused = 0;
  for (const [route, declared] of Object.entries(DECLARED)) {
    if (RECORDS.test(route) || declared.stream === true || declared.endsSession === true) continue;
    const [method = ''] = route.split(' ');
    const who = callerOf(route);
    for (const ask of asks(method, await matrix.askOf(route, who, 'own'))) {
      const { status, body, headers } = await matrix.send(route, who, ask);
      tried++;
      if (status === 422 || status === 400) refused++;
      // A question that is answered all the same keeps nothing, and neither does what only ends something.
      if (method !== 'GET' && method !== 'DELETE' && status < 300)
        wrong.push([route, status, ask.payload ?? ask.url]);
      if (status >= 500 && status !== 503) wrong.push([route, status, ask.url]);
      const said = `${body} ${JSON.stringify(headers)}`;
      if (KEPT.test(decodeURIComponent(said.replaceAll('%', '%25')))) wrong.push([route, 'says it', ask.url]);
    }
  }
  expect(wrong).toEqual([]);
  expect([tried > 300, refused > 200]).toEqual([true, true]);
  const kept = (await rowsAsText(matrix.site.it.pool, true)).filter(([, text]) => KEPT.test(text));
  expect(kept).toEqual([]);
}, 120_000);

test('nobody is called by it: no citizen, no key for one, no subject of an event, no file', async () => {
  const json = (url: string, payload: unknown, type = 'application/json'): Ask => ({ url, payload, type });
  const tried: readonly (readonly [string, Ask])[] = [
    ['PUT /api/v1/citizens/:id', json(`/api/v1/citizens/${NUMBER}`, { locale: 'ko' })],
    ['PUT /api/v1/citizens/:id', json('/api/v1/citizens/9001011234567', { locale: 'ko' })],
    [
      'PUT /api/v1/citizens/:id',
      json('/api/v1/citizens/somebody', { relations: [{ of: NUMBER, kind: 'child' }] }),
    ],
    ['GET /api/v1/citizens/:id/notifications', { url: `/api/v1/citizens/${NUMBER}/notifications` }],
    ...[
      { key: NUMBER, citizen: 'somebody' },
      { key: 'a-key', citizen: NUMBER },
    ].map(
      (link) =>
        [
          'POST /api/v1/identity-links',
          json('/api/v1/identity-links', { agency: 'nhis', links: [link] }),
        ] as const,
    ),
    ...['subject', 'allimsubjectkey'].map((name) => {
      const event = {
        specversion: '1.0',
        id: 'numbered',
        source: '/nhis/checkup',
        type: 'kr.nhis.checkup-window.opened',
        data: {},
        [name]: NUMBER,
      };
      return ['POST /api/v1/events', json('/api/v1/events', event, 'application/cloudevents+json')] as const;
    }),
    [
      'POST /api/v1/imports',
      json(`/api/v1/imports?kind=links&agency=nhis&name=${NUMBER}.csv`, 'key,citizen\n', 'text/csv'),
    ],
  ];
  for (const [route, ask] of tried) {
    const { status, body } = await matrix.send(route, 'administrator', ask);
    expect([route, status, KEPT.test(body)]).toEqual([route, 422, false]);
  }
  const kept = (await rowsAsText(matrix.site.it.pool, true)).filter(([, text]) => KEPT.test(text));
  expect(kept).toEqual([]);
});
