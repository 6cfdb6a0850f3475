/**
 * `latency`: how long from an event's append to Kafka to the call of its provider, at a steady rate; and how soon a profile that was
 * acknowledged is matched on: right after the acknowledgement of a profile that makes its citizen match, an event for that citizen is
 * appended, and the time until the provider is called counts. Roles are processes of their own.
 * `--seconds N`, `--rate N` a second, `--profiles N`, `--profile`.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Context } from '../app/context.ts';
import { TOPICS } from '../domain/records.ts';
import { openPlace, sayStatements } from './place.ts';
import { type Child, startRoles } from './processes.ts';
import { profileFolder, sayProfiles } from './profile.ts';
import {
  checkupEvent,
  citizenId,
  profileOf,
  profileRecord,
  propertyTaxEvent,
  seedCatalogue,
  seedCitizens,
  seedProfiles,
} from './seed.ts';
import { nowMs, type Options, quantile, type Report, round, say, sayCpu, until } from './support.ts';

const CITIZENS = 20_000;
/** Where nobody of the seed lives: only who has moved there matches an event for it. */
const AREA = '26';

export async function latency(options: Options): Promise<Report> {
  const seconds = options.number('seconds', 60);
  const rate = options.number('rate', 100);
  const profiles = Math.min(options.number('profiles', 500), CITIZENS);
  const profiling = options.has('profile');
  const place = await openPlace({ services: true, statements: profiling });
  const profile = profiling ? await profileFolder() : undefined;
  const record = path.join(place.folder, 'calls');
  const children: Child[] = [];
  const { env } = place;
  try {
    return await place.withContext(async (context) => {
      say(`latency: seeding ${CITIZENS} citizens`);
      await seedCatalogue(context);
      await seedCitizens(context, CITIZENS);
      await seedProfiles(context, CITIZENS);
      children.push(await startRoles(['rules'], { env, profile }));
      children.push(await startRoles(['workers'], { env, profile, record }));
      children.push(await startRoles(['dispatcher'], { env, profile }));
      for (const child of children) await child.ask({ do: 'start' });

      say('latency: warming up');
      const warm = await steadily(rate, 5 * rate, (at) => taxEvent(context, `warm-${at}`, at));
      await called(context, record, [...warm.keys()]);
      if (profiling) await sayStatements(env['DATABASE_URL']!, 0);

      say(`latency: ${rate} events a second for ${seconds} s`);
      const groups = async () => ({
        rules: [children[0]!.pid],
        workers: [children[1]!.pid],
        dispatcher: [children[2]!.pid],
        publisher: [process.pid],
        ...(await place.pids()),
      });
      const { appended, calls } = await sayCpu('latency', rate * seconds, groups, async () => {
        const appended = await steadily(rate, rate * seconds, (at) => taxEvent(context, `event-${at}`, at));
        return { appended, calls: await called(context, record, [...appended.keys()]) };
      });
      const took = [...appended].map(([id, at]) => calls.get(id)! - at);
      if (profiling) await sayStatements(env['DATABASE_URL']!);

      say(`latency: ${profiles} profiles`);
      const acknowledged = await steadily(20, profiles, (at) => moveAndAsk(context, at));
      const answers = await called(context, record, [...acknowledged.keys()]);
      const fresh = [...acknowledged].map(([id, at]) => answers.get(id)! - at);
      return {
        figures: {
          p50_ms: round(quantile(took, 0.5)),
          p99_ms: round(quantile(took, 0.99)),
          max_ms: round(Math.max(...took)),
          profile_p50_ms: round(quantile(fresh, 0.5)),
          profile_p99_ms: round(quantile(fresh, 0.99)),
        },
        baseline: {},
        ratio: {},
      };
    });
  } finally {
    await Promise.all(children.map((child) => child.exit()));
    await sayProfiles(profile);
    await place.stop();
  }
}

type Sent = { readonly id: string; readonly atMs: number };

/** Begins `send` at fixed instants, whether or not earlier ones have ended: a slow answer must not thin out the load. */
async function steadily(
  rate: number,
  count: number,
  send: (at: number) => Promise<Sent>,
): Promise<Map<string, number>> {
  const sending: Promise<Sent>[] = [];
  const startedAt = performance.now();
  for (let at = 0; at < count; at++) {
    const wait = startedAt + (at * 1_000) / rate - performance.now();
    if (wait > 0) await delay(wait);
    sending.push(send(at));
  }
  return new Map((await Promise.all(sending)).map(({ id, atMs }) => [id, atMs]));
}

async function taxEvent({ broker }: Context, id: string, at: number): Promise<Sent> {
  const atMs = nowMs();
  await broker.append(TOPICS.events, [propertyTaxEvent(id, citizenId(at % CITIZENS))]);
  return { id, atMs };
}

/** The citizen moves, which is acknowledged, and at once an event comes for those who live there now. */
async function moveAndAsk({ broker }: Context, at: number): Promise<Sent> {
  const id = `moved-${at}`;
  const citizen = citizenId(at);
  await broker.append(TOPICS.profiles, [
    profileRecord(citizen, { ...profileOf(at), sido: AREA, sigungu: `${AREA}110` }),
  ]);
  const atMs = nowMs();
  await broker.append(TOPICS.events, [checkupEvent(id, { area: AREA, subject: citizen })]);
  return { id, atMs };
}

/** When the provider was called for each event, by its id. Every event must have led to exactly one call. */
async function called(
  context: Context,
  file: string,
  events: readonly string[],
): Promise<Map<string, number>> {
  const wanted = new Set(events);
  const calls = new Map<string, number>();
  await until(
    'a call for every event',
    async () => {
      const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(0, -1);
      const times = new Map(
        lines.map((line): [string, number] => {
          const [delivery = '', at] = line.split(' ');
          return [delivery, Number(at)];
        }),
      );
      if (times.size !== lines.length) throw new Error('a delivery was called twice');
      if (times.size < wanted.size) return false;
      const { rows } = await context.pool.query<{ delivery: string; event: string }>(
        `SELECT d.id AS delivery, e.event_id AS event FROM deliveries d JOIN notifications n ON n.id = d.notification_id AND n.month = d.month
         JOIN events e ON e.id = n.event_id`,
      );
      calls.clear();
      for (const { delivery, event } of rows) {
        const at = times.get(delivery);
        if (at !== undefined && wanted.has(event)) calls.set(event, at);
      }
      return calls.size === wanted.size;
    },
    { everyMs: 500, timeoutMs: 60_000 },
  );
  return calls;
}
