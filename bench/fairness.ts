/**
 * `fairness`: what a small agency's citizens wait for while another agency floods. One event a person of the small one at a steady rate, first
 * alone, then while the other one's events come as fast as Kafka takes them; from the append to the call of the provider.
 * `--flood N` events, `--seconds N` alone, `--rate N` a second, `--shared`: the flood comes over the topic that all agencies share instead of
 * the flooding agency's own; `--profile`.
 */
import path from 'node:path';
import { AGENCY_TOPIC_PREFIX, TOPICS } from '../domain/records.ts';
import { callsOf, saySteps, sendEvent, steadily, steadilyWhile, tookMs } from './load.ts';
import { openPlace, sayStatements } from './place.ts';
import { type Child, startRoles } from './processes.ts';
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

const CITIZENS = 50_000;
const CHUNK = 1_000;
const BIG = 'nts';

export async function fairness(options: Options): Promise<Report> {
  const flood = options.number('flood', 100_000);
  const rate = options.number('rate', 20);
  const seconds = options.number('seconds', 30);
  const topic = options.has('shared') ? TOPICS.events : `${AGENCY_TOPIC_PREFIX}${BIG}`;
  const profiling = options.has('profile');
  const place = await openPlace({ services: true, statements: profiling });
  const profile = profiling ? await profileFolder() : undefined;
  const record = path.join(place.folder, 'calls');
  const children: Child[] = [];
  const { env } = place;
  try {
    return await place.withContext(async (context) => {
      say(`fairness: seeding ${CITIZENS} citizens`);
      await seedCatalogue(context);
      await seedCitizens(context, CITIZENS);
      await seedProfiles(context, CITIZENS);
      await context.broker.prepare([{ topic, partitions: 2, compacted: false }], { create: true });
      for (const roles of [['rules'], ['workers'], ['dispatcher']])
        children.push(
          await startRoles(roles, { env, profile, ...(roles[0] === 'workers' ? { record } : {}) }),
        );
      for (const child of children) await child.ask({ do: 'start' });
      const small = (name: string) => (at: number) =>
        sendEvent(
          context,
          TOPICS.events,
          `${name}-${at}`,
          checkupEvent(`${name}-${at}`, { subject: citizenId(at % CITIZENS) }),
        );
      const big = (name: string, from: number, count: number) =>
        context.broker.append(
          topic,
          Array.from({ length: count }, (_, at) =>
            propertyTaxEvent(`${name}-${from + at}`, citizenId((from + at) % CITIZENS)),
          ),
        );

      say('fairness: warming up');
      await big('warm', 0, CHUNK);
      const warm = await steadily(rate, 5 * rate, small('warm-small'));
      await callsOf(context, record, [...warm.keys()]);
      const rest = async () => {
        const { rows } = await context.pool.query<{ sent: number }>(
          `SELECT count(*) AS sent FROM deliveries WHERE agency_id = $1 AND status = 'sent'`,
          [BIG],
        );
        return rows[0]?.sent ?? 0;
      };
      // Its topic is found within half a minute.
      await until('the warm-up of the flood', async () => (await rest()) === CHUNK, { timeoutMs: 90_000 });

      say(`fairness: ${rate} events a second alone for ${seconds} s`);
      const alone = await steadily(rate, rate * seconds, small('alone'));
      const aloneMs = tookMs(alone, await callsOf(context, record, [...alone.keys()]));

      for (const child of children) await child.ask({ do: 'lag' });
      say(`fairness: the same while ${flood} events of ${BIG} come over ${topic}`);
      if (profiling) await sayStatements(env['DATABASE_URL']!, 0);
      let busy = true;
      const startedAt = performance.now();
      const beside = steadilyWhile(rate, () => busy, small('beside'));
      for (let from = 0; from < flood; from += CHUNK) await big('flood', from, Math.min(CHUNK, flood - from));
      const appended = (performance.now() - startedAt) / 1_000;
      await until('the end of the flood', async () => (await rest()) >= flood + CHUNK, {
        everyMs: 500,
        timeoutMs: 1_200_000,
      });
      const took = (performance.now() - startedAt) / 1_000;
      busy = false;
      for (const child of children) await child.ask({ do: 'lag' });
      const during = await beside;
      const besideMs = tookMs(during, await callsOf(context, record, [...during.keys()]));
      if (profiling) await sayStatements(env['DATABASE_URL']!);
      await saySteps(context, alone);
      await saySteps(context, during);
      say(`fairness: appended in ${round(appended)} s, sent in ${round(took)} s`);
      return {
        figures: {
          p50_ms: round(quantile(besideMs, 0.5)),
          p99_ms: round(quantile(besideMs, 0.99)),
          flood_events_per_s: round(flood / took),
        },
        baseline: {
          alone_p50_ms: round(quantile(aloneMs, 0.5)),
          alone_p99_ms: round(quantile(aloneMs, 0.99)),
        },
        // The one ratio that is better when smaller: the issue asks for how many times longer it takes.
        ratio: { flooded_vs_alone_p99: round(quantile(besideMs, 0.99) / quantile(aloneMs, 0.99)) },
      };
    });
  } finally {
    await Promise.all(children.map((child) => child.exit()));
    await sayProfiles(profile);
    await place.stop();
  }
}
