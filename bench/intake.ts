/**
 * `intake`: events over HTTP in batches of 100, each answered when it is committed, by as many callers as told that send one batch after the
 * other; the role `producers` is a process of its own, and its relay takes part. Beside it, in the same run, a bare INSERT of the same rows in
 * statements of 100 by as many connections. `--seconds N`, `--callers N`, `--profile`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import path from 'node:path';
import type { Context } from '../app/context.ts';
import { parseEvent } from '../domain/cloud-events.ts';
import { TOPICS } from '../domain/records.ts';
import { eventRow } from '../store/events.ts';
import { countUnrelayed } from '../store/status.ts';
import { openPlace, sayStatements } from './place.ts';
import { profileFolder, sayProfiles } from './profile.ts';
import { citizenId, seedCatalogue } from './seed.ts';
import { type Options, quantile, type Report, round, say, sayCpu, until } from './support.ts';

const BATCH = 100;
const PORT = 18_000 + Math.floor(Math.random() * 10_000);

function batchOf(name: string, number: number): object[] {
  return Array.from({ length: BATCH }, (_, at) => {
    const id = `${name}-${number}-${at}`;
    return {
      specversion: '1.0',
      id,
      source: '/nts/property-tax',
      type: 'kr.nts.property-tax.assessed',
      time: '2026-07-10T09:00:00+09:00',
      subject: citizenId((number * BATCH + at) % 50_000),
      allimobligation: `property-tax/${id}`,
      datacontenttype: 'application/json',
      data: { amount: 10_000 + at, dueOn: '2026-07-31' },
    };
  });
}

type Posted = { readonly status: number; readonly ms: number; readonly retryAfterMs: number };

function post(agent: Agent, token: string, body: Buffer): Promise<Posted> {
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        agent,
        port: PORT,
        host: '127.0.0.1',
        method: 'POST',
        path: '/api/v1/events',
        headers: {
          authorization: `Bearer ${token}`,
          'content-type': 'application/cloudevents-batch+json',
          'content-length': body.length,
        },
      },
      (response) => {
        response.resume().on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            ms: performance.now() - startedAt,
            retryAfterMs: Number(response.headers['retry-after'] ?? 0) * 1_000,
          }),
        );
      },
    );
    sent.on('error', reject).end(body);
  });
}

/** Callers that send one batch after the other until the time is over. */
async function load(name: string, seconds: number, callers: number, token: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: callers });
  const took: number[] = [];
  let refused = 0;
  let next = 0;
  const startedAt = performance.now();
  const endAt = startedAt + seconds * 1_000;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < endAt) {
        const body = Buffer.from(JSON.stringify(batchOf(name, next++)));
        for (;;) {
          const { status, ms, retryAfterMs } = await post(agent, token, body);
          if (status === 202) {
            took.push(ms);
            break;
          }
          if (status !== 429) throw new Error(`the answer was ${status}`);
          refused++;
          await new Promise((resolve) => setTimeout(resolve, retryAfterMs));
        }
      }
    }),
  );
  agent.destroy();
  return { took, refused, seconds: (performance.now() - startedAt) / 1_000 };
}

/** The same rows, prepared before the clock runs, into a table like the ledger's. */
async function bare({ pool }: Context, callers: number, statements: number): Promise<number> {
  await pool.query('CREATE TABLE bare_events (LIKE events INCLUDING ALL)');
  const prepared = Array.from({ length: statements }, (_, number) => {
    const rows = batchOf('bare', number).map((event) => eventRow(parseEvent(event), 'nts'));
    return [
      rows.map((e) => e.row),
      rows.map((e) => e.event.source),
      rows.map((e) => e.event.id),
      rows.map((e) => e.event.type),
      rows.map((e) => e.hash),
      rows.map((e) => JSON.stringify(e.event)),
    ];
  });
  const startedAt = performance.now();
  await Promise.all(
    Array.from({ length: callers }, async () => {
      for (let values = prepared.pop(); values !== undefined; values = prepared.pop())
        await pool.query({
          name: 'bare-insert',
          text: `INSERT INTO bare_events (id, agency_id, source, event_id, type, sequence, state, hash, body, received_at)
            SELECT id, 'nts', source, event_id, type, 0, 'received', hash, body::jsonb, now()
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[]) u(id, source, event_id, type, hash, body)`,
          values,
        });
    }),
  );
  return (statements * BATCH * 1_000) / (performance.now() - startedAt);
}

