/**
 * `fanout`: everything embedded in one process (bundled Postgres, the log and the queue in it), one nationwide broadcast that matches all
 * citizens, each with contact points: from the event's append to the last page planned. Workers are off, so that the figure is planning
 * alone. Beside it the same rows by bare `INSERT … SELECT … unnest` into tables of the same shape, pages of 5,000, one connection.
 * Memory is the resident size of our process and the proportional size of the server's processes, at its peak and on the way.
 * `--citizens N` (1,000,000), `--profile`.
 */

import { silentLogger } from '../domain/logger.ts';
import { TOPICS } from '../domain/records.ts';
import { startBundledPostgres } from '../store/bundled.ts';
import { createPool, type Pool } from '../store/postgres.ts';
import { bareInsert } from './fanout-bare.ts';
import { openPlace, sayStatements } from './place.ts';
import { append, type Child, startRoles } from './processes.ts';
import { profileFolder, sayProfiles } from './profile.ts';
import { checkupEvent, seedCatalogue, seedCitizens, seedProfiles } from './seed.ts';
import { type Options, proportionalMb, type Report, residentMb, round, say, until } from './support.ts';

const MILLION = 1_000_000;
const MARKS = [0.25, 0.5, 1];

export async function fanout(options: Options): Promise<Report> {
  const citizens = options.number('citizens', MILLION);
  const profiling = options.has('profile');
  const place = await openPlace({ services: false, statements: profiling });
  const profile = profiling ? await profileFolder() : undefined;
  const stops: (() => Promise<unknown>)[] = [];
  try {
    say(`fanout: seeding ${citizens} citizens`);
    await place.withContext(async (context) => {
      await seedCatalogue(context);
      await seedCitizens(context, citizens);
      await seedProfiles(context, citizens);
      await context.pool.query('CHECKPOINT');
    });
    // The server starts anew with this process, as it does for whoever has the whole product in one.
    const child = await startRoles(['rules', 'dispatcher'], { env: place.env, profile });
    let gone = false;
    const end = async () => {
      if (!gone) await child.exit();
      gone = true;
    };
    stops.push(end);
    const server = await startBundledPostgres({ dataDir: place.env['ALLIM_DATA']!, logger: silentLogger });
    stops.push(() => server.stop());
    const pool = createPool({ url: server.url, max: 1, logger: silentLogger });
    stops.push(() => pool.end());
    if (profiling) await pool.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    await child.ask({ do: 'start' });
    const measured = await planned(child, pool, citizens, () => server.pids());
    if (profiling) await sayStatements(server.url);
    await end();
    say(
      `fanout: ${citizens} planned in ${round(measured.seconds)} s, peak ${round(measured.memory.peak)} MB; now the same rows by bare INSERT`,
    );
    const bare = await bareInsert(pool, citizens);
    return {
      figures: {
        seconds_per_million: round((measured.seconds / citizens) * MILLION),
        rss_mb: round(measured.memory.peak),
        rss_mb_before: round(measured.memory.before),
        rss_mb_at_quarter: round(measured.memory.at[0] ?? 0),
        rss_mb_at_half: round(measured.memory.at[1] ?? 0),
        rss_mb_at_end: round(measured.memory.at[2] ?? 0),
      },
      baseline: { bare_insert_seconds_per_million: round((bare / citizens) * MILLION) },
      ratio: { vs_bare_insert: round(bare / measured.seconds) },
    };
  } finally {
    for (const stop of stops.toReversed()) await stop();
    await sayProfiles(profile);
    await place.stop();
  }
}

type Planned = {
  readonly seconds: number;
  /** MB. `at` runs parallel to MARKS. */
  readonly memory: { readonly before: number; readonly peak: number; readonly at: readonly number[] };
};

async function planned(
  child: Child,
  pool: Pool,
  citizens: number,
  serverPids: () => Promise<readonly number[]>,
): Promise<Planned> {
  let parts = '';
  const memory = async () => {
    const [ours, servers] = [await residentMb(child.pid), await proportionalMb(await serverPids())];
    parts = `${round(ours)} MB ours, ${round(servers)} MB the server's`;
    return ours + servers;
  };
  // The shards have read everybody before the event comes, as in a service that has been up for a while.
  await append(child, TOPICS.events, [checkupEvent('warm', { area: '26' })]);
  await until(
    'the shards',
    async () => {
      const { rows } = await pool.query<{ complete: number }>(
        `SELECT count(*) AS complete FROM fanouts WHERE state = 'complete'`,
      );
      return rows[0]?.complete === 8;
    },
    { everyMs: 200 },
  );
  const before = await memory();
  say(`fanout: before it ${parts}`);
  let peak = before;
  let peakParts = parts;
  const at: number[] = [];
  const startedAt = performance.now();
  await append(child, TOPICS.events, [checkupEvent('nationwide')]);
  await until(
    'the last page planned',
    async () => {
      const { rows } = await pool.query<{ planned: number; complete: number }>(
        `SELECT coalesce((SELECT sum(planned) FROM runs), 0)::int AS planned, (SELECT count(*) FROM fanouts WHERE state = 'complete') AS complete`,
      );
      const now = await memory();
      if (now > peak) [peak, peakParts] = [now, parts];
      while (at.length < MARKS.length && (rows[0]?.planned ?? 0) >= citizens * MARKS[at.length]!)
        at.push(now);
      return rows[0]?.complete === 16;
    },
    { everyMs: 100, timeoutMs: 600_000 },
  );
  const seconds = (performance.now() - startedAt) / 1_000;
  say(`fanout: at the peak ${peakParts}`);
  const { rows } = await pool.query<{ deliveries: number; notifications: number }>(
    'SELECT (SELECT count(*) FROM deliveries) AS deliveries, (SELECT count(*) FROM notifications) AS notifications',
  );
  if (rows[0]?.deliveries !== citizens || rows[0].notifications !== citizens)
    throw new Error(`${JSON.stringify(rows[0])} were planned and not ${citizens}`);
  return { seconds, memory: { before, peak, at } };
}
