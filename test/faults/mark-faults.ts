/**
 * One fault for each marked point: whoever comes there first dies there, on the spot, and is started again. Several of them share a round
 * (mark-rounds.ts); each can be had alone by its name.
 */
import type { Mark } from '../../domain/marks.ts';
import { enter, judgeEntered } from './entering.ts';
import type { Fault, ProcessName, Stage } from './fault.ts';
import { whole, within } from './outage.ts';
import { touchShards } from './snapshots.ts';

const REACHED_WITHIN_MS = 120_000;

/** Who comes by a point, by the first word of its name. */
const COMES_BY: Readonly<Record<string, readonly string[]>> = {
  http: ['producers', 'web'],
  relay: ['producers', 'web'],
  answer: ['rules'],
  claim: ['workers'],
  call: ['workers'],
  result: ['workers'],
  batch: ['workers'],
  job: ['workers'],
  snapshot: ['rules'],
  'crossing:flushed': ['rules'],
};
/** The n-th time at most: points that many notices pass one by one are met in the midst. */
const OFTEN: Readonly<Record<string, number>> = {
  call: 60,
  result: 5,
  claim: 5,
  batch: 5,
  job: 5,
  requeue: 1,
  regroup: 1,
  sweep: 1,
  status: 1,
  crossing: 1,
};

/** What has to happen first, where a point lies beside the common way. Returns how to take it back. */
const PROVOKES: Readonly<Record<string, (stage: Stage) => Promise<(() => Promise<unknown>) | undefined>>> = {
  async requeue(stage) {
    const workers = stage.processes.names('workers');
    await Promise.all(workers.map((name) => stage.processes.kill(name)));
    // What is queued now has nobody who takes it, and then no job.
    await eventuallyQueued(stage);
    await stage.services.redis.command(['FLUSHALL']);
    return () => Promise.all(workers.map((name) => stage.processes.start(name)));
  },
  async regroup(stage) {
    stage.sinks.fail('push', { kind: 'refuse', times: 20 });
    return async () => stage.sinks.fail('push', null);
  },
  async sweep(stage) {
    await stage.arrived(within(stage, 0.05, 0.3));
    const [victim] = stage.processes.names('workers');
    // In the midst of calls, so that something is left in flight.
    stage.processes.arm(victim!, 'kill call:answered 3');
    await stage.processes.ended(victim!, REACHED_WITHIN_MS);
    return () => stage.processes.start(victim!);
  },
  async snapshot(stage) {
    await touchShards(stage);
    return undefined;
  },
  async crossing(stage) {
    await enter(stage);
    return undefined;
  },
  async status(stage) {
    const path = '/api/v1/agencies/nts/status-topic';
    const answer = await stage.api('PUT', path);
    if (answer.status >= 300)
      throw new Error(`the agency could not ask to be told: ${answer.status} ${JSON.stringify(answer.body)}`);
    return () => stage.api('DELETE', path);
  },
};

async function eventuallyQueued(stage: Stage): Promise<void> {
  const deadline = performance.now() + REACHED_WITHIN_MS;
  for (;;) {
    const [row] = await stage.sql<{ n: number }>(
      `SELECT count(*)::int AS n FROM batches WHERE state = 'queued'`,
    );
    if ((row?.n ?? 0) > 0) return;
    if (performance.now() > deadline) throw new Error('nothing was queued');
    await stage.pause(100);
  }
}

function comesBy(stage: Stage, mark: Mark): readonly ProcessName[] {
  const roles = COMES_BY[mark] ?? COMES_BY[mark.split(':')[0]!] ?? ['dispatcher'];
  return roles.flatMap((role) => stage.processes.names(role));
}

/** Waits for the first to end; says who it was. */
async function firstToEnd(stage: Stage, names: readonly ProcessName[]): Promise<ProcessName> {
  return await Promise.any(
    names.map(async (name) => {
      const how = await stage.processes.ended(name, REACHED_WITHIN_MS);
      if (how !== 'SIGKILL') throw new Error(`${name} ended by ${how}`);
      return name;
    }),
  );
}

export function markFault(mark: Mark): Fault {
  const word = mark.split(':')[0]!;
  let taken: (() => Promise<unknown>) | undefined;
  return {
    name: `mark:${mark}`,
    group: 'processes',
    does: `kill -9 at the point ${mark} of whoever comes there`,
    // Two of three times fewer notices: the point is met in the first tenth of them.
    notices: 0.3,
    ...(word === 'crossing' ? { judge: judgeEntered } : {}),
    doubles: ['call', 'result', 'claim', 'batch', 'sweep'].includes(word),
    async prepare(stage) {
      // Some points are passed before anything arrives, so all are armed before anything is said.
      for (const name of comesBy(stage, mark))
        stage.processes.arm(name, `kill ${mark} ${whole(stage, 1, OFTEN[word] ?? 2)}`);
    },
    async inflict(stage) {
      const names = comesBy(stage, mark);
      const death = firstToEnd(stage, names).catch((error: unknown) => {
        const why = error instanceof AggregateError ? error.errors.map(String).join('; ') : String(error);
        throw new Error(`nobody died at ${mark}: ${why}`);
      });
      death.catch(() => {});
      try {
        taken = await PROVOKES[word]?.(stage);
        const victim = await death;
        stage.say(`${victim} died at ${mark}`);
        for (const name of names) stage.processes.arm(name, null);
        await stage.pause(within(stage, 200, 2_000));
      } finally {
        for (const name of names) {
          stage.processes.arm(name, null);
          if (!stage.processes.isUp(name)) await stage.processes.start(name);
        }
        await taken?.();
        taken = undefined;
      }
    },
  };
}
