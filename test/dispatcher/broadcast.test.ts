/** Events for everybody whom a rule finds: runs and their pages, corrections, reminders, republished rules, two dispatchers. */
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { CampaignId } from '../../domain/ids.ts';
import { type AudiencePage, encodeRecord, TOPICS } from '../../domain/records.ts';
import type { Rule } from '../../domain/rule.ts';
import { endCampaigns, lockBroadcasts } from '../../store/campaigns.ts';
import { approveRule, publishRule, saveEventType, saveRuleDraft } from '../../store/catalogue.ts';
import { eventRow, loadEvents, takeEvents } from '../../store/events.ts';
import { saveSchedules } from '../../store/schedules.ts';
import { eventually } from '../support/eventually.ts';
import { type Installation, install, PROFILE, paidEvent, windowEvent } from '../support/installation.ts';

let it: Installation;
let n = 0;
/** A district of this test alone, so that tests do not find each other's citizens. */
let district: string;
let people: string[];

beforeAll(async () => {
  it = await install();
});
afterAll(() => it.close());
beforeEach(() => {
  n++;
  district = String(11_000 + n * 10);
  it.forgetSent();
});

const ref = () => `checkup/${n}`;
const opened = (id: string, more: Partial<Parameters<typeof windowEvent>[0]> = {}) =>
  windowEvent({
    id: `${id}-${n}`,
    allimobligation: ref(),
    ...more,
    data: { area: district, ...more.data },
  });

async function populate(count: number): Promise<void> {
  people = Array.from({ length: count }, (_, i) => `b${n}-${String(i).padStart(3, '0')}`);
  for (const [i, id] of people.entries())
    await it.citizen({
      id,
      sms: `+8210${String(n * 1000 + i).padStart(8, '0')}`,
      profile: { sigungu: district },
    });
}

/** What every finished run must say about itself. */
afterEach(async () => {
  expect(
    await it.rows(`SELECT r.* FROM fanouts f JOIN runs r ON r.fanout_id = f.id AND r.run_id = f.run_id
      WHERE f.state = 'complete' AND NOT (r.matched = r.matched_total AND r.pages_planned = r.pages_total
        AND r.matched = r.notified + r.told + r.done + r.superseded + r.nobody + r.opted_out
        AND r.recipients = r.planned + r.told_recipients + r.opted_recipients)`),
  ).toEqual([]);
});

type Asked = { id: string; shard: number; stage_run_id: string; request: number };
const lastFanout = async (): Promise<Asked> =>
  (
    await it.rows<Asked>(
      `SELECT f.id, f.shard, f.stage_run_id, f.request FROM fanouts f JOIN stage_runs r ON r.id = f.stage_run_id
       JOIN campaigns c ON c.id = r.campaign_id WHERE c.obligation_ref = $1 AND f.state = 'asked' ORDER BY f.shard LIMIT 1`,
      [String(n)],
    )
  )[0]!;

/** A page as a shard makes it. */
function pageOf(fanout: Asked, run: string, page: number, pages: number, citizens: string[], all: string[]) {
  const last = page === pages - 1;
  const body = {
    fanout: fanout.id,
    stageRun: fanout.stage_run_id,
    request: fanout.request,
    run,
    page,
    last,
    profileOffset: 0,
    totals: last ? { matched: all.length, possible: 0, unknown: 0, pages } : null,
    citizens,
    reach: citizens.map(() => 'certain'),
    values: {},
    unknown: [],
  } as unknown as AudiencePage;
  return { key: null, value: encodeRecord(body), partition: fanout.shard };
}

