/** Windows from files of dates: each opens once, at its time, whoever ticks; a fault is told by its place and costs its window alone. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../../domain/logger.ts';
import { createCalendar } from '../../producers/calendar.ts';
import { firings, nextFiring, parseCron } from '../../producers/cron.ts';
import { listCalendars } from '../../store/calendars.ts';
import { createHttpApi, type HttpApi } from '../support/http.ts';

describe('cron expressions', () => {
  const walls = (cron: string, zone: string, from: string, to: string) =>
    [...firings(parseCron(cron), zone, Date.parse(from), Date.parse(to))].map(({ wall, atMs }) => [
      wall.toString().slice(0, 16),
      new Date(atMs).toISOString().slice(0, 16),
    ]);

  test('fire on the wall clock of their zone, after one instant and up to another', () => {
    expect(walls('0 9 1 */6 *', 'Asia/Seoul', '2026-01-01T00:00:00Z', '2026-12-31T00:00:00Z')).toEqual([
      ['2026-07-01T09:00', '2026-07-01T00:00'],
    ]);
    expect(walls('30 8 * * 1-3', 'Asia/Seoul', '2026-11-22T00:00:00Z', '2026-11-29T00:00:00Z')).toEqual([
      ['2026-11-23T08:30', '2026-11-22T23:30'],
      ['2026-11-24T08:30', '2026-11-23T23:30'],
      ['2026-11-25T08:30', '2026-11-24T23:30'],
    ]);
  });
  test('take a day and a weekday as either, and Sunday as 0 or 7', () => {
    const days = (cron: string) =>
      walls(cron, 'UTC', '2026-11-01T00:00:00Z', '2026-11-30T23:00:00Z').map(([wall]) => wall!.slice(8, 10));
    expect(days('0 1 13 * 0')).toEqual(['01', '08', '13', '15', '22', '29']);
    expect(days('0 1 * * 7')).toEqual(['01', '08', '15', '22', '29']);
  });
  test('fire once in the night when the clocks change', () => {
    // New York skips 02:30 on 8 March 2026, and has 01:30 twice on 1 November.
    expect(walls('30 2 8 3 *', 'America/New_York', '2026-03-08T00:00:00Z', '2026-03-09T00:00:00Z')).toEqual([
      ['2026-03-08T02:30', '2026-03-08T07:30'],
    ]);
    expect(walls('30 1 1 11 *', 'America/New_York', '2026-11-01T00:00:00Z', '2026-11-02T00:00:00Z')).toEqual([
      ['2026-11-01T01:30', '2026-11-01T05:30'],
    ]);
  });
  test('are asked whether they ever fire', () => {
    const after = Date.parse('2026-03-01T00:00:00Z');
    expect(nextFiring(parseCron('0 0 30 2 *'), 'Asia/Seoul', after)).toBeUndefined();
    expect(nextFiring(parseCron('0 0 31 4,6,9,11 *'), 'Asia/Seoul', after)).toBeUndefined();
    expect(nextFiring(parseCron('0 0 29 2 *'), 'UTC', after)?.wall.toString()).toBe('2028-02-29T00:00:00');
  });
  test.each([
    ['* 9 * *', /four|4 fields/],
    ['0 24 * * *', /"24" as hour/],
    ['0 9 0 * *', /day of the month/],
    ['0 9 1 JAN *', /"JAN" as month/],
    ['* * * * *', /more than once an hour/],
    ['0 9 */0 * *', /day of the month/],
  ])('%s is refused', (text, message) => {
    expect(() => parseCron(text)).toThrow(message);
  });
});

let api: HttpApi;
let folder: string;
let now = 0;

beforeAll(async () => {
  api = await createHttpApi({ relay: false });
});
afterAll(() => api.close());
afterEach(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  await api.database.pool.query('TRUNCATE events, calendars');
  folder = await mkdtemp(path.join(tmpdir(), 'allim-calendar-'));
});

const process = () =>
  createCalendar({
    ...api,
    pool: api.database.pool,
    clock: { nowMs: () => now },
    logger: silentLogger,
    folder,
  });
const write = (name: string, ...windows: unknown[]) =>
  writeFile(path.join(folder, `${name}.json`), JSON.stringify({ windows }));
