/**
 * `pipeline`: pages of an audience → `sent`, with a provider that does nothing and everything in the ledger (planning, pump, BullMQ,
 * claims, results), beside raw BullMQ on the same Redis that adds and processes one empty job per recipient. Ours is one process of the
 * dispatcher and one of workers; the baseline is one that adds and one that processes. Rounds alternate; medians of rounds. At the end
 * the same over HTTP (bench/over-http.ts).
 * `--notices N` a round, `--rounds N`, `--concurrency N` of the baseline, `--profile`.
 */
import type { Context } from '../app/context.ts';
import type { NewRecord } from '../broker/broker.ts';
import { eventRowId } from '../domain/cloud-events.ts';
import { type FanoutId, type RunId, randomId, type StageRunId } from '../domain/ids.ts';
import { partitionOf } from '../domain/murmur2.ts';
import { encodeRecord, PAGE_CITIZENS, TOPICS } from '../domain/records.ts';
import { overHttp } from './over-http.ts';
import { openPlace, sayStatements } from './place.ts';
import { type Child, start, startRoles } from './processes.ts';
import { profileFolder, sayProfiles } from './profile.ts';
import { checkupEvent, citizenId, seedCatalogue, seedCitizens } from './seed.ts';
import { median, type Options, type Report, round, say, sayCpu, until } from './support.ts';

const CLAIMS = [100, 20] as const;

export async function pipeline(options: Options): Promise<Report> {
  const notices = options.number('notices', 100_000);
  const rounds = options.number('rounds', 3);
  const profiling = options.has('profile');
  const place = await openPlace({ services: true, statements: profiling });
  const children: Child[] = [];
  const keep = (child: Child) => {
    children.push(child);
    return child;
  };
  const profile = profiling ? await profileFolder() : undefined;
  try {
    return await place.withContext(async (context) => {
      say(`pipeline: seeding ${notices} citizens`);
      await seedCatalogue(context);
      await seedCitizens(context, notices);
      const concurrency = options.number('concurrency', 100);
      const { env } = place;
      const adder = keep(await start('bullmq-process.ts', ['add', place.redisUrl, concurrency], { env }));
      const processor = keep(
        await start('bullmq-process.ts', ['work', place.redisUrl, concurrency], { env }),
      );
      const dispatcher = keep(await startRoles(['dispatcher'], { env, profile }));
      const workers = new Map<number, Child>();
      for (const claim of CLAIMS)
        workers.set(
          claim,
          keep(await startRoles(['workers'], { env, profile, claim, name: `workers-${claim}` })),
        );

      const raw = async (count: number) => {
        await processor.ask({ do: 'expect', count });
        const groups = async () => ({
          adder: [adder.pid],
          processor: [processor.pid],
          ...(await place.pids()),
        });
        return await sayCpu('raw BullMQ', count, groups, async () => {
          const startedAt = performance.now();
          const processed = processor.hear('processed');
          await Promise.all([adder.ask({ do: 'add', count }), processed]);
          return (count / (performance.now() - startedAt)) * 1_000;
        });
      };
      const ours = async (name: string, by: Child, count: number) => {
        await dispatcher.ask({ do: 'start' });
        await by.ask({ do: 'start' });
        const pages = await preparePages(context, name, count);
        const groups = async () => ({
          dispatcher: [dispatcher.pid],
          workers: [by.pid],
          ...(await place.pids()),
        });
        const seconds = await sayCpu(name, count, groups, async () => {
          const startedAt = performance.now();
          await context.broker.append(TOPICS.audiences.bulk, pages);
          await until(`the end of ${name}`, () => settled(context));
          return (performance.now() - startedAt) / 1_000;
        });
        await by.ask({ do: 'stop' });
        await dispatcher.ask({ do: 'stop' });
        await checkSent(context, name, count);
        return count / seconds;
      };

      say('pipeline: warming up');
      const warm = Math.min(20_000, notices);
      await raw(warm);
      for (const claim of CLAIMS) await ours(`warm-${claim}`, workers.get(claim)!, warm);
      if (profiling) await sayStatements(env['DATABASE_URL']!, 0);
      const measured: { raw: number[]; 100: number[]; 20: number[] } = { raw: [], 100: [], 20: [] };
      for (let turn = 1; turn <= rounds; turn++) {
        measured.raw.push(await raw(notices));
        for (const claim of CLAIMS) {
          measured[claim].push(await ours(`round-${turn}-${claim}`, workers.get(claim)!, notices));
          if (profiling && turn === rounds) {
            say(`pipeline: statements of the last round with claims of ${claim}`);
            await sayStatements(env['DATABASE_URL']!);
          }
        }
        say(
          `pipeline: round ${turn}: raw ${round(measured.raw.at(-1)!)}/s, claims of 100 ${round(measured[100].at(-1)!)}/s, of 20 ${round(measured[20].at(-1)!)}/s`,
        );
      }
      const http = await overHttp({ place, context, notices, rounds, keep, ours });
      const perRound = (claim: 100 | 20) =>
        median(measured[claim].map((rate, at) => rate / measured.raw[at]!));
      return {
        figures: {
          notices_per_s: round(median(measured[100])),
          notices_per_s_20: round(median(measured[20])),
          http_notices_per_s: round(http.notices),
        },
        baseline: { bullmq_jobs_per_s: round(median(measured.raw)), bare_calls_per_s: round(http.calls) },
        ratio: {
          null_vs_bullmq_100: round(perRound(100)),
          null_vs_bullmq_20: round(perRound(20)),
          http_vs_bare: round(http.ratio),
        },
      };
    });
  } finally {
    await Promise.all(children.map((child) => child.exit()));
    await sayProfiles(profile);
    await place.stop();
  }
}

