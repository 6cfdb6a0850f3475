/**
 * `inbox`: `GET /me` of citizens with some notices each, at a steady rate whether answers come or not, first alone and then while a nationwide
 * fan-out is planned by a dispatcher of its own. The role `web` is a process of its own, as are rules and dispatcher; sessions stand in the
 * ledger before. `--citizens N` (200,000) in the fan-out, `--rate N` (300) a second, `--seconds N` (20), `--readers N` (2,000), `--profile`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { Agent, request } from 'node:http';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../app/context.ts';
import { TOPICS } from '../domain/records.ts';
import { createSessions } from '../web/sign-in/sessions.ts';
import { openPlace, sayStatements } from './place.ts';
import { append, type Child, startRoles } from './processes.ts';
import { profileFolder, sayProfiles } from './profile.ts';
import {
  checkupEvent,
  citizenId,
  propertyTaxEvent,
  seedCatalogue,
  seedCitizens,
  seedProfiles,
} from './seed.ts';
import { type Options, quantile, type Report, round, say, until } from './support.ts';

/** Notices of each reader before the measurement. */
const NOTICES = 3;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startWeb(
  env: Readonly<Record<string, string>>,
  port: number,
  profile: string | undefined,
): Promise<ChildProcess> {
  const profiling =
    profile === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${profile}`, '--cpu-prof-name=web.cpuprofile'];
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      ...profiling,
      path.join(import.meta.dirname, '..', 'app', 'main.ts'),
      'web',
    ],
    {
      env: { PATH: process.env['PATH'], ...env, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  await until(
    'the role web',
    () =>
      new Promise<boolean>((resolve) => {
        const call = request({ port, host: '127.0.0.1', path: '/healthz' }, (answer) => {
          answer.resume();
          resolve(answer.statusCode === 200);
        });
        call.on('error', () => resolve(false));
        call.end();
      }),
    { timeoutMs: 60_000 },
  );
  return child;
}

type Measured = { readonly took: number[]; readonly refused: number };

/** At a steady rate: what is slow does not keep back what follows it. */
async function read(
  port: number,
  cookies: readonly string[],
  rate: number,
  goOn: (at: number) => boolean,
): Promise<Measured> {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const took: number[] = [];
  let refused = 0;
  const under: Promise<void>[] = [];
  const startedMs = performance.now();
  for (let at = 0; goOn(performance.now() - startedMs); at++) {
    const dueMs = startedMs + (at * 1_000) / rate;
    const leftMs = dueMs - performance.now();
    if (leftMs > 1) await delay(leftMs);
    under.push(
      new Promise((resolve) => {
        const end = (good: boolean) => {
          // From when it was due: a reader waits for that too.
          if (good) took.push(performance.now() - dueMs);
          else refused++;
          resolve();
        };
        const call = request(
          { agent, port, host: '127.0.0.1', path: '/me', headers: { cookie: cookies[at % cookies.length] } },
          (answer) => answer.resume().on('end', () => end(answer.statusCode === 200)),
        );
        call.on('error', () => end(false));
        call.end();
      }),
    );
  }
  await Promise.all(under);
  agent.destroy();
  return { took, refused };
}

async function signIn(context: Context, readers: number): Promise<string[]> {
  const sessions = createSessions(context);
  const cookies: string[] = [];
  for (let at = 0; at < readers; at++) {
    const as = { kind: 'citizen', citizen: citizenId(at), locale: 'ko' } as const;
    const { token } = await sessions.open(as, { device: 'bench', idToken: null });
    cookies.push(`allim-session=${token}`);
  }
  return cookies;
}

export async function inbox(options: Options): Promise<Report> {
  const citizens = options.number('citizens', 200_000);
  const readers = Math.min(options.number('readers', 2_000), citizens);
  const rate = options.number('rate', 300);
  const seconds = options.number('seconds', 20);
  const profiling = options.has('profile');
  const place = await openPlace({ services: true, statements: profiling });
  const profile = profiling ? await profileFolder() : undefined;
  const children: Child[] = [];
  let web: ChildProcess | undefined;
  try {
    return await place.withContext(async (context) => {
      say(`inbox: seeding ${citizens} citizens`);
      await seedCatalogue(context);
      await seedCitizens(context, citizens);
      await seedProfiles(context, citizens);
      children.push(await startRoles(['rules'], { env: place.env, profile }));
      children.push(await startRoles(['dispatcher'], { env: place.env, profile }));
      for (const child of children) await child.ask({ do: 'start' });
      for (let n = 0; n < NOTICES; n++)
        await context.broker.append(
          TOPICS.events,
          Array.from({ length: readers }, (_, at) => propertyTaxEvent(`inbox-${n}-${at}`, citizenId(at))),
        );
      const planned = async (): Promise<number> =>
        (await context.pool.query<{ n: number }>('SELECT count(*) AS n FROM notifications')).rows[0]!.n;
      await until('notices of the readers', async () => (await planned()) >= readers * NOTICES);
      const cookies = await signIn(context, readers);
      const port = await freePort();
      web = await startWeb(place.env, port, profile);
      await read(port, cookies, rate, (ms) => ms < 5_000);
      const alone = await read(port, cookies, rate, (ms) => ms < seconds * 1_000);
      say(`inbox: alone p99 ${round(quantile(alone.took, 0.99))} ms; now beside a fan-out to ${citizens}`);
      const before = await planned();
      await append(children[1]!, TOPICS.events, [checkupEvent('inbox-fanout')]);
      let over = false;
      const watching = (async () => {
        while (!over) {
          over = (await planned()) >= before + citizens / 4;
          await delay(500);
        }
      })();
      const beside = await read(port, cookies, rate, (ms) => !over && ms < 90_000);
      over = true;
      await watching;
      return {
        figures: {
          rate,
          p50_ms: round(quantile(alone.took, 0.5)),
          p99_ms: round(quantile(alone.took, 0.99)),
          p50_ms_during_fanout: round(quantile(beside.took, 0.5)),
          p99_ms_during_fanout: round(quantile(beside.took, 0.99)),
          reads_during_fanout: beside.took.length,
          refused: alone.refused + beside.refused,
        },
        baseline: {},
        ratio: {},
      };
    });
  } finally {
    if (web !== undefined) {
      const ended = new Promise((resolve) => web?.once('exit', resolve));
      web.kill();
      await ended;
    }
    for (const child of children) await child.exit();
    await sayProfiles(profile);
    if (profiling && place.postgres !== null) await sayStatements(place.postgres.url);
    await place.stop();
  }
}