const at = (instant: string) => {
  now = Date.parse(instant);
};
function createWindow(more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: 'general',
    type: 'kr.nhis.checkup-window.opened',
    source: '/nhis/checkup',
    obligation: 'checkup/2027',
    opens: { on: '2027-01-02', time: '09:00' },
    closesOn: '2027-12-31',
    data: { year: 2027, parity: 1, area: 'all', closesOn: '{closesOn}' },
    ...more,
  };
}
const events = async () =>
  (
    await api.database.pool.query<{ event_id: string; body: Record<string, unknown> }>(
      'SELECT event_id, body FROM events ORDER BY event_id',
    )
  ).rows;
const ids = async () => (await events()).map((row) => row.event_id);
const faults = async () =>
  (await listCalendars(api.database.pool)).flatMap(({ name, faults: found }) =>
    found.map(({ pointer, message }) => `${name} ${pointer} ${message}`),
  );

describe('a calendar', () => {
  test('opens a window when it is due and not before, as an event that stands until it closes', async () => {
    await write('nhis', createWindow());
    const calendar = process();
    at('2027-01-01T23:59:59Z');
    expect(await calendar.tick()).toBe(0);
    const [row] = await listCalendars(api.database.pool);
    expect(row).toMatchObject({
      name: 'nhis',
      windows: 1,
      opened: 0,
      nextAt: new Date('2027-01-02T00:00:00Z'),
    });
    at('2027-01-02T00:00:00Z');
    expect(await calendar.tick()).toBe(1);
    expect((await events())[0]).toMatchObject({
      event_id: 'calendar/nhis/general',
      body: {
        time: '2027-01-02T00:00:00Z',
        expirytime: '2027-12-31T14:59:59Z',
        allimobligation: 'checkup/2027',
        sequence: '1',
        data: { closesOn: '2027-12-31' },
      },
    });
  });

  test('a tick again, another process, two at once and a restart make one event', async () => {
    await write(
      'nhis',
      createWindow(),
      createWindow({
        id: 'weekly',
        opens: { cron: '0 9 * * 1' },
        closesAfter: 'P60D',
        closesOn: undefined,
        obligation: undefined,
      }),
    );
    at('2027-02-01T00:00:00Z');
    const [first, second] = [process(), process()];
    await Promise.all([first.tick(), second.tick()]);
    await first.tick();
    await second.tick();
    const before = await ids();
    expect(before).toContain('calendar/nhis/general');
    expect(await process().tick()).toBe(0);
    expect(await ids()).toEqual(before);
    // Every Monday whose sixty days are not over.
    expect(before.filter((id) => id.includes('weekly')).at(-1)).toBe('calendar/nhis/weekly/2027-02-01T09:00');
    expect(before.filter((id) => id.includes('weekly'))).toHaveLength(9);
    const [row] = await listCalendars(api.database.pool);
    expect(row!.opened).toBe(before.length);
  });

  test('what fell due while nobody ran is opened, unless it has closed', async () => {
    await write('nhis', createWindow(), createWindow({ id: 'short', closesOn: '2027-01-05' }));
    const calendar = process();
    at('2026-12-31T00:00:00Z');
    await calendar.tick();
    at('2027-03-01T00:00:00Z');
    expect(await calendar.tick()).toBe(1);
    expect(await ids()).toEqual(['calendar/nhis/general']);
  });

  test('fills the year into what comes again every year', async () => {
    await write(
      'nhis',
      createWindow({
        obligation: 'checkup/{year}',
        opens: { cron: '0 9 2 1 *' },
        closesOn: '{year}-12-31',
        data: { year: '{year}', parity: '{parity}', area: 'all', closesOn: '{closesOn}' },
      }),
    );
    const calendar = process();
    at('2027-01-02T00:00:00Z');
    await calendar.tick();
    at('2028-01-02T00:00:00Z');
    await calendar.tick();
    expect(
      (await events()).map(({ event_id, body }) => [event_id, body['allimobligation'], body['data']]),
    ).toEqual([
      [
        'calendar/nhis/general/2027-01-02T09:00',
        'checkup/2027',
        { year: 2027, parity: 1, area: 'all', closesOn: '2027-12-31' },
      ],
      [
        'calendar/nhis/general/2028-01-02T09:00',
        'checkup/2028',
        { year: 2028, parity: 0, area: 'all', closesOn: '2028-12-31' },
      ],
    ]);
  });

  test('a window that was changed after it opened is a fault until its revision says that it is a correction', async () => {
    const area = { year: 2027, parity: 1, area: '11', closesOn: '2027-12-31' };
    await write('nhis', createWindow());
    at('2027-01-03T00:00:00Z');
    const calendar = process();
    await calendar.tick();
    await write('nhis', createWindow({ data: area }));
    await calendar.tick();
    expect(await faults()).toEqual([
      'nhis /windows/0 was opened with another content; to correct what was said, raise its revision',
    ]);
    await write('nhis', createWindow({ data: area, revision: 2 }));
    expect(await calendar.tick()).toBe(1);
    expect(await faults()).toEqual([]);
    expect((await events()).map(({ event_id, body }) => [event_id, body['sequence']])).toEqual([
      ['calendar/nhis/general', '1'],
      ['calendar/nhis/general/r2', '2'],
    ]);
  });
});

