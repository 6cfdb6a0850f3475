/** The headers of every page and of every answer of the table of routes, behind https as in production, and the cookies that are set. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Called, createMatrix, type Matrix } from '../support/matrix/calls.ts';
import { ALLOWED, type Who } from '../support/matrix/declared.ts';
import { DECLARED } from '../support/matrix/routes.ts';

/** The same for everybody, and kept by browsers. */
const KEPT =
  /^GET \/(?:assets|icons|manifest\.webmanifest|me\/service-worker\.js|sign-in\/(?:style\.css|continue\.js)|demonstration\/(?:style\.css|page\.js))/;
/** The bundled provider answers for itself and is refused in production. */
const PROVIDER = /\/identity\//;

let matrix: Matrix;
const answers: { route: string; who: Who; called: Called }[] = [];
beforeAll(async () => {
  matrix = await createMatrix({ PUBLIC_URL: 'https://allim.example' });
  for (const [route, { needs, only }] of Object.entries(DECLARED)) {
    if (PROVIDER.test(route)) continue;
    const who = (only ?? ALLOWED[needs]).find((one) => one === 'owner' || one === 'citizen') ?? 'nobody';
    for (const caller of new Set<Who>([who, 'nobody']))
      answers.push({ route, who: caller, called: await matrix.call(route, caller, 'own') });
  }
}, 120_000);
afterAll(() => matrix.close());

const isPage = ({ headers }: Called) => String(headers['content-type']).startsWith('text/html');
const wrongOf = (check: (called: Called, route: string) => boolean, among = answers) =>
  among
    .filter(({ called, route }) => !check(called, route))
    .map(({ route, who, called }) => [route, who, called.status]);

test('every answer is nosniff, framed by nobody, of its own context group, and stays on https', () => {
  for (const [name, value] of [
    ['x-content-type-options', 'nosniff'],
    ['x-frame-options', 'DENY'],
    ['referrer-policy', 'no-referrer'],
    ['cross-origin-opener-policy', 'same-origin'],
    ['cross-origin-resource-policy', 'same-origin'],
    ['strict-transport-security', 'max-age=31536000; includeSubDomains'],
  ] as const)
    expect([name, wrongOf(({ headers }) => headers[name] === value)]).toEqual([name, []]);
});

test('nothing is stored but what is the same for everybody', () => {
  const personal = answers.filter(({ route, called }) => !KEPT.test(route) || called.status !== 200);
  expect(wrongOf(({ headers }) => headers['cache-control'] === 'no-store', personal)).toEqual([]);
  const kept = answers.filter(({ route }) => KEPT.test(route));
  expect(wrongOf(({ headers }) => headers['set-cookie'] === undefined, kept)).toEqual([]);
});

test('no policy lets anything inline or from elsewhere run, and no page has it', () => {
  expect(
    wrongOf(({ headers }, route) => {
      const policy = String(headers['content-security-policy']);
      return (
        policy.startsWith("default-src 'none'") &&
        // Nobody can frame a script.
        (route === 'GET /me/service-worker.js' || policy.includes("frame-ancestors 'none'")) &&
        !/unsafe|\*|http:|'nonce|'sha/.test(policy)
      );
    }),
  ).toEqual([]);
  const pages = answers.filter(({ called }) => isPage(called));
  expect(pages.length).toBeGreaterThan(20);
  expect(
    wrongOf(
      ({ body }) => !/<style|\sstyle=|\son[a-z]+="|<script(?![^>]*\ssrc=)|javascript:/i.test(body),
      pages,
    ),
  ).toEqual([]);
  expect(
    wrongOf(
      ({ headers }) => /script-src 'self'(?:;|$)/.test(String(headers['content-security-policy'])),
      pages,
    ),
  ).toEqual([]);
  expect(
    wrongOf(({ body }) => !/(?:src|href)="(?:https?:)?\/\//i.test(body.replaceAll(/<a [^>]*>/g, '')), pages),
  ).toEqual([]);
});

test('cookies are this host’s alone: __Host-, Secure, HttpOnly, for the whole site', async () => {
  const set = answers.flatMap(({ called }) => [called.headers['set-cookie'] ?? []].flat());
  const begun = await matrix.call('GET /sign-in', 'nobody', 'own');
  expect(begun.status).toBe(200);
  for (const as of ['staff', 'citizen']) {
    const answer = await matrix.site.app.inject({
      url: `/sign-in?as=${as}`,
      headers: { host: 'allim.example' },
    });
    set.push(...[answer.headers['set-cookie'] ?? []].flat());
  }
  expect(set.length).toBeGreaterThan(1);
  for (const line of set) {
    expect(line).toMatch(/^__Host-allim/);
    for (const flag of [/; Path=\/(?:;|$)/, /; HttpOnly/, /; Secure/, /; SameSite=Lax/])
      expect(line).toMatch(flag);
    expect(line).not.toMatch(/domain=/i);
  }
});