describe('a broadcast', () => {
  test('reaches those whom it concerns, each once, and the counts of its runs add up', async () => {
    await populate(7);
    await it.citizen({ id: `odd-${n}`, profile: { birthDate: '1981-01-01', sigungu: district } });
    await it.publish(opened('w'));
    await it.idle();
    expect(it.sent()).toHaveLength(7);
    expect(await it.told(`odd-${n}`)).toEqual([]);
    expect(
      await it.rows(
        `SELECT DISTINCT f.state FROM fanouts f JOIN stage_runs r ON r.id = f.stage_run_id JOIN campaigns c ON c.id = r.campaign_id WHERE c.obligation_ref = $1`,
        [String(n)],
      ),
    ).toEqual([{ state: 'complete' }]);
  });

  test('whose shard dies after page 2 of 5 is answered by a new run, and what that lacks is cancelled', async () => {
    await populate(10);
    await it.publish(opened('w'));
    await it.intake();
    const fanout = await lastFanout();
    const slices = (ids: string[]) => [0, 2, 4, 6, 8].map((i) => ids.slice(i, i + 2));
    const died = randomUUID();
    const [gone, ...staying] = people;
    for (const [page, ids] of slices(people).slice(0, 2).entries())
      await it.append(TOPICS.audiences.bulk, pageOf(fanout, died, page, 5, ids, people));
    await it.plan();
    const whole = randomUUID();
    const rest = slices(staying);
    for (const [page, ids] of rest.entries())
      await it.append(TOPICS.audiences.bulk, pageOf(fanout, whole, page, rest.length, ids, staying));
    await it.plan();
    expect(await it.told(gone!)).toEqual(['opened sms cancelled/left']);
    for (const id of staying) expect(await it.told(id)).toEqual(['opened sms planned']);
    expect(await it.rows('SELECT state, run_id FROM fanouts WHERE id = $1', [fanout.id])).toEqual([
      { state: 'complete', run_id: whole },
    ]);
    expect(await it.rows('SELECT notified, left_behind FROM runs WHERE run_id = $1', [whole])).toEqual([
      { notified: 9, left_behind: 0 },
    ]);
  });

  test('answered twice, the answers side by side, is told once and nothing is cancelled', async () => {
    await populate(3);
    await it.publish(opened('w'));
    await it.intake();
    const fanout = await lastFanout();
    const [a, b] = [randomUUID(), randomUUID()];
    await it.append(
      TOPICS.audiences.bulk,
      pageOf(fanout, a, 0, 1, people, people),
      pageOf(fanout, b, 0, 1, people, people),
    );
    await it.plan();
    for (const id of people) expect(await it.told(id)).toEqual(['opened sms planned']);
  });

  test('whose pages come again is planned once', async () => {
    await populate(3);
    await it.publish(opened('w'));
    await it.intake();
    await it.answer();
    await it.plan();
    await it.pool.query(`UPDATE consumer_offsets SET position = 0 WHERE group_name LIKE '%audiences%'`);
    await it.takeOver();
    expect(await it.plan()).toBeGreaterThan(0);
    for (const id of people) expect(await it.told(id)).toEqual(['opened sms planned']);
  });
});

describe('two dispatchers', () => {
  test('that both hold a page plan it once: the older one is fenced', async () => {
    const other = await install();
    try {
      await other.citizen({ id: 'c', sms: '+821000000000' });
      await other.publish(windowEvent({ id: 'w' }));
      await other.intake();
      await other.answer();
      const younger = await other.dispatcher();
      const [older, newer] = await Promise.allSettled([other.plan(), younger.plan()]);
      expect(newer.status).toBe('fulfilled');
      expect(older).toMatchObject({ status: 'rejected', reason: { code: 'position-fenced' } });
      expect(await other.told('c')).toEqual(['opened sms planned']);
      expect(await other.rows('SELECT matched, notified FROM runs WHERE matched > 0')).toEqual([
        { matched: 1, notified: 1 },
      ]);
    } finally {
      await other.close();
    }
  });
});

