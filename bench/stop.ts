/**
 * `stop`: how soon after "stop" no further call reaches a provider. Workers send mail and text messages, as fast as they can, to sinks in a
 * process of their own that write down when each came; what counts is the last of them, by the sink's clock, from the moment at which the stop
 * was asked for. Everything and one agency are stopped in turn; then campaigns of as many notices are cancelled. `--stops N`, `--cancels N`,
 * `--notices N`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../app/context.ts';
import { TOPICS } from '../domain/records.ts';
import { cancelCampaign } from '../store/cancellations.ts';
import { removeStop, saveStop } from '../store/stops.ts';
import { preparePages } from './pipeline.ts';
import { openPlace } from './place.ts';
import { type Child, startRoles } from './processes.ts';
import { seedCatalogue, seedCitizens } from './seed.ts';
import { median, type Options, type Report, round, say, until } from './support.ts';

const ROOT = path.join(import.meta.dirname, '..');
/** Nothing may come for this long, which is longer than the figure that must hold. */
const QUIET_MS = 2_500;
const SCOPES = ['all', 'agency:nhis'] as const;

/** Starts `node FILE …` and waits for its first line, where it says one. */
async function run(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  ready: (line: string) => boolean,
): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, [path.join(ROOT, file), ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: child.stdout! }))
    if (ready(line)) {
      child.stdout!.resume();
      return { child, line };
    }
  throw new Error(`${file} ended before it was ready`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await exited;
}

export async function stop(options: Options): Promise<Report> {
  const stops = options.number('stops', 10);
  const cancels = options.number('cancels', 3);
  const notices = options.number('notices', 60_000);
  const place = await openPlace({ services: true });
  const log = path.join(place.folder, 'sink');
  const processes: ChildProcess[] = [];
  let dispatcher: Child | undefined;

  /** When each message came. */
  const arrivals = async () =>
    (await readFile(log, 'utf8').catch(() => ''))
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { atMs: number }).atMs);

  try {
    return await place.withContext(async (context: Context) => {
      say(`stop: seeding ${notices} citizens`);
      await seedCatalogue(context);
      await seedCitizens(context, notices);
      await context.pool.query(`DELETE FROM contact_points WHERE channel = 'push'`);
      const sink = await run(
        'test/sinks/main.ts',
        ['--smsc', '0', '--smtp', '0', '--log', log],
        {},
        () => true,
      );
      processes.push(sink.child);
      const { smsc, smtp } = JSON.parse(sink.line) as Record<'smsc' | 'smtp', { port: number }>;
      const workers = await run(
        'app/main.ts',
        ['workers'],
        {
          ...place.env,
          ALLIM_LOG_LEVEL: 'info',
          SMS_URL: `smpp://allim:password@127.0.0.1:${smsc.port}`,
          SMS_FROM: '15771000',
          SMTP_URL: `smtp://127.0.0.1:${smtp.port}`,
          SMTP_FROM: 'no-reply@allim.example',
        },
        (line) => line.includes('"started"'),
      );
      processes.push(workers.child);
      dispatcher = await startRoles(['dispatcher'], { env: place.env });
      await dispatcher.ask({ do: 'start' });
      await context.broker.append(TOPICS.audiences.bulk, await preparePages(context, 'stop', notices));

      /** Messages have been coming for a second. */
      const busy = async () => {
        const from = Date.now();
        await until(
          'a busy sink',
          async () => {
            const now = Date.now();
            const recent = (await arrivals()).filter((at) => at > Math.max(from, now - 1_000));
            return now - from > 1_000 && recent.length > 100 && recent.at(-1)! > now - 200;
          },
          { everyMs: 50, timeoutMs: 300_000 },
        );
      };

      const took: number[] = [];
      const rates: number[] = [];
      let called = 0;
      for (let turn = 0; turn < stops; turn++) {
        const scope = SCOPES[turn % SCOPES.length]!;
        await busy();
        const before = await arrivals();
        rates.push(before.filter((at) => at > Date.now() - 1_000).length);
        // Not at the same place of the workers' rhythm each time.
        await delay((turn * 37) % 100);
        const askedAt = Date.now();
        await saveStop(context.pool, {
          scope,
          agency: scope === 'all' ? null : 'nhis',
          reason: 'bench',
          createdBy: 'administrator',
        });
        await delay(QUIET_MS);
        const after = (await arrivals()).filter((at) => at >= askedAt);
        const last = Math.max(askedAt, ...after) - askedAt;
        took.push(last);
        called += after.length;
        say(
          `stop: ${scope} at ${rates.at(-1)} messages/s: the last of ${after.length} came after ${last} ms`,
        );
        await removeStop(context.pool, scope, null);
      }
      const cancelled: number[] = [];
      const swept: number[] = [];
      for (let turn = 0; turn < cancels; turn++) {
        // The first is the campaign that was stopped and resumed.
        const name = turn === 0 ? 'stop' : `cancel-${turn}`;
        if (turn > 0)
          await context.broker.append(TOPICS.audiences.bulk, await preparePages(context, name, notices));
        await busy();
        const { rows } = await context.pool.query<{ id: string }>(
          'SELECT c.id FROM campaigns c JOIN events e ON e.id = c.event_id WHERE e.event_id = $1',
          [name],
        );
        const askedAt = Date.now();
        await cancelCampaign(context.pool, rows[0]!.id, { by: 'administrator', reason: 'bench' }, Date.now());
        await delay(QUIET_MS);
        const after = (await arrivals()).filter((at) => at >= askedAt);
        cancelled.push(Math.max(askedAt, ...after) - askedAt);
        await until(
          'the end of what was planned',
          async () => {
            const open = await context.pool.query(
              `SELECT 1 FROM campaigns WHERE cancelled_at IS NOT NULL AND swept_at IS NULL
               UNION ALL SELECT 1 FROM batches WHERE state IN ('ready', 'queued') LIMIT 1`,
            );
            return open.rows.length === 0;
          },
          { everyMs: 100, timeoutMs: 300_000 },
        );
        swept.push((Date.now() - askedAt) / 1_000);
        say(
          `stop: cancelled: the last of ${after.length} came after ${cancelled.at(-1)} ms; nothing was left of it after ${swept.at(-1)} s`,
        );
      }
      const { rows } = await context.pool.query<{ n: number }>(
        'SELECT count(*) AS n FROM deliveries WHERE unclear > 0 OR attempt > 1',
      );
      return {
        figures: {
          last_call_ms_median: median(took),
          last_call_ms_max: Math.max(...took),
          calls_after_stop_mean: round(called / stops),
          messages_per_s: median(rates),
          cancel_last_call_ms_median: median(cancelled),
          cancel_last_call_ms_max: Math.max(...cancelled),
          cancel_left_s_median: round(median(swept)),
          called_twice: rows[0]?.n ?? 0,
        },
        baseline: {},
        ratio: {},
      };
    });
  } finally {
    await dispatcher?.exit();
    for (const child of processes.toReversed()) await end(child);
    await place.stop();
  }
}
