/** Somebody who comes to match an open broadcast while a fault is inflicted, and whether they were told. */
import type { Stage } from './fault.ts';
import { whole } from './outage.ts';

/** Citizens of these ids belong to no round: they are put where a window reaches them. */
export const ENTERED = 'crossing-';
const WITHIN_MS = 60_000;
const entered = new WeakMap<Stage, readonly { readonly citizen: string; readonly event: string }[]>();

/** Without an address: whoever enters is told in the inbox alone. */
export async function enter(stage: Stage): Promise<void> {
  const { event, area, parity } = await openWindow(stage);
  const citizen = `${ENTERED}${whole(stage, 1, 1_000_000)}`;
  entered.set(stage, [...(entered.get(stage) ?? []), { citizen, event }]);
  const answer = await stage.api('PUT', `/api/v1/citizens/${citizen}`, {
    attributes: {
      birthDate: `${1980 + parity}-05-05`,
      insurance: 'regional',
      lastCheckupYear: 2020,
      sido: area === 'all' ? '11' : area.slice(0, 2),
      sigungu: area.length === 5 ? area : `${area === 'all' ? '11' : area}110`,
    },
  });
  if (answer.status >= 300)
    throw new Error(`nobody could enter: ${answer.status} ${JSON.stringify(answer.body)}`);
}

/** Whoever entered is told of the window, and of nothing twice. */
export async function judgeEntered(stage: Stage): Promise<string[]> {
  const wrong: string[] = [];
  for (const { citizen, event } of entered.get(stage) ?? []) {
    const told = await stage.sql<{ event: string; n: number }>(
      `SELECT event_id AS event, count(*)::int AS n FROM notifications WHERE recipient_id = '${citizen}' GROUP BY event_id`,
    );
    if (!told.some((one) => one.event === event)) wrong.push(`${citizen} entered and was not told`);
    if (told.some(({ n }) => n > 1)) wrong.push(`${citizen} was told of one event twice`);
  }
  return wrong;
}

/** A check-up window that the shards have answered, the newest. */
async function openWindow(stage: Stage): Promise<{ event: string; area: string; parity: number }> {
  const deadline = performance.now() + WITHIN_MS;
  for (;;) {
    const [row] = await stage.sql<{ event: string; area: string; parity: number }>(
      `SELECT e.id AS event, e.body->'data'->>'area' AS area, (e.body->'data'->>'parity')::int AS parity FROM campaigns c JOIN events e ON e.id = c.event_id
       WHERE c.superseded_at IS NULL AND c.expires_at > now() AND c.rule_id = 'nhis-general-checkup'
         AND EXISTS (SELECT 1 FROM stage_runs r JOIN fanouts f ON f.stage_run_id = r.id AND f.state = 'complete' WHERE r.campaign_id = c.id)
       ORDER BY c.accepted_at DESC LIMIT 1`,
    );
    if (row !== undefined) return row;
    if (performance.now() > deadline) throw new Error('no window was open');
    await stage.pause(100);
  }
}
