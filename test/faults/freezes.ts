/**
 * Processes that stand still for longer than their session and then go on as if nothing had happened (SIGSTOP, SIGCONT; a machine that was
 * suspended, a long collection of garbage). They may finish what was under way; they may begin nothing and overwrite nothing.
 */
import { readFile } from 'node:fs/promises';
import { recognise } from '../spine/recognise.ts';
import type { Fault, ProcessName, Stage } from './fault.ts';
import { pick, whole, within } from './outage.ts';

/** Three sessions. */
const FROZEN_MS = 15_000;
const FROZEN_WITHIN_MS = 30_000;
const LOOK_MS = 20;

async function standStill(stage: Stage, name: ProcessName, forMs: number): Promise<void> {
  stage.say(`${name} stands still`);
  stage.processes.freeze(name);
  try {
    await stage.pause(forMs);
  } finally {
    stage.processes.thaw(name);
  }
}

/** Frozen at a marked point: the state of the process as /proc tells it. */
async function frozenAt(stage: Stage, name: ProcessName): Promise<void> {
  const deadline = performance.now() + FROZEN_WITHIN_MS;
  for (;;) {
    const stat = await readFile(`/proc/${stage.processes.pid(name)}/stat`, 'utf8');
    if (stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')) return;
    if (performance.now() > deadline)
      throw new Error(`${name} did not come to the point where it was to freeze`);
    await new Promise((resume) => setTimeout(resume, LOOK_MS));
  }
}

type Flying = {
  readonly id: string;
  readonly channel: string;
  readonly citizen: string;
  /** Of a tax; null for what is no tax. */
  readonly amount: number | null;
};

/** What the worker holds when it freezes, and what became of that by the time it is let go. */
type Held = { readonly session: string; readonly rows: readonly Flying[]; thawedAtMs: number };

async function heldBy(stage: Stage, pid: number): Promise<Held> {
  const [session] = await stage.sql<{ id: string }>(
    'SELECT id::text FROM worker_sessions WHERE pid = $1 AND ended_at IS NULL ORDER BY started_at DESC LIMIT 1',
    [pid],
  );
  if (session === undefined) throw new Error(`no session of process ${pid} is open`);
  const rows = await stage.sql<Flying>(
    `SELECT d.id::text, d.channel, n.recipient_id AS citizen, (e.body->'data'->>'amount')::int AS amount
     FROM deliveries d JOIN notifications n ON n.id = d.notification_id AND n.month = d.month JOIN events e ON e.id = n.event_id
     WHERE d.session_id = $1 AND d.status = 'sending'`,
    [session.id],
  );
  return { session: session.id, rows, thawedAtMs: 0 };
}

/** A busy machine takes longer over it than the pause: whatever is called after the thaw must be the frozen worker's own doing. */
async function doneByOthers(stage: Stage, { rows }: Held): Promise<void> {
  const deadline = performance.now() + FROZEN_WITHIN_MS;
  for (;;) {
    const [open] = await stage.sql<{ n: number }>(
      `SELECT count(*)::int AS n FROM deliveries WHERE id = ANY($1::uuid[]) AND status IN ('planned', 'sending', 'waiting')`,
      [rows.map(({ id }) => id)],
    );
    if (open?.n === 0) return;
    if (performance.now() > deadline)
      throw new Error(`${open?.n} deliveries of the frozen worker were not done by others`);
    await new Promise((resume) => setTimeout(resume, LOOK_MS));
  }
}

function frozenWorker(point: 'call:before' | 'claim:committed'): Fault {
  let held: Held | undefined;
  return {
    name: `freeze-worker-at-${point.replace(':', '-')}`,
    group: 'processes',
    does: `a worker stands still at the point ${point} for three sessions: what it holds is done by others, and it makes no call of it`,
    doubles: true,
    notices: 0.5,
    async inflict(stage) {
      held = undefined;
      await stage.arrived(within(stage, 0.02, 0.2));
      const name = pick(stage, stage.processes.names('workers'));
      stage.processes.arm(name, `stop ${point} ${whole(stage, 1, 20)}`);
      try {
        await frozenAt(stage, name);
        held = await heldBy(stage, stage.processes.pid(name));
        stage.say(`${name} stands still with ${held.rows.length} deliveries in its hands`);
        await stage.pause(FROZEN_MS);
        await doneByOthers(stage, held);
        held.thawedAtMs = Date.now();
      } finally {
        stage.processes.thaw(name);
        stage.processes.arm(name, null);
      }
    },
    async judge(stage) {
      if (held === undefined) return ['nothing was frozen'];
      const { session, rows, thawedAtMs } = held;
      if (rows.length === 0) return ['the frozen worker held nothing'];
      const wrong: string[] = [];
      const [own] = await stage.sql<{ ended: boolean }>(
        'SELECT ended_at IS NOT NULL AS ended FROM worker_sessions WHERE id = $1',
        [session],
      );
      if (own?.ended !== true) wrong.push('the session of the frozen worker was never ended');
      // Whatever stands there now was written by another session, or is the row as the sweep left it; nothing of the old one is final.
      const kept = await stage.sql<{ n: number }>(
        `SELECT count(*)::int AS n FROM deliveries WHERE id = ANY($1::uuid[]) AND session_id = $2 AND status IN ('sent', 'delivered') AND finished_at > to_timestamp($3::float8 / 1000)`,
        [rows.map(({ id }) => id), session, thawedAtMs],
      );
      if ((kept[0]?.n ?? 0) > 0)
        wrong.push(`${kept[0]?.n} results of a dead session were written over what the ledger had decided`);
      // A push is one request, made or not made, and the sink names the citizen. All that the worker held had been called by others meanwhile.
      const pushes = rows.filter(({ channel }) => channel === 'push');
      for (const { channel, address, text, atMs } of await stage.arrivals()) {
        if (channel !== 'push' || atMs < thawedAtMs) continue;
        const { figure } = recognise(text);
        const again = pushes.find(({ citizen, amount }) => citizen === address && amount === figure);
        if (again !== undefined)
          wrong.push(
            `delivery ${again.id} was called ${atMs - thawedAtMs} ms after its worker had been let go`,
          );
      }
      return wrong;
    },
  };
}

export const FREEZES: readonly Fault[] = [
  {
    name: 'freeze-worker',
    group: 'processes',
    does: 'a worker stands still for three sessions in the midst of its calls and goes on (SIGSTOP, SIGCONT)',
    doubles: true,
    async inflict(stage) {
      await stage.arrived(within(stage, 0.1, 0.5));
      await standStill(stage, pick(stage, stage.processes.names('workers')), FROZEN_MS);
    },
  },
  frozenWorker('call:before'),
  frozenWorker('claim:committed'),
  {
    name: 'freeze-dispatcher',
    group: 'processes',
    does: "a dispatcher stands still for longer than its Kafka session and goes on: its partitions are another's by then",
    async inflict(stage) {
      await stage.arrived(within(stage, 0.02, 0.4));
      await standStill(stage, pick(stage, stage.processes.names('dispatcher')), 20_000);
    },
  },
  {
    name: 'freeze-rules',
    group: 'processes',
    does: 'a rules process stands still for longer than its Kafka session and goes on',
    async inflict(stage) {
      await stage.arrived(within(stage, 0.02, 0.3));
      await standStill(stage, pick(stage, stage.processes.names('rules')), 20_000);
    },
  },
  {
    name: 'uneven-workers',
    group: 'processes',
    does: "one worker is stopped and let go ten times a second, so that it runs at a third of the others' speed",
    async inflict(stage) {
      await stage.arrived(within(stage, 0.02, 0.2));
      const name = pick(stage, stage.processes.names('workers'));
      try {
        for (let time = 0; time < 60; time++) {
          stage.processes.freeze(name);
          await new Promise((resume) => setTimeout(resume, 70));
          stage.processes.thaw(name);
          await new Promise((resume) => setTimeout(resume, 30));
        }
      } finally {
        stage.processes.thaw(name);
      }
    },
  },
];
