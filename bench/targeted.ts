/**
 * `targeted`: property-tax assessments on Kafka, one event a citizen, → `sent` with a provider that does nothing. Dispatcher, rules and
 * workers are processes of their own. From the first append to the last `sent`.
 * `--events N`, `--citizens N`, `--profile`.
 */
import { TOPICS } from '../domain/records.ts';
import { openPlace, sayStatements } from './place.ts';
import { type Child, startRoles } from './processes.ts';
import { profileFolder, sayProfiles } from './profile.ts';
import { citizenId, propertyTaxEvent, seedCatalogue, seedCitizens, seedProfiles } from './seed.ts';
import { type Options, type Report, round, say, sayCpu, until } from './support.ts';

const CHUNK = 2_000;

export async function targeted(options: Options): Promise<Report> {
  const events = options.number('events', 200_000);
  const citizens = options.number('citizens', 100_000);
  const profiling = options.has('profile');
  const place = await openPlace({ services: true, statements: profiling });
  const profile = profiling ? await profileFolder() : undefined;
  const children: Child[] = [];
  try {
    return await place.withContext(async (context) => {
      say(`targeted: seeding ${citizens} citizens`);
      await seedCatalogue(context);
      await seedCitizens(context, citizens);
      await seedProfiles(context, citizens);
      for (const role of ['rules', 'workers', 'dispatcher'])
        children.push(await startRoles([role], { env: place.env, profile }));
      for (const child of children) await child.ask({ do: 'start' });
      const sent = async () => {
        const { rows } = await context.pool.query<{ sent: number }>(
          `SELECT count(*) AS sent FROM deliveries WHERE status = 'sent'`,
        );
        return rows[0]?.sent ?? 0;
      };
      const publish = async (name: string, count: number) => {
        for (let from = 0; from < count; from += CHUNK)
          await context.broker.append(
            TOPICS.events,
            Array.from({ length: Math.min(CHUNK, count - from) }, (_, at) =>
              propertyTaxEvent(`${name}-${from + at}`, citizenId((from + at) % citizens)),
            ),
          );
      };
      say('targeted: warming up');
      const warm = Math.min(5_000, events);
      await publish('warm', warm);
      await until('the end of the warm-up', async () => (await sent()) === warm, { everyMs: 250 });
      if (profiling) await sayStatements(place.env['DATABASE_URL']!, 0);

      const groups = async () => ({
        rules: [children[0]!.pid],
        workers: [children[1]!.pid],
        dispatcher: [children[2]!.pid],
        publisher: [process.pid],
        ...(await place.pids()),
      });
      const startedAt = performance.now();
      let publishedSeconds = 0;
      await sayCpu('targeted', events, groups, async () => {
        await publish('event', events);
        publishedSeconds = (performance.now() - startedAt) / 1_000;
        // Counting is itself work for the database, so first only what is cheap to ask is asked.
        const open = async () => {
          const { rows } = await context.pool.query<{ n: number }>(
            `SELECT (SELECT count(*) FROM batches WHERE state <> 'ended') + (SELECT count(*) FROM fanouts WHERE state = 'asked') AS n`,
          );
          return rows[0]?.n ?? 0;
        };
        await until(
          'the last event sent',
          async () => (await open()) === 0 && (await sent()) === warm + events,
          { everyMs: 200, timeoutMs: 600_000 },
        );
      });
      const seconds = (performance.now() - startedAt) / 1_000;
      if (profiling) await sayStatements(place.env['DATABASE_URL']!, 24);
      return {
        figures: {
          events_per_s: round(events / seconds),
          published_per_s: round(events / publishedSeconds),
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
