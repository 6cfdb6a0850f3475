/** Who enters or leaves an open broadcast because a profile changed or a day began: told once, with the newest stage; or not any more. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { armMark, disarmMark, type Mark } from '../../domain/marks.ts';
import { TOPICS } from '../../domain/records.ts';
import { type Installation, install, windowEvent } from '../support/installation.ts';

let it: Installation;
let n = 0;
/** Districts of this test alone: where the broadcast is, and where it is not. */
let here: string;
let elsewhere: string;
let who: string;

beforeAll(async () => {
  it = await install();
  await it.announce();
});
afterAll(() => it.close());
beforeEach(() => {
  n++;
  here = String(21_000 + n * 10);
  elsewhere = String(61_000 + n * 10);
  who = `x${n}-1`;
  it.forgetSent();
});

const open = (more: Record<string, unknown> = {}) =>
  it.publish(windowEvent({ id: `w-${n}`, allimobligation: `checkup/x${n}`, data: { area: here, ...more } }));
const citizen = (sigungu: string, profile: Record<string, unknown> = {}) =>
  it.citizen({ id: who, sms: `+8210${String(90_000_000 + n)}`, profile: { sigungu, ...profile } });
const move = (sigungu: string, profile: Record<string, unknown> = {}) =>
  it.citizen({ id: who, profile: { sigungu, ...profile } });

describe('whoever enters an open broadcast', () => {
  test('is told once, however often the profile is said again', async () => {
    await citizen(elsewhere);
    await open();
    await it.idle();
    expect(await it.told(who)).toEqual([]);
    await move(here);
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
    await move(here, { lastCheckupYear: 2023 });
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
  });

  test('is told as one who was new is: a profile that comes is one that enters', async () => {
    await open();
    await it.idle();
    await citizen(here);
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
  });

  test('is told of the newest stage alone', async () => {
    await citizen(elsewhere);
    await open({ closesOn: '2026-08-20' });
    await it.idle();
    it.at('2026-07-22T10:00:00+09:00');
    await it.idle();
    await move(here);
    await it.idle();
    expect(await it.told(who)).toEqual(['d30 sms sent']);
  });

  test('of a load that announces nothing is not told', async () => {
    await citizen(elsewhere);
    await open();
    await it.idle();
    const value = JSON.stringify({
      birthDate: '1980-05-05',
      insurance: 'regional',
      lastCheckupYear: 2024,
      sigungu: here,
    });
    await it.append(TOPICS.profiles, { key: who, value, headers: { 'allim-initial': '1' } });
    await it.idle();
    expect(await it.told(who)).toEqual([]);
  });

  test('after its end is not told', async () => {
    await citizen(elsewhere);
    await open({ closesOn: '2026-07-24' });
    await it.idle();
    it.at('2026-07-25T10:00:00+09:00');
    await move(here);
    await it.idle();
    expect(await it.told(who)).toEqual([]);
  });

  test('when an announcement comes twice, and late, is told once', async () => {
    await citizen(elsewhere);
    await open();
    await it.idle();
    await move(here);
    await it.readProfiles();
    // The process died before it stored how far it had come: the next announces the same record again.
    const again = await it.rows<{ value: Buffer; partition: number }>(
      `SELECT r.value, r.partition FROM log_records r JOIN log_topics t ON t.id = r.topic_id WHERE t.topic = $1 AND convert_from(r.value, 'UTF8') LIKE '%"crossing"%' || $2 || '%'`,
      [TOPICS.audiences.urgent, who],
    );
    expect(again).toHaveLength(1);
    await it.idle();
    await it.append(TOPICS.audiences.urgent, { key: null, ...again[0]! });
    await it.idle();
    await move(elsewhere);
    await it.readProfiles();
    await it.append(TOPICS.audiences.urgent, { key: null, ...again[0]! });
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
    expect(await it.rows('SELECT kind FROM crossings WHERE citizen_id = $1', [who])).toEqual([
      { kind: 'left' },
    ]);
  });
});

describe('whoever leaves an open broadcast', () => {
  test('is not sent what was planned and not sent', async () => {
    await citizen(here);
    await open();
    await it.settle();
    expect(await it.told(who)).toEqual(['opened sms planned']);
    await move(elsewhere);
    await it.settle();
    expect(await it.told(who)).toEqual(['opened sms cancelled/left']);
    await it.idle();
    expect(it.sent()).toEqual([]);
  });

  test('while the page is under way is not planned, and the counts of the run add up', async () => {
    await citizen(here);
    await open();
    await it.intake();
    await it.answer();
    await move(elsewhere);
    await it.readProfiles();
    await it.idle();
    expect(await it.told(who)).toEqual([]);
    expect(
      await it.rows(
        `SELECT f.state, r.matched, r.superseded FROM fanouts f JOIN runs r ON r.fanout_id = f.id JOIN stage_runs s ON s.id = f.stage_run_id
         JOIN campaigns c ON c.id = s.campaign_id WHERE c.obligation_ref = $1 AND r.matched > 0`,
        [`x${n}`],
      ),
    ).toEqual([{ state: 'complete', matched: 1, superseded: 1 }]);
  });

  test('once told stays told', async () => {
    await citizen(here);
    await open();
    await it.idle();
    await move(elsewhere);
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
  });
});

describe('a crash at', () => {
  for (const point of ['crossing:before-commit', 'crossing:committed'] satisfies Mark[])
    test(`${point} neither loses nor doubles`, async () => {
      await citizen(elsewhere);
      await open();
      await it.idle();
      await move(here);
      await it.readProfiles();
      armMark(point, 1, () => {
        throw new Error('died');
      });
      await it.plan().catch(() => undefined);
      disarmMark();
      await it.takeOver();
      it.at(10_000);
      const nowMs = it.clock.nowMs();
      await it.first.requests.repeat(nowMs - 5_000, 100, nowMs);
      await it.idle();
      expect(await it.told(who)).toEqual(['opened sms sent']);
    });

  test('crossing:flushed, before the position is stored, neither loses nor doubles', async () => {
    await citizen(elsewhere);
    await open();
    await it.idle();
    await move(here);
    armMark('crossing:flushed', 1, () => {
      throw new Error('died');
    });
    await expect(it.readProfiles()).rejects.toThrow('died');
    disarmMark();
    await it.idle();
    expect(await it.told(who)).toEqual(['opened sms sent']);
  });
});

test('a day that begins tells whom it makes old enough, once', async () => {
  await citizen(here, { birthDate: '2007-06-01', lastCheckupYear: 2020, insurance: 'regional' });
  await open({ parity: 1, closesOn: '2027-03-31' });
  it.at('2026-12-31T12:00:00+09:00');
  await it.idle();
  expect(await it.told(who)).toEqual([]);
  it.at('2027-01-01T09:30:00+09:00');
  await it.idle();
  await it.idle();
  expect(await it.told(who)).toEqual(['opened sms sent']);
});
