/**
 * Part of `latency`: the same while a nationwide broadcast is planned and sent. Targeted events and a disaster warning for one district go on
 * at a steady rate from before it begins until the last of it is sent; from the append of each to each call of its provider.
 */
import path from 'node:path';
import type { Context } from '../app/context.ts';
import { TOPICS } from '../domain/records.ts';
import { callsOf, laneIsBusy, sendEvent, steadily, steadilyWhile, tookMs } from './load.ts';
import { openPlace, sayStatements } from './place.ts';
import { type Child, startRoles } from './processes.ts';
import { profileFolder, sayProfiles } from './profile.ts';
import {
  checkupEvent,
  citizenId,
  disasterEvent,
  profileOf,
  profileRecord,
  propertyTaxEvent,
  seedCatalogue,
  seedCitizens,
  seedProfiles,
} from './seed.ts';
import { type Options, quantile, round, say, sayCpu, until } from './support.ts';

/** Who lives in the district that is warned. */
const WARNED = 40;
const DISTRICT = '26110';
const WARNINGS_A_SECOND = 0.5;

export async function besideBulk(options: Options): Promise<Readonly<Record<string, number>>> {
  const citizens = options.number('bulk', 1_000_000);
  const rate = options.number('beside-rate', 50);
  const profiling = options.has('profile');
  const place = await openPlace({ services: true, statements: profiling });
  const profile = profiling ? await profileFolder() : undefined;
  const record = path.join(place.folder, 'calls');
  const children: Child[] = [];
  const { env } = place;
  try {
    return await place.withContext(async (context) => {
      say(`latency: seeding ${citizens} citizens`);
      await seedCatalogue(context);
      await seedCitizens(context, citizens);
      await seedProfiles(context, citizens);
      await context.broker.append(
        TOPICS.profiles,
        Array.from({ length: WARNED }, (_, at) =>
          profileRecord(citizenId(at), { ...profileOf(at), sido: DISTRICT.slice(0, 2), sigungu: DISTRICT }),
        ),
      );
      for (const roles of [['rules'], ['workers'], ['dispatcher']])
        children.push(
          await startRoles(roles, { env, profile, ...(roles[0] === 'workers' ? { record } : {}) }),
        );
      for (const child of children) await child.ask({ do: 'start' });
      const tax = (name: string) => (at: number) =>
        sendEvent(
          context,
          TOPICS.events,
          `${name}-${at}`,
          propertyTaxEvent(`${name}-${at}`, citizenId(at % citizens)),
        );
      const warning = (name: string) => (at: number) =>
        sendEvent(context, TOPICS.events, `${name}-${at}`, disasterEvent(`${name}-${at}`, [DISTRICT]));

      say('latency: warming up');
      const warm = await steadily(rate, 5 * rate, tax('warm'));
      await callsOf(context, record, [...warm.keys()]);
      await callsOf(context, record, [...(await steadily(1, 3, warning('warm-warning'))).keys()], WARNED);
      if (profiling) await sayStatements(env['DATABASE_URL']!, 0);

      say(`latency: ${rate} events a second beside ${citizens} of a broadcast`);
      const groups = async () => ({
        rules: [children[0]!.pid],
        workers: [children[1]!.pid],
        dispatcher: [children[2]!.pid],
        publisher: [process.pid],
        ...(await place.pids()),
      });
      let busy = true;
      const startedAt = performance.now();
      const measured = await sayCpu('latency beside a broadcast', citizens, groups, async () => {
        const events = steadilyWhile(rate, () => busy, tax('event'));
        const warnings = steadilyWhile(WARNINGS_A_SECOND, () => busy, warning('warning'));
        await context.broker.append(TOPICS.events, [checkupEvent('nationwide')]);
        await until('the broadcast', () => laneIsBusy(context, 'bulk', 'nhis'));
        await until('the end of the broadcast', async () => !(await laneIsBusy(context, 'bulk', 'nhis')), {
          everyMs: 500,
          timeoutMs: 1_800_000,
        });
        const seconds = (performance.now() - startedAt) / 1_000;
        busy = false;
        return { events: await events, warnings: await warnings, seconds };
      });
      if (profiling) await sayStatements(env['DATABASE_URL']!);
      await checkBroadcast(context, citizens);
      const events = tookMs(measured.events, await callsOf(context, record, [...measured.events.keys()]));
      const warnings = tookMs(
        measured.warnings,
        await callsOf(context, record, [...measured.warnings.keys()], WARNED),
      );
      return {
        p50_ms_during_fanout: round(quantile(events, 0.5)),
        p99_ms_during_fanout: round(quantile(events, 0.99)),
        urgent_p50_ms_during_fanout: round(quantile(warnings, 0.5)),
        urgent_p99_ms_during_fanout: round(quantile(warnings, 0.99)),
        fanout_notices_per_s: round(citizens / measured.seconds),
      };
    });
  } finally {
    await Promise.all(children.map((child) => child.exit()));
    await sayProfiles(profile);
    await place.stop();
  }
}

async function checkBroadcast(context: Context, citizens: number): Promise<void> {
  const { rows } = await context.pool.query<{ sent: number }>(
    `SELECT count(*) AS sent FROM deliveries WHERE status = 'sent' AND lane = 'bulk'`,
  );
  if (rows[0]?.sent !== citizens) throw new Error(`${rows[0]?.sent} of ${citizens} were sent`);
}