describe('a correction for everybody', () => {
  test('supersedes what is unsent at once and corrects those who were told, with the old deadline', async () => {
    await populate(2);
    const [told, unsent] = people as [string, string];
    await it.publish(opened('v1', { sequence: '1' }));
    await it.settle();
    await it.pool.query(
      `UPDATE deliveries d SET status = 'waiting' FROM notifications n WHERE n.id = d.notification_id AND n.recipient_id = $1`,
      [unsent],
    );
    await it.pump();
    await it.deliver();
    expect(await it.told(told)).toEqual(['opened sms sent']);
    await it.publish(opened('v2', { sequence: '2', data: { closesOn: '2026-11-30' } }));
    await it.idle();
    expect(await it.told(told)).toEqual(['opened sms sent', 'corrected sms sent']);
    expect(await it.told(unsent)).toEqual(['opened sms cancelled/superseded', 'opened sms sent']);
  });

  test('meets its elder in the queue: the claim sees that the campaign is superseded', async () => {
    await populate(2);
    await it.publish(opened('v1', { sequence: '1' }));
    await it.settle();
    await it.pump();
    await it.publish(opened('v2', { sequence: '2', data: { closesOn: '2026-11-30' } }));
    await it.intake();
    await it.deliver();
    expect(it.sent()).toEqual([]);
    await it.idle();
    for (const id of people)
      expect(await it.told(id)).toEqual(['opened sms cancelled/superseded', 'opened sms sent']);
  });

  test('with a lower sequence is recorded as superseded and starts nothing', async () => {
    await populate(1);
    await it.publish(opened('v2', { sequence: '2' }));
    await it.idle();
    await it.publish(opened('v1', { sequence: '1', data: { closesOn: '2026-11-30' } }));
    await it.idle();
    expect(await it.told(people[0]!)).toEqual(['opened sms sent']);
    expect(await it.rows('SELECT state FROM events WHERE event_id = $1', [`v1-${n}`])).toEqual([
      { state: 'superseded' },
    ]);
  });
});