describe('a fault is told by its file and place, and the other windows open', () => {
  test.each([
    ['a cron expression that never fires', { opens: { cron: '0 9 30 2 *' } }, '/opens/cron never fires'],
    ['one that is none', { opens: { cron: 'every monday' } }, '/opens/cron has 2 fields'],
    ['a window that closes before it opens', { closesOn: '2027-01-01' }, '/closesOn lies before the day'],
    ['a day that does not exist', { opens: { on: '2027-02-30' } }, '/opens/on is no day'],
    ['a closing day that does not exist', { closesOn: '2027-02-30' }, '/closesOn is no day'],
    [
      'a time that the clocks skip',
      { opens: { on: '2027-03-14', time: '02:30', zone: 'America/New_York' } },
      '/opens/time is skipped in America/New_York on that day: the clocks go on to 03:30',
    ],
    [
      'a zone that is none',
      { opens: { on: '2027-01-02', zone: 'Asia/Pyeongchang' } },
      '/opens/zone is not a time zone',
    ],
    ['no time at all', { opens: {} }, '/opens must say either on or cron'],
    ['no end', { closesOn: undefined }, '/closesOn is needed, or closesAfter'],
    ['a type that nobody knows', { type: 'kr.nhis.nothing.known' }, '/type is not a known event type'],
    ['another agency’s source', { source: '/nts/property-tax' }, '/source must be one of'],
    ['data against the schema', { data: { year: 'this' } }, '/data/year'],
    ['an obligation of another kind', { obligation: 'tax/1' }, '/obligation must begin with checkup/'],
    ['a member that is not known', { closing: '2027-12-31' }, '/closing is not known'],
  ])('%s', async (_name, more, told) => {
    await write('nhis', createWindow({ id: 'bad', ...more }), createWindow());
    at('2027-01-02T00:00:00Z');
    await process().tick();
    expect(await faults()).toContainEqual(expect.stringContaining(`nhis /windows/0${told}`));
    expect(await ids()).toEqual(['calendar/nhis/general']);
  });

  test('a time that comes twice is the first of the two', async () => {
    await write(
      'nhis',
      createWindow({
        opens: { on: '2026-11-01', time: '01:30', zone: 'America/New_York' },
        closesOn: '2027-01-31',
      }),
    );
    at('2026-11-01T05:30:00Z');
    expect(await process().tick()).toBe(1);
  });

  test('a file that is no calendar, and a folder that is not there', async () => {
    await writeFile(path.join(folder, 'broken.json'), '{"windows": [');
    await writeFile(path.join(folder, 'list.json'), '[]');
    await write('twice', createWindow(), createWindow());
    at('2027-01-02T00:00:00Z');
    await process().tick();
    expect(await faults()).toEqual([
      'broken  is not JSON',
      'list /windows must be an array',
      'twice /windows/1/id stands at another window as well',
    ]);
    await createCalendar({
      ...api,
      pool: api.database.pool,
      clock: { nowMs: () => now },
      logger: silentLogger,
      folder: path.join(folder, 'nowhere'),
    }).tick();
    expect(await faults()).toContainEqual('(folder)  cannot be read: ENOENT');
  });

  test('the calendar that ships is without a fault', async () => {
    at('2027-01-02T00:00:00Z');
    const shipped = path.join(import.meta.dirname, '..', '..', 'producers', 'calendar');
    const calendar = createCalendar({
      ...api,
      pool: api.database.pool,
      clock: { nowMs: () => now },
      logger: silentLogger,
      folder: shipped,
    });
    expect(await calendar.tick()).toBe(1);
    expect(await faults()).toEqual([]);
  });
});
