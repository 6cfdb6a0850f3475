/**
 * Every route of the table × who calls × whose object: let in exactly as declared (test/support/matrix-routes.ts), else refused with a problem
 * document or shown the way to sign in; nothing of another agency or another citizen in any answer; nothing changed with a session and
 * without its token.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  type Called,
  createMatrix,
  hasSession,
  isPlatform,
  type Matrix,
  type Whose,
} from '../support/matrix/calls.ts';
import { ALLOWED, type Declared, type Status, WHO, type Who } from '../support/matrix/declared.ts';
import { DECLARED } from '../support/matrix/routes.ts';

const PEOPLE = ['staff', 'citizen', 'person'];
const UNSAFE = /^(?!GET|HEAD|OPTIONS)/;

let matrix: Matrix;
let table: readonly { method: string; url: string; permission: string; page: boolean }[];
beforeAll(async () => {
  matrix = await createMatrix();
  table = matrix.site.app.routeTable;
}, 120_000);
afterAll(() => matrix.close());

const nameOf = ({ method, url }: { method: string; url: string }) => `${method} ${url}`;
const pageOf = (route: string) => table.find((one) => nameOf(one) === route)!.page;
const letIn = (route: Declared): readonly Who[] => route.only ?? ALLOWED[route.needs];

test('every route that is mounted is declared with its permission, and none besides', () => {
  const mounted = table.filter(({ method }) => method !== 'HEAD').map((one) => [nameOf(one), one.permission]);
  const declared = Object.entries(DECLARED).map(([route, { needs }]) => [route, needs]);
  expect(mounted.toSorted()).toEqual(declared.toSorted());
  // HEAD is asked as GET is, and needs the same.
  for (const one of table.filter(({ method }) => method === 'HEAD'))
    expect([one.url, one.permission]).toEqual([one.url, DECLARED[`GET ${one.url}`]?.needs]);
});

/** What may never stand in an answer to this caller, unless they said it themselves. */
function leaks(route: Declared, who: Who, { body, headers, asked }: Called): string[] {
  if (isPlatform(who) || route.demonstration === true) return [];
  const text = `${body} ${JSON.stringify(headers)}`;
  return matrix.things.foreign.marks.filter((mark) => text.includes(mark) && !asked.includes(mark));
}

/** null where it is as it should be. */
function refused(route: string, who: Who, called: Called): string | null {
  const { status, headers, body } = called;
  const { needs, only } = DECLARED[route]!;
  const isKey = who.startsWith('key:') || who === 'administrator';
  const unknown = who === 'nobody' || (isKey && (PEOPLE.includes(needs) || only !== undefined));
  const page = pageOf(route);
  if (unknown && page && route.startsWith('GET ')) {
    const to = String(headers['location']);
    return [302, 303].includes(status) && to.startsWith('/sign-in?as=') && body === ''
      ? null
      : `${status} to ${to}`;
  }
  if (status !== (unknown ? 401 : 403)) return `${status}`;
  return problemIn(called, page);
}

function problemIn({ status, headers, body }: Called, page: boolean): string | null {
  const type = String(headers['content-type']);
  if (page && type.startsWith('text/html')) return body.includes('<h1') ? null : 'a page without a heading';
  if (!type.startsWith('application/problem+json')) return `${status} as ${type}`;
  const problem = JSON.parse(body) as { status: number; code: string };
  return problem.status === status && problem.code.length > 0 ? null : body;
}

function expected(route: Declared, who: Who, whose: Whose): number {
  const of = (status: Status): number => {
    if (typeof status === 'function') return status(who);
    return typeof status === 'number' ? status : status[isPlatform(who) ? 1 : 0];
  };
  if (whose === 'missing') return of(route.missing!);
  const hidden = whose === 'foreign' && (route.personal === true || !isPlatform(who));
  return of(hidden ? route.foreign! : route.own);
}

