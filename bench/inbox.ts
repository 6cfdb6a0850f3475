/**
 * `inbox`: `GET /me` of citizens with some notices each, at a steady rate whether answers come or not, first alone and then while a nationwide
 * fan-out is planned by a dispatcher of its own. The role `web` is a process of its own, as are rules and dispatcher; sessions stand in the
 * ledger before. `--citizens N` (200,000) in the fan-out, `--rate N` (300) a second, `--seconds N` (20), `--readers N` (2,000), `--profile`.
 */
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { TOPICS } from '../domain/records.ts';
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
import { cpuSeconds, type Options, quantile, type Report, round, say, until } from './support.ts';
import { signIn, startWeb, type Web } from './web-role.ts';

/** Notices of each reader before the measurement. */
const NOTICES = 3;
/** Beside the fan-out, however long that takes. */
const LONGEST_MS = 60_000;

type Measured = { readonly took: number[]; readonly refused: number; readonly bytes: number };

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
  let bytes = 0;
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
          (answer) =>
            answer
              .on('data', (chunk: Buffer) => {
                bytes += chunk.length;
              })
              .on('end', () => end(answer.statusCode === 200)),
        );
        call.on('error', () => end(false));
        call.end();
      }),
    );
  }
  await Promise.all(under);
  agent.destroy();
  if (took.length === 0) throw new Error(`none of ${refused} inboxes was answered with its page`);
  return { took, refused, bytes };
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
  let web: Web | undefined;
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
      const cookies = (await signIn(context, readers)).map(({ cookie }) => cookie);
      web = await startWeb(place.env, profile);
      const { port, pid } = web;
      await read(port, cookies, rate, (ms) => ms < 5_000);
      const busy = () => cpuSeconds(pid);
      const before = await busy();
      const alone = await read(port, cookies, rate, (ms) => ms < seconds * 1_000);
      const cpuMs = ((await busy()) - before) * 1_000;
      say(`inbox: alone p99 ${round(quantile(alone.took, 0.99))} ms; now beside a fan-out to ${citizens}`);
      const already = await planned();
      await append(children[1]!, TOPICS.events, [checkupEvent('inbox-fanout')]);
      let over = false;
      const watching = (async () => {
        while (!over) {
          over = (await planned()) >= already + citizens;
          await delay(500);
        }
      })();
      const startedMs = performance.now();
      const beside = await read(port, cookies, rate, (ms) => !over && ms < LONGEST_MS);
      const fanoutMs = performance.now() - startedMs;
      over = true;
      await watching;
      return {
        figures: {
          rate,
          kb_a_page: round(alone.bytes / alone.took.length / 1_024),
          web_cpu_ms_a_page: round(cpuMs / alone.took.length),
          p50_ms_during_fanout: round(quantile(beside.took, 0.5)),
          p99_ms_during_fanout: round(quantile(beside.took, 0.99)),
          reads_during_fanout: beside.took.length,
          planned_a_second_beside: round(((await planned()) - already) / (fanoutMs / 1_000)),
          refused: alone.refused + beside.refused,
        },
        baseline: {
          p50_ms_alone: round(quantile(alone.took, 0.5)),
          p99_ms_alone: round(quantile(alone.took, 0.99)),
        },
        ratio: { p99_alone_vs_fanout: round(quantile(alone.took, 0.99) / quantile(beside.took, 0.99)) },
      };
    });
  } finally {
    await web?.stop();
    for (const child of children) await child.exit();
    await sayProfiles(profile);
    if (profiling && place.postgres !== null) await sayStatements(place.postgres.url);
    await place.stop();
  }
}
