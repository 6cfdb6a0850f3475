/** Events at a steady rate, and what became of them: shared by the benches of latency. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../app/context.ts';
import { nowMs, quantile, round, say, until } from './support.ts';

export type Sent = { readonly id: string; readonly atMs: number };

/** Begins `send` at fixed instants, whether or not earlier ones have ended: a slow answer must not thin out the load. */
export async function steadily(
  rate: number,
  count: number,
  send: (at: number) => Promise<Sent>,
): Promise<Map<string, number>> {
  return steadilyWhile(rate, (at) => at < count, send);
}

/** The same for as long as `more` says so. */
export async function steadilyWhile(
  rate: number,
  more: (at: number) => boolean,
  send: (at: number) => Promise<Sent>,
): Promise<Map<string, number>> {
  const sending: Promise<Sent>[] = [];
  const startedAt = performance.now();
  for (let at = 0; more(at); at++) {
    const wait = startedAt + (at * 1_000) / rate - performance.now();
    if (wait > 0) await delay(wait);
    sending.push(send(at));
  }
  return new Map((await Promise.all(sending)).map(({ id, atMs }) => [id, atMs]));
}

/** Appends one record and notes when. */
export async function sendEvent(
  { broker }: Context,
  topic: string,
  id: string,
  record: Parameters<Context['broker']['append']>[1][number],
): Promise<Sent> {
  const atMs = nowMs();
  await broker.append(topic, [record]);
  return { id, atMs };
}

/** When the provider was called for each delivery of `events`, by the event's id. Waits until each event has `calls` of them, no more. */
export async function callsOf(
  context: Context,
  file: string,
  events: readonly string[],
  calls = 1,
): Promise<Map<string, readonly number[]>> {
  const wanted = new Map<string, number[]>(events.map((id) => [id, []]));
  await until(
    'a call for every event',
    async () => {
      const times = new Map<string, number>();
      let lines = 0;
      for (const line of (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(0, -1)) {
        const space = line.indexOf(' ');
        times.set(line.slice(0, space), Number(line.slice(space + 1)));
        lines++;
      }
      if (times.size !== lines) throw new Error('a delivery was called twice');
      const { rows } = await context.pool.query<{ delivery: string; event: string }>(
        `SELECT d.id AS delivery, e.event_id AS event FROM events e JOIN notifications n ON n.event_id = e.id
         JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month WHERE e.event_id = ANY($1::text[])`,
        [events],
      );
      for (const id of wanted.keys()) wanted.set(id, []);
      for (const { delivery, event } of rows) {
        const at = times.get(delivery);
        if (at !== undefined) wanted.get(event)!.push(at);
      }
      for (const [id, found] of wanted)
        if (found.length > calls) throw new Error(`${id} led to ${found.length} calls`);
      return [...wanted.values()].every((found) => found.length === calls);
    },
    { everyMs: 2_000, timeoutMs: 300_000 },
  );
  return wanted;
}

/** From the append of each event to each of its calls, in ms. */
export function tookMs(
  appended: ReadonlyMap<string, number>,
  calls: ReadonlyMap<string, readonly number[]>,
): number[] {
  return [...appended].flatMap(([id, at]) => calls.get(id)!.map((call) => call - at));
}

/** Whether anything of this lane is asked, ready or queued. */
export async function laneIsBusy(context: Context, lane: string, agency: string): Promise<boolean> {
  const { rows } = await context.pool.query<{ busy: boolean }>(
    `SELECT EXISTS (SELECT FROM fanouts WHERE state = 'asked' AND lane = $1 AND agency_id = $2)
       OR EXISTS (SELECT FROM batches WHERE state = 'ready' AND lane = $1 AND agency_id = $2)
       OR EXISTS (SELECT FROM batches WHERE state = 'queued' AND lane = $1 AND agency_id = $2) AS busy`,
    [lane, agency],
  );
  return rows[0]?.busy === true;
}

/** Where the time went, to stderr: medians and p99 from the append to each step that leaves an instant in the ledger. */
export async function saySteps(context: Context, appended: ReadonlyMap<string, number>): Promise<void> {
  const { rows } = await context.pool.query<Record<string, Date | string | null>>(
    `SELECT e.event_id AS id, e.accepted_at AS "taken in", f.requested_at AS "noted as asked", n.created_at AS planning, f.finished_at AS planned,
       b.queued_at AS queued, d.claimed_at AS claimed
     FROM events e JOIN notifications n ON n.event_id = e.id JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month
     JOIN batches b ON b.id = d.batch_id AND b.month = d.month JOIN runs r ON r.run_id = n.run_id JOIN fanouts f ON f.id = r.fanout_id
     WHERE e.event_id = ANY($1::text[])`,
    [[...appended.keys()]],
  );
  const parts = Object.keys(rows[0] ?? {}).filter((name) => name !== 'id');
  const line = parts.map((name) => {
    const took = rows.flatMap((row) => {
      const at = row[name];
      return at instanceof Date ? [at.getTime() - appended.get(String(row['id']))!] : [];
    });
    return `${name} ${round(quantile(took, 0.5))}/${round(quantile(took, 0.99))}`;
  });
  say(`ms from the append, p50/p99: ${line.join(', ')}`);
}