test('whoever is not let in learns nothing', async () => {
  const wrong: unknown[] = [];
  for (const [route, declared] of Object.entries(DECLARED))
    for (const who of WHO) {
      if (letIn(declared).includes(who)) continue;
      for (const whose of [
        'own',
        ...(declared.foreign === undefined ? [] : (['foreign'] as const)),
      ] as const) {
        const called = await matrix.call(route, who, whose);
        const why = refused(route, who, called);
        if (why !== null) wrong.push([route, who, whose, why, called.body.slice(0, 120)]);
        const told = [
          ...leaks(declared, who, called),
          ...matrix.things.own.marks.filter(
            (mark) => called.body.includes(mark) && !called.asked.includes(mark),
          ),
        ];
        if (told.length > 0) wrong.push([route, who, whose, 'tells', told]);
      }
    }
  expect(wrong).toEqual([]);
}, 60_000);

test('whoever is let in gets their own, nothing foreign, and nothing that is not there', async () => {
  const wrong: unknown[] = [];
  for (const [route, declared] of Object.entries(DECLARED))
    for (const who of letIn(declared))
      for (const whose of ['own', 'foreign', 'missing'] as const) {
        if (whose !== 'own' && declared[whose] === undefined) continue;
        const called = await matrix.call(route, who, whose);
        const status = expected(declared, who, whose);
        if (called.status !== status)
          wrong.push([route, who, whose, called.status, `not ${status}`, called.body.slice(0, 160)]);
        const told = leaks(declared, who, called);
        if (told.length > 0) wrong.push([route, who, whose, 'tells', told]);
        const why = [401, 403, 404].includes(called.status)
          ? problemIn(called, !route.includes(' /api/'))
          : null;
        if (why !== null && declared.needs !== 'public') wrong.push([route, who, whose, why]);
      }
  expect(wrong).toEqual([]);
}, 60_000);

/** What an answer says, less what was asked for and the number of the request. */
function told({ status, body }: Called, things: Matrix['things'][Whose]): unknown {
  let text = body.replaceAll(/"instance":"[^"]*"/g, '').replaceAll(/<code>[0-9a-f-]{36}<\/code>/g, '');
  const names = Object.values(things).filter((one) => typeof one === 'string');
  for (const name of names.toSorted((a, b) => b.length - a.length)) text = text.replaceAll(name, '·');
  return { status, text };
}

test('what is another’s is answered as what is not there, word for word', async () => {
  const wrong: unknown[] = [];
  let compared = 0;
  for (const [route, declared] of Object.entries(DECLARED)) {
    if (declared.foreign === undefined || declared.missing === undefined) continue;
    for (const who of letIn(declared)) {
      if (isPlatform(who) && declared.personal !== true) continue;
      const said = await Promise.all(
        (['foreign', 'missing'] as const).map(async (whose) => {
          const ask = await matrix.askOf(route, who, whose);
          // Nothing of what is asked for may happen, so it is asked for in earnest.
          const { dryRun: _, ...payload } = (ask.payload ?? {}) as Record<string, unknown>;
          const earnest = typeof ask.payload === 'object' ? { ...ask, payload } : ask;
          return told(await matrix.send(route, who, earnest), matrix.things[whose]);
        }),
      );
      compared++;
      if (JSON.stringify(said[0]) !== JSON.stringify(said[1])) wrong.push([route, who, ...said]);
    }
  }
  expect(wrong).toEqual([]);
  expect(compared).toBeGreaterThan(80);
}, 60_000);

test('a session changes nothing without its token', async () => {
  const wrong: unknown[] = [];
  for (const [route, declared] of Object.entries(DECLARED)) {
    if (!UNSAFE.test(route) || declared.noSession === true) continue;
    for (const who of letIn(declared).filter(hasSession)) {
      const called = await matrix.call(route, who, 'own', { token: false });
      const said =
        called.status === 403 && (called.body.includes('csrf-missing') || called.body.includes('<h1'));
      if (!said) wrong.push([route, who, called.status, called.body.slice(0, 120)]);
    }
  }
  expect(wrong).toEqual([]);
}, 60_000);

test('HEAD is answered as GET is, without a body', async () => {
  const wrong: unknown[] = [];
  for (const { url } of table.filter(({ method }) => method === 'HEAD')) {
    const route = `GET ${url}`;
    for (const who of ['nobody', 'citizen', 'author', 'key:read'] as const) {
      const [get, head] = [
        await matrix.call(route, who, 'own'),
        await matrix.call(route, who, 'own', { head: true }),
      ];
      if (head.status !== get.status || head.body !== '') wrong.push([url, who, head.status, get.status]);
    }
  }
  expect(wrong).toEqual([]);
}, 60_000);