describe('a broadcast that is ended for everybody', () => {
  const WITHDRAWN = 'kr.nhis.checkup-window.withdrawn';
  const SETTLED = 'kr.nhis.checkup-window.settled';
  beforeAll(async () => {
    for (const [type, effect] of [
      [WITHDRAWN, 'withdraws'],
      [SETTLED, 'settles'],
    ] as const)
      await saveEventType(it.pool, {
        type,
        effect,
        agency: 'nhis',
        sources: ['/nhis/checkup'],
        obligationKind: 'checkup',
        title: { ko: '검진 기간 종료', en: 'Check-up window ended' },
        schema: { type: 'object' },
        examples: [{}],
      });
    await it.catalogue.refresh();
  });
  const ended = (type: string, more: Partial<Parameters<typeof windowEvent>[0]> = {}) =>
    windowEvent({ id: `end-${n}`, type, allimobligation: ref(), ...more });
  /** Whether somebody was told, whether the campaign goes on, and which reminders are scheduled. */
  const outcome = async () => ({
    told: await it.told(people[0]!),
    open: await it.rows(
      'SELECT version FROM campaigns WHERE obligation_ref = $1 AND superseded_at IS NULL ORDER BY version',
      [String(n)],
    ),
    scheduled: (
      await it.rows(
        'SELECT s.id FROM schedules s JOIN campaigns c ON c.id = s.campaign_id WHERE c.obligation_ref = $1',
        [String(n)],
      )
    ).length,
  });
  const nothing = { told: [], open: [], scheduled: 0 };

  test.each([WITHDRAWN, SETTLED])('in the batch of its opening tells nobody: %s', async (type) => {
    await populate(1);
    await it.publish(opened('w'), ended(type));
    await it.idle();
    expect(await outcome()).toEqual(nothing);
  });

  test.each([WITHDRAWN, SETTLED])('before it opens tells nobody: %s', async (type) => {
    await populate(1);
    await it.publish(ended(type));
    await it.idle();
    await it.publish(opened('w', { sequence: '3' }));
    await it.idle();
    expect(await outcome()).toEqual(nothing);
    expect(await it.rows('SELECT state FROM events WHERE event_id = $1', [`w-${n}`])).toEqual([
      { state: 'accepted' },
    ]);
  });

  test('loses its reminders', async () => {
    await populate(1);
    await it.publish(opened('w'));
    await it.idle();
    expect(await outcome()).toMatchObject({ told: ['opened sms sent'], scheduled: 3 });
    await it.publish(ended(WITHDRAWN));
    await it.idle();
    expect(await outcome()).toEqual({ ...nothing, told: ['opened sms sent'] });
  });

  test('opens again above the version that was withdrawn, in one batch and later', async () => {
    await populate(1);
    await it.publish(
      opened('v1', { sequence: '1' }),
      ended(WITHDRAWN, { sequence: '1' }),
      opened('v2', { sequence: '2' }),
    );
    await it.idle();
    expect(await outcome()).toEqual({ told: ['opened sms sent'], open: [{ version: 2 }], scheduled: 3 });
    await it.publish(ended(WITHDRAWN, { id: `end2-${n}`, sequence: '2' }));
    await it.idle();
    await it.publish(opened('v3', { sequence: '3', data: { closesOn: '2026-11-30' } }));
    await it.idle();
    expect((await outcome()).open).toEqual([{ version: 3 }]);
  });

  test('does not open again once it was settled, whatever the version', async () => {
    await populate(1);
    await it.publish(ended(SETTLED, { sequence: '1' }), opened('v2', { sequence: '2' }));
    await it.idle();
    expect(await outcome()).toEqual(nothing);
  });

  test('by one dispatcher while another opens it is ended, whoever commits first', async () => {
    await populate(1);
    const key = { agency: 'nhis', obligationKind: 'checkup', obligationRef: String(n) };
    const holder = await it.pool.connect();
    await holder.query('BEGIN');
    await lockBroadcasts(holder as never, [key]);
    await it.publish(opened('w'));
    const opening = it.intake();
    const waits = `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    await eventually(async () => expect(await it.rows(waits)).toHaveLength(1));
    const end = eventRow(ended(WITHDRAWN), 'nhis');
    await takeEvents(holder as never, 'accepted', [end], it.clock.nowMs());
    await endCampaigns(holder as never, key, null, it.clock.nowMs());
    await holder.query('COMMIT');
    holder.release();
    await opening;
    await it.idle();
    expect(await outcome()).toEqual(nothing);
  });
});

describe('a reminder', () => {
  test('falls due and is not sent to whoever has done it meanwhile', async () => {
    await populate(2);
    // So near that the reminders 90 and 30 days before it have passed.
    await it.publish(opened('w', { data: { closesOn: '2026-08-05' } }));
    await it.idle();
    it.forgetSent();
    await it.publish(
      paidEvent({
        id: `done-${n}`,
        source: '/nhis/checkup',
        type: 'kr.nhis.checkup.completed',
        subject: people[0]!,
        allimobligation: ref(),
        data: { year: 2026 },
      }),
    );
    await it.idle();
    it.at('2026-07-29T08:59:59+09:00');
    await it.idle();
    expect(it.sent()).toEqual([]);
    it.at('2026-07-29T09:00:00+09:00');
    await it.idle();
    expect(await it.told(people[0]!)).toEqual(['opened sms sent']);
    expect(await it.told(people[1]!)).toEqual(['opened sms sent', 'd7 sms sent']);
    expect(await it.rows(`SELECT as_of, month FROM stage_runs WHERE stage_kind = 'd7'`)).toEqual([
      { as_of: '2026-07-29', month: '2026-07-01' },
    ]);
    it.at('2026-07-10T12:00:00+09:00');
  });

  test('of a fan-out that is planned in the next month stays in the month of its run', async () => {
    await populate(2);
    it.at('2026-07-31T23:59:59+09:00');
    await it.publish(opened('w'));
    await it.intake();
    await it.answer();
    it.at('2026-08-01T00:00:01+09:00');
    await it.idle();
    expect(
      await it.rows(
        `SELECT DISTINCT n.month, d.month AS delivery, d.status::text FROM notifications n JOIN deliveries d ON d.notification_id = n.id
         WHERE n.recipient_id = ANY($1::text[])`,
        [people],
      ),
    ).toEqual([{ month: '2026-07-01', delivery: '2026-07-01', status: 'sent' }]);
    it.at('2026-07-10T12:00:00+09:00');
  });
});

describe('a rule that is published anew in mid-timeline', () => {
  test('leaves the running stage its version, and later ones follow the new', async () => {
    await populate(1);
    await it.publish(opened('w', { data: { closesOn: '2026-10-30' } }));
    await it.intake();
    const before = it.catalogue.current().rules.get('nhis-general-checkup')!;
    const rule: Rule = {
      ...before.rule,
      stages: before.rule.stages.map((stage) =>
        stage.kind === 'd7' ? { ...stage, offset: '-P10D' } : stage,
      ),
    };
    const { version } = await saveRuleDraft(it.pool, rule, 'anew', 'a');
    await approveRule(it.pool, rule.id, version, 'anew', 'b');
    await publishRule(it.pool, rule.id, version);
    await it.catalogue.refresh();
    await it.idle();
    it.at('2026-10-20T09:00:00+09:00');
    await it.idle();
    expect(
      await it.rows(
        `SELECT r.stage_kind, r.rule_version, r.due_at FROM stage_runs r JOIN campaigns c ON c.id = r.campaign_id
         WHERE c.obligation_ref = $1 ORDER BY r.due_at`,
        [String(n)],
      ),
    ).toEqual([
      {
        stage_kind: 'opened',
        rule_version: before.version,
        due_at: new Date('2026-07-10T12:00:00+09:00'),
      },
      { stage_kind: 'd90', rule_version: version, due_at: new Date('2026-08-01T09:00:00+09:00') },
      { stage_kind: 'd30', rule_version: version, due_at: new Date('2026-09-30T09:00:00+09:00') },
      { stage_kind: 'd7', rule_version: version, due_at: new Date('2026-10-20T09:00:00+09:00') },
    ]);
    expect((await it.told(people[0]!)).sort()).toEqual([
      'd30 sms sent',
      'd7 sms sent',
      'd90 sms sent',
      'opened sms sent',
    ]);
    it.at('2026-07-10T12:00:00+09:00');
  });
});

describe('a stage that falls due before a dispatcher has seen that its rule has it', () => {
  test('is asked for, not dropped', async () => {
    await populate(1);
    await it.publish(opened('w', { data: { closesOn: '2026-10-30' } }));
    await it.idle();
    // Nobody looks at the catalogue by the clock from here on.
    await it.catalogue.stop();
    const before = it.catalogue.current().rules.get('nhis-general-checkup')!;
    const d7 = before.rule.stages.find((stage) => stage.kind === 'd7')!;
    const rule: Rule = {
      ...before.rule,
      stages: [...before.rule.stages, { ...d7, kind: 'd3', offset: '-P3D' }],
      templates: { ...before.rule.templates, d3: before.rule.templates['d7']! },
    };
    const { version } = await saveRuleDraft(it.pool, rule, 'late', 'a');
    await approveRule(it.pool, rule.id, version, 'late', 'b');
    await publishRule(it.pool, rule.id, version);
    const [campaign] = await it.rows<{ id: CampaignId; agency_id: string }>(
      'SELECT id, agency_id FROM campaigns WHERE obligation_ref = $1 AND rule_id = $2',
      [String(n), rule.id],
    );
    it.at('2026-10-27T09:00:00+09:00');
    await saveSchedules(it.pool, [
      {
        agency: campaign!.agency_id,
        campaign: campaign!.id,
        obligation: null,
        event: null,
        citizen: null,
        rule: rule.id,
        stageKind: 'd3',
        dueMs: it.clock.nowMs(),
      },
    ]);
    await it.first.due.startStages();
    expect(
      await it.rows(`SELECT rule_version FROM stage_runs WHERE campaign_id = $1 AND stage_kind = 'd3'`, [
        campaign!.id,
      ]),
    ).toEqual([{ rule_version: version }]);
    await it.idle();
    await it.catalogue.start();
    it.at('2026-07-10T12:00:00+09:00');
  });
});

describe('a crash after the commit of T1', () => {
  test('leaves questions that the relay asks, and a question asked twice tells once', async () => {
    await populate(2);
    await it.publish(opened('w'));
    await it.intake();
    await it.first.requests.settle();
    await it.pool.query('UPDATE fanouts SET requested_at = NULL');
    it.at(6_000);
    expect(await it.first.requests.repeat(it.clock.nowMs() - 5_000, 200, it.clock.nowMs())).toBeGreaterThan(
      0,
    );
    await it.idle();
    for (const id of people) expect(await it.told(id)).toEqual(['opened sms sent']);
    const [row] = await it.rows<{ id: string }>('SELECT id FROM events WHERE event_id = $1', [`w-${n}`]);
    expect((await loadEvents(it.pool, [row!.id])).get(row!.id)?.data).toMatchObject({ area: district });
    expect(PROFILE.insurance).toBe('regional');
  });
});
