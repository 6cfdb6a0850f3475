/**
 * What a process shows beside its counters: its pools; and where it serves the API, how things stand in the ledger, the log and the queue.
 * The latter are the same whoever is asked, so they are shown by `web` alone, and read once in five seconds however often they are asked for.
 */
import { TOPICS } from '../domain/records.ts';
import { countAmbiguous } from '../store/ambiguous.ts';
import { PAUSED_BY } from '../store/failing-stages.ts';
import { readOpenBatches } from '../store/gauges.ts';
import { readPopulation } from '../store/rules-processes.ts';
import { readLedgerBacklog } from '../store/status.ts';
import { listStops } from '../store/stops.ts';
import type { Context } from './context.ts';
import type { Sample } from './metrics.ts';

const REMEMBER_MS = 5_000;
const PAGE_TOPICS = Object.values(TOPICS.audiences);
const REQUEST_TOPICS = Object.values(TOPICS.requests);
const TOPICS_READ = [TOPICS.events, ...PAGE_TOPICS, ...REQUEST_TOPICS];

export function watchPools({ metrics, pool, ledger }: Context): void {
  const pools = { common: pool, ledger };
  metrics.watch('database_connections', 'Connections to Postgres.', ['pool', 'state'], () =>
    Object.entries(pools).flatMap(([name, { totalCount, idleCount, waitingCount }]): Sample[] => [
      { labels: { pool: name, state: 'used' }, value: totalCount - idleCount },
      { labels: { pool: name, state: 'idle' }, value: idleCount },
      { labels: { pool: name, state: 'awaited' }, value: waitingCount },
    ]),
  );
}

/** One reading, shared by those who ask within five seconds of it; one that failed is not remembered. */
function remembered<T>(read: () => Promise<T>): () => Promise<T> {
  let last: { readonly at: number; readonly value: Promise<T> } | undefined;
  return () => {
    const now = performance.now();
    if (last === undefined || now - last.at > REMEMBER_MS) {
      const value = read();
      const mine = { at: now, value };
      last = mine;
      value.catch(() => {
        if (last === mine) last = undefined;
      });
    }
    return last.value;
  };
}

/** Records that a group has not taken, by group and topic; a shard that nobody holds has everything before it. */
async function readLags(context: Context, positions: Positions): Promise<readonly Sample[]> {
  const { broker, pool } = context;
  const samples: Sample[] = [];
  for (const topic of TOPICS_READ) {
    const ends = await broker.ends(topic);
    const groups = new Set(positions.filter((at) => at.topic === topic).map((at) => at.group));
    for (const group of groups) {
      const at = new Map(
        positions
          .filter((one) => one.topic === topic && one.group === group)
          .map((one) => [one.partition, one.position]),
      );
      const lag = ends.reduce(
        (sum, end, partition) => sum + Math.max(0, end - (at.get(partition) ?? end)),
        0,
      );
      samples.push({ labels: { group, topic }, value: lag });
    }
  }
  const ends = await broker.ends(TOPICS.profiles);
  const { offsets } = await readPopulation(pool);
  const lag = ends.reduce(
    (sum, end, partition) => sum + Math.max(0, end - Math.max(0, offsets[partition] ?? 0)),
    0,
  );
  samples.push({ labels: { group: 'rules', topic: TOPICS.profiles }, value: lag });
  return samples;
}

type Positions = Awaited<ReturnType<typeof readLedgerBacklog>>['positions'];

export function watchInstallation(context: Context): void {
  const { metrics, pool, queue, clock } = context;
  const backlog = remembered(() => readLedgerBacklog(pool, TOPICS_READ, clock.nowMs()));
  const batches = remembered(() => readOpenBatches(pool));
  const lags = remembered(async () => readLags(context, (await backlog()).positions));
  const ambiguous = remembered(() => countAmbiguous(pool, null, clock.nowMs()));
  const stops = remembered(() => listStops(pool, null));
  const fill = remembered(() => queue.fill());
  metrics.watch('consumer_lag_records', 'Records that a group has not taken yet.', ['group', 'topic'], lags);
  metrics.watch('backlog', 'What is due now and not done, by where it waits.', ['at'], async () => {
    const { unrelayed, requests, schedulesDue, deliveries } = await backlog();
    return Object.entries({ relay: unrelayed, rules: requests, schedules: schedulesDue, deliveries }).map(
      ([at, value]) => ({ labels: { at }, value }),
    );
  });
  metrics.watch('quarantine_open', 'What could not be taken in and waits for a person.', [], async () => [
    { value: (await backlog()).quarantine },
  ]);
  metrics.watch(
    'ambiguous_calls_week',
    'Calls of the last seven days of which nobody knows how they ended.',
    [],
    async () => [{ value: await ambiguous() }],
  );
  metrics.watch(
    'stops_in_force',
    'Stops, by whom: a person, or allim where a fan-out fails through us.',
    ['by'],
    async () => {
      const all = await stops();
      const ours = all.filter(({ createdBy }) => createdBy === PAUSED_BY).length;
      return [
        { labels: { by: 'allim' }, value: ours },
        { labels: { by: 'person' }, value: all.length - ours },
      ];
    },
  );
  const batchLabels = ['channel', 'lane', 'state'];
  metrics.watch('batches_open', 'Batches that are ready or in the queue.', batchLabels, async () =>
    (await batches()).map(({ channel, lane, state, batches: value }) => ({
      labels: { channel, lane, state },
      value,
    })),
  );
  metrics.watch('queue_depth', 'Deliveries in ready or queued batches.', batchLabels, async () =>
    (await batches()).map(({ channel, lane, state, deliveries: value }) => ({
      labels: { channel, lane, state },
      value,
    })),
  );
  metrics.watch(
    'queue_memory_ratio',
    'Share of the queue store in use; 0 where it has no limit.',
    [],
    async () => [{ value: await fill() }],
  );
}