export async function intake(options: Options): Promise<Report> {
  const seconds = options.number('seconds', 20);
  const callers = options.number('callers', 4);
  const profiling = options.has('profile');
  const place = await openPlace({ services: true, statements: profiling });
  const profile = profiling ? await profileFolder() : undefined;
  const token = randomBytes(24).toString('base64url');
  let child: ChildProcess | undefined;
  try {
    return await place.withContext(async (context) => {
      await seedCatalogue(context);
      const args =
        profile === undefined
          ? []
          : ['--cpu-prof', `--cpu-prof-dir=${profile}`, '--cpu-prof-name=producers.cpuprofile'];
      const role = spawn(
        process.execPath,
        [...args, path.join(import.meta.dirname, '..', 'app', 'main.ts'), 'producers'],
        {
          env: {
            ...process.env,
            ...place.env,
            PORT: String(PORT),
            ALLIM_ADMIN_TOKEN: token,
            ALLIM_LOG_LEVEL: 'warn',
          },
          stdio: 'inherit',
        },
      );
      child = role;
      await until(
        'the role',
        async () => (await fetch(`http://127.0.0.1:${PORT}/healthz`).catch(() => null))?.ok === true,
        { timeoutMs: 60_000 },
      );
      say('intake: warming up');
      await load('warm', 3, callers, token);
      const relayed = async () => (await countUnrelayed(context.pool)) === 0;
      await until('the end of the warm-up', relayed);
      if (profiling) await sayStatements(place.env['DATABASE_URL']!, 0);

      const groups = async () => ({
        producers: [role.pid!],
        callers: [process.pid],
        ...(await place.pids()),
      });
      const before = (await context.broker.ends(TOPICS.events)).reduce((sum, end) => sum + end, 0);
      say(`intake: ${callers} callers for ${seconds} s`);
      const startedAt = performance.now();
      let events = 0;
      const { took, refused, ...run } = await sayCpu('intake', 1, groups, async () => {
        const done = await load('event', seconds, callers, token);
        events = done.took.length * BATCH;
        return done;
      });
      await until('the last event in the log', relayed);
      const relaySeconds = (performance.now() - startedAt) / 1_000;
      const appended = (await context.broker.ends(TOPICS.events)).reduce((sum, end) => sum + end, 0) - before;
      if (appended < events)
        throw new Error(`${events} events were accepted, and ${appended} are in the log`);
      if (profiling) await sayStatements(place.env['DATABASE_URL']!);
      const bareRate = await bare(context, callers, Math.min(2_000, Math.ceil(events / BATCH)));
      const rate = events / run.seconds;
      return {
        figures: {
          events_per_s: round(rate),
          p50_ms: round(quantile(took, 0.5)),
          p99_ms: round(quantile(took, 0.99)),
          max_ms: round(Math.max(...took)),
          relayed_per_s: round(events / relaySeconds),
          repeated_by_relay: appended - events,
          told_to_come_back: refused,
        },
        baseline: { bare_insert_rows_per_s: round(bareRate) },
        ratio: { to_bare_insert: round(rate / bareRate) },
      };
    });
  } finally {
    if (child !== undefined && child.exitCode === null) {
      child.kill('SIGTERM');
      await new Promise((resolve) => child?.once('exit', resolve));
    }
    await sayProfiles(profile);
    await place.stop();
  }
}
