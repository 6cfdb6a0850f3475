/** A rule or a schedule that cannot be evaluated fails alone. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createAgencyPace } from '../../dispatcher/agency-pace.ts';
import { createDue } from '../../dispatcher/due.ts';
import { createRepublish } from '../../dispatcher/republish.ts';
import { createLogCapture } from '../support/http.ts';
import { type Installation, install, windowEvent } from '../support/installation.ts';

let it: Installation;
beforeAll(async () => {
  it = await install();
});
afterAll(() => it.close());

const BAD = 'nhis-general-checkup';

test('schedules follow the other rules where one throws, and that one is tried again', async () => {
  await it.idle();
  await it.pool.query('UPDATE rules SET scheduled_version = NULL');
  const behind = async () =>
    (await it.rows<{ id: string }>('SELECT id FROM rules WHERE scheduled_version IS NULL')).map((r) => r.id);
  expect((await behind()).length).toBeGreaterThan(1);
  const log = createLogCapture();
  const catalogue = {
    ...it.catalogue,
    ruleVersion: async (rule: string, version: number) => {
      if (rule === BAD) throw new Error('cannot be read');
      return it.catalogue.ruleVersion(rule, version);
    },
  };
  await createRepublish({ ...it, catalogue, logger: log.logger })();
  expect(await behind()).toEqual([BAD]);
  expect(log.lines.filter((line) => line.includes('cannot be read') && line.includes(BAD))).toHaveLength(1);
  await it.first.republish();
  expect(await behind()).toEqual([]);
});

test('a rule whose schedules fail is tried ever more seldom, told once for each reason, and at once in a new version', async () => {
  await it.pool.query('UPDATE rules SET scheduled_version = NULL WHERE id = $1', [BAD]);
  const log = createLogCapture();
  let reason = 'cannot be read';
  let tries = 0;
  const catalogue = {
    ...it.catalogue,
    ruleVersion: async (): Promise<never> => {
      tries++;
      throw new Error(reason);
    },
  };
  const follow = createRepublish({ ...it, catalogue, logger: log.logger });
  const during = async (seconds: number) => {
    tries = 0;
    for (let second = 0; second < seconds; second++) {
      await follow();
      it.at(1_000);
    }
    return tries;
  };
  // After 0, 1, 3, 7, 15, 31 and 63 s.
  expect(await during(100)).toBe(7);
  expect(log.lines).toHaveLength(1);
  // At the ceiling: every five minutes.
  await during(600);
  expect(await during(600)).toBe(2);
  expect(log.lines).toHaveLength(1);
  reason = 'is gone';
  await during(301);
  expect(log.lines).toHaveLength(2);
  expect(log.lines[1]).toContain('is gone');
  await it.pool.query('UPDATE rules SET live_version = live_version + 1 WHERE id = $1', [BAD]);
  expect(await during(1)).toBe(1);
  await it.pool.query('UPDATE rules SET live_version = live_version - 1 WHERE id = $1', [BAD]);
  await it.first.republish();
});

test('a schedule that cannot be evaluated is dropped, and the one beside it starts', async () => {
  for (const [year, closesOn] of [
    [2031, '2026-08-04'],
    [2032, '2026-08-05'],
  ])
    await it.publish(
      windowEvent({
        id: `w-${year}`,
        allimobligation: `checkup/${year}`,
        data: { year, area: '11680', closesOn },
      }),
    );
  await it.idle();
  it.at('2026-07-30T09:00:00+09:00');
  const log = createLogCapture();
  const isDayOff = (day: string) => {
    if (day === '2026-08-04') throw new Error('no such day');
    return it.calendar.isDayOff(day);
  };
  const due = createDue({
    ...it,
    calendar: { ...it.calendar, isDayOff },
    logger: log.logger,
    requests: it.first.requests,
    pace: createAgencyPace(),
    wake: () => {},
  });
  await due.startStages();
  expect(
    await it.rows(
      `SELECT c.obligation_ref AS ref FROM stage_runs r JOIN campaigns c ON c.id = r.campaign_id WHERE r.stage_kind = 'd7'`,
    ),
  ).toEqual([{ ref: '2032' }]);
  expect(await it.rows('SELECT 1 FROM schedules')).toEqual([]);
  expect(log.lines.filter((line) => line.includes('no such day'))).toHaveLength(1);
});
