/**
 * What is somebody's own stands where it has to and nowhere else. Unmistakable values go into every personal field and every place where a
 * request may hold text; everything runs, failures as well; then logs of all roles, what went to the queue and to the log of events, headers
 * and error pages, the metrics and every table are searched for them.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { attempt } from '../support/canary/everything.ts';
import { marksIn } from '../support/canary/markers.ts';
import { type CanarySite, createCanarySite } from '../support/canary/site.ts';

let site: CanarySite;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'allim-canary-'));
  site = await createCanarySite(folder);
  await attempt(site);
}, 120_000);
afterAll(async () => {
  await site?.stop();
  await rm(folder, { recursive: true, force: true });
});

const hits = (texts: Iterable<readonly [where: string, text: string]>): string[] => {
  const found = new Set<string>();
  for (const [where, text] of texts) for (const name of marksIn(text)) found.add(`${where}: ${name}`);
  return [...found].toSorted();
};

/** Where a value of somebody's has to stand in clear: a line each, with the reason. */
const ALLOWED_IN_TABLES = [
  // What agencies say happened is their record, and is what rules and templates are about.
  'events: event data',
  // What registers know of a person; a merge starts from it, and My data shows it.
  'merged_profiles: birth date',
  'merged_profiles: income',
  // Who signed in as staff is named in the trail and in their session.
  'audit_entries: name',
  'sessions: name',
];
/** Agencies write it themselves, and what a client of theirs put there wrongly lies there all the same. */
const ALLOWED_IN_LOG = ['agency-events: body', 'agency-events: event data'];
/** Where somebody wanted to go is where sign-in leads back to. */
const ALLOWED_IN_HEADERS = [
  'GET /console/:page location: path',
  'GET /console/:page location: query',
  'GET /me/notices/:page location: path',
];

/** What whoever sent it is told again, and nobody else. */
const ALLOWED_IN_REFUSALS = [
  // A member, a type or a source that is not known is named, so that it can be mended; what it held is not.
  / 422: member$/,
  // A form shows again what was typed into it, beside what is wrong with it.
  /^POST \/(?:check|me\/contacts|identity\/interaction) 4\d\d: (?:body|email|account)$/,
  // A citizen's own pages have the citizen's own addresses.
  /^POST \/me\/(?:contacts\/:id|choices\/language) 422: email$/,
  // Links to the other languages lead to the same address.
  /^(?:GET|POST) \/unsubscribe\/:page 4\d\d: (?:path|query)$/,
];

test('everything was tried: calls were refused, records kept aside, faults were ours', () => {
  const { smtp, sms, push } = site.called;
  expect([smtp.length > 1, sms.length > 3, push.length > 1]).toEqual([true, true, true]);
  const statuses = new Set(site.answers.map(({ status }) => status));
  for (const status of [200, 400, 401, 403, 404, 413, 415, 422, 429, 500])
    expect([status, statuses.has(status)]).toEqual([status, true]);
  expect(site.lines.length).toBeGreaterThan(100);
});

test('no role logs any of it', () => {
  expect(hits(site.lines.map((line) => ['log', line] as const))).toEqual([]);
  const parts = new Set(site.lines.map((line) => (JSON.parse(line) as { part?: string }).part));
  expect(parts.size).toBeGreaterThan(3);
});

test('no job of the queue holds any of it, nor what it lies in', async () => {
  expect(site.jobs.length).toBeGreaterThan(3);
  expect(hits(site.jobs.map((job) => ['job', job] as const))).toEqual([]);
  expect(hits(await site.queueTexts())).toEqual([]);
});

test('what lies in the log of events is sealed where it is about a person', async () => {
  const records = await site.records();
  expect(new Set(records.map(([topic]) => topic)).size).toBeGreaterThan(3);
  expect(hits(records)).toEqual(ALLOWED_IN_LOG);
}, 60_000);

test('no header has any of it, and no answer that refuses', () => {
  const headers = site.answers.flatMap(({ asked, headers }) =>
    headers.map(([name, value]) => [`${asked} ${name}`, value] as const),
  );
  expect(hits(headers).filter((hit) => !ALLOWED_IN_HEADERS.includes(hit))).toEqual([]);
  const refusals = site.answers.filter(({ status }) => status >= 400);
  expect(refusals.length).toBeGreaterThan(40);
  // Of what is not there, of all kinds: paths, things, pages.
  expect(refusals.filter(({ status }) => status === 404).length).toBeGreaterThan(25);
  const told = hits(refusals.map(({ asked, status, body }) => [`${asked} ${status}`, body] as const));
  expect(told.filter((hit) => !ALLOWED_IN_REFUSALS.some((allowed) => allowed.test(hit)))).toEqual([]);
});

test('no table holds it in clear but those that have to', async () => {
  expect(hits(await site.tableTexts())).toEqual(ALLOWED_IN_TABLES.toSorted());
});

test('metrics and the trail as it is exported name nobody', async () => {
  expect(hits([['metrics', await site.metrics()]])).toEqual([]);
});
