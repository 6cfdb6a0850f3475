/** How large a question to the shards may be: in bytes, and what becomes of one that the log refuses. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { MAX_RECORD_BYTES } from '../../broker/broker.ts';
import { createAgencyPace } from '../../dispatcher/agency-pace.ts';
import { matchEvent } from '../../dispatcher/requests.ts';
import { targetedFanouts } from '../../dispatcher/stage-runs.ts';
import { eventRowId } from '../../domain/cloud-events.ts';
import { type Installation, install, taxEvent, windowEvent } from '../support/installation.ts';

let it: Installation;

beforeAll(async () => {
  it = await install();
});
afterAll(() => it.close());

describe('pairs of one request', () => {
  test('are counted in bytes: five hundred events of Hangul fit into records', async () => {
    const { rule, version } = it.catalogue.current().rules.get('nhis-general-checkup')!;
    const run = {
      id: 'run' as never,
      agency: 'nhis',
      campaign: 'campaign' as never,
      rule: rule.id,
      ruleVersion: version,
      stageKind: 'opened',
      dueMs: 0,
      asOf: '2026-07-10',
      month: '2026-07-01',
    };
    const pairs = Array.from({ length: 500 }, (_, i) => {
      const event = taxEvent({ id: `${i}`, data: { office: '가'.repeat(1_100) } });
      return { run, rule, row: eventRowId(event), event, citizen: 'c' };
    });
    const asks = await targetedFanouts(
      pairs,
      [0, 0],
      { pace: createAgencyPace(), unplanned: new Map(), nowMs: 0 },
      async (count) => Array.from({ length: count }, (_, i) => i),
    );
    const events = new Map(pairs.map((pair) => [pair.row, pair.event]));
    const sizes = asks.map((ask) =>
      Buffer.byteLength(
        JSON.stringify(ask.fanout.pairs!.map((p) => ({ ...p, event: matchEvent(events.get(p.event)!) }))),
      ),
    );
    expect(Math.max(...sizes)).toBeLessThan(MAX_RECORD_BYTES);
    expect(asks.flatMap((ask) => ask.fanout.pairs!)).toHaveLength(500);
  });
});

describe('a question that the log refuses', () => {
  test('fails its own fan-outs, and those beside it are asked', async () => {
    await it.citizen({ id: 'c', sms: '+821000000001' });
    await it.publish(
      windowEvent({ id: 'good-1', allimobligation: 'checkup/1' }),
      windowEvent({ id: 'poison', allimobligation: 'checkup/2' }),
      windowEvent({ id: 'good-3', allimobligation: 'checkup/3' }),
    );
    await it.intake();
    await it.first.requests.settle();
    await it.pool.query(`UPDATE fanouts SET requested_at = NULL`);
    await it.pool.query(
      `UPDATE events SET body = jsonb_set(body, '{data,more}', to_jsonb(repeat('x', $1))) WHERE event_id = 'poison'`,
      [MAX_RECORD_BYTES],
    );
    const nowMs = it.clock.nowMs() + 1;
    expect(await it.first.requests.repeat(nowMs, 200, nowMs)).toBe(6);
    expect(
      await it.rows(
        `SELECT e.event_id, f.state, f.requested_at IS NOT NULL AS asked, count(*)::int AS n, min(f.reason) LIKE '%limit%' AS told_why
         FROM fanouts f JOIN stage_runs r ON r.id = f.stage_run_id JOIN campaigns c ON c.id = r.campaign_id JOIN events e ON e.id = c.event_id
         GROUP BY 1, 2, 3 ORDER BY 1`,
      ),
    ).toEqual([
      { event_id: 'good-1', state: 'asked', asked: true, n: 2, told_why: null },
      { event_id: 'good-3', state: 'asked', asked: true, n: 2, told_why: null },
      { event_id: 'poison', state: 'failed', asked: false, n: 2, told_why: true },
    ]);
    expect(await it.first.requests.repeat(nowMs, 200, nowMs)).toBe(0);
    await it.idle();
    expect(await it.told('c')).toEqual(['opened sms sent', 'opened sms sent']);
  });
});
