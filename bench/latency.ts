/**
 * `latency`: how long from an event's append to Kafka to the call of its provider, at a steady rate; and how soon a profile that was
 * acknowledged is matched on: right after the acknowledgement of a profile that makes its citizen match, an event for that citizen is
 * appended, and the time until the provider is called counts. Roles are processes of their own.
 * Then the same beside a nationwide broadcast (beside.ts), in a place of its own: `--bulk N` (1,000,000) citizens, `--beside-rate N`;
 * `--alone` leaves it out, `--only-beside` the rest. `--seconds N`, `--rate N` a second, `--profiles N`, `--profile`.
 */
import path from 'node:path';
import type { Context } from '../app/context.ts';
import { TOPICS } from '../domain/records.ts';
import { besideBulk } from './beside.ts';
import { callsOf, type Sent, steadily, tookMs } from './load.ts';
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
import { nowMs, type Options, quantile, type Report, round, say, sayCpu } from './support.ts';

const CITIZENS = 20_000;
/** Where nobody of the seed lives: only who has moved there matches an event for it. */
const AREA = '26';

export async function latency(options: Options): Promise<Report> {
  const quiet = options.has('only-beside') ? {} : await alone(options);
  const beside = options.has('alone') ? {} : await besideBulk(options);
  return { figures: { ...quiet, ...beside }, baseline: {}, ratio: {} };
}

async function alone(options: Options): Promise<Readonly<Record<string, number>>> {
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
      await callsOf(context, record, [...warm.keys()]);
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
        return { appended, calls: await callsOf(context, record, [...appended.keys()]) };
      });
      const took = tookMs(appended, calls);
      if (profiling) await sayStatements(env['DATABASE_URL']!);

      say(`latency: ${profiles} profiles`);
      const acknowledged = await steadily(20, profiles, (at) => moveAndAsk(context, at));
      const fresh = tookMs(acknowledged, await callsOf(context, record, [...acknowledged.keys()]));
      return {
        p50_ms: round(quantile(took, 0.5)),
        p99_ms: round(quantile(took, 0.99)),
        max_ms: round(Math.max(...took)),
        profile_p50_ms: round(quantile(fresh, 0.5)),
        profile_p99_ms: round(quantile(fresh, 0.99)),
      };
    });
  } finally {
    await Promise.all(children.map((child) => child.exit()));
    await sayProfiles(profile);
    await place.stop();
  }
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