/** A broadcast is taken in and asked for; nobody answers but the pages that this makes, as shards would. */
export async function preparePages(context: Context, name: string, count: number): Promise<NewRecord[]> {
  await context.broker.append(TOPICS.events, [checkupEvent(name)]);
  const event = eventRowId({ source: '/nhis/checkup', id: name });
  let fanouts: { id: FanoutId; shard: number; run: StageRunId }[] = [];
  await until(`the fan-outs of ${name}`, async () => {
    const { rows } = await context.pool.query<(typeof fanouts)[number]>(
      `SELECT f.id, f.shard, f.stage_run_id AS run FROM fanouts f JOIN stage_runs r ON r.id = f.stage_run_id JOIN campaigns c ON c.id = r.campaign_id
       WHERE c.event_id = $1 AND f.requested_at IS NOT NULL`,
      [event],
    );
    fanouts = rows;
    return rows.length === context.config.partitions;
  });
  const shards = new Map<number, string[]>(fanouts.map(({ shard }) => [shard, []]));
  for (let index = 0; index < count; index++) {
    const citizen = citizenId(index);
    shards.get(partitionOf(citizen, fanouts.length))!.push(citizen);
  }
  return fanouts.flatMap(({ id, shard, run: stageRun }) => {
    const citizens = shards.get(shard)!.sort();
    const run = randomId<RunId>();
    const pages = Math.max(1, Math.ceil(citizens.length / PAGE_CITIZENS));
    return Array.from({ length: pages }, (_, page) => {
      const some = citizens.slice(page * PAGE_CITIZENS, (page + 1) * PAGE_CITIZENS);
      const last = page === pages - 1;
      return {
        key: id,
        partition: shard,
        value: encodeRecord({
          fanout: id,
          stageRun,
          request: 0,
          run,
          page,
          last,
          profileOffset: 0,
          totals: last ? { matched: citizens.length, possible: 0, unknown: 0, pages } : null,
          citizens: some,
          reach: some.map(() => 'certain' as const),
          values: {},
          unknown: [],
        }),
      };
    });
  });
}

/** Nothing is asked and no batch is open. */
export async function settled(context: Context): Promise<boolean> {
  const { rows } = await context.pool.query<{ open: boolean }>(
    `SELECT EXISTS (SELECT FROM fanouts WHERE state = 'asked') OR EXISTS (SELECT FROM batches WHERE state <> 'ended') AS open`,
  );
  return rows[0]?.open === false;
}

export async function checkSent(context: Context, name: string, count: number): Promise<void> {
  const { rows } = await context.pool.query<{ sent: number }>(
    `SELECT count(*) AS sent FROM notifications n JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month
     WHERE n.event_id = $1 AND d.status = 'sent' AND d.attempt = 1`,
    [eventRowId({ source: '/nhis/checkup', id: name })],
  );
  if (rows[0]?.sent !== count) throw new Error(`${name}: ${rows[0]?.sent} of ${count} were sent`);
}
