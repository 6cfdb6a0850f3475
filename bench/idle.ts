/**
 * `idle`: the CPU of our Node processes while everything is up and nothing is to do, in per cent of one core: all roles embedded in one
 * process, and a process a role on real Kafka, Redis and Postgres. `--seconds N`, `--profile`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { ROLES } from '../app/roles.ts';
import { openPlace } from './place.ts';
import { type Child, startRoles } from './processes.ts';
import { profileFolder, sayProfiles } from './profile.ts';
import { seedCatalogue, seedCitizens, seedProfiles } from './seed.ts';
import { cpuSeconds, type Options, type Report, round, say } from './support.ts';

const CITIZENS = 1_000;
/** Compilation, group joins and first looks are over by then. */
const SETTLE_MS = 5_000;

export async function idle(options: Options): Promise<Report> {
  const seconds = options.number('seconds', 20);
  const profile = options.has('profile') ? await profileFolder() : undefined;
  const embedded = await measure(false, [[...ROLES]], seconds, profile);
  const kafka = await measure(
    true,
    ROLES.map((role) => [role]),
    seconds,
    profile,
  );
  await sayProfiles(profile);
  return {
    figures: { cpu_pct_embedded: round(embedded), cpu_pct_kafka: round(kafka) },
    baseline: {},
    ratio: {},
  };
}

async function measure(
  services: boolean,
  processes: readonly (readonly string[])[],
  seconds: number,
  profile: string | undefined,
): Promise<number> {
  const place = await openPlace({ services });
  const children: Child[] = [];
  try {
    await place.withContext(async (context) => {
      await seedCatalogue(context);
      await seedCitizens(context, CITIZENS);
      await seedProfiles(context, CITIZENS);
    });
    for (const roles of processes)
      children.push(
        await startRoles(roles, { env: place.env, profile, name: services ? roles.join('-') : 'embedded' }),
      );
    for (const child of children) await child.ask({ do: 'start' });
    await delay(SETTLE_MS);
    const used = () => Promise.all(children.map((child) => cpuSeconds(child.pid)));
    const before = await used();
    const startedAt = performance.now();
    await delay(seconds * 1_000);
    const after = await used();
    const elapsed = (performance.now() - startedAt) / 1_000;
    const each = after.map((one, index) => ((one - (before[index] ?? 0)) / elapsed) * 100);
    const all = each.reduce((sum, one) => sum + one, 0);
    const parts = processes.map((roles, index) => `${roles.join('+')} ${round(each[index] ?? 0)}`);
    say(
      `idle: ${services ? 'a process a role on real services' : 'embedded'}: ${round(all)} % of a core (${parts.join(', ')})`,
    );
    return all;
  } finally {
    await Promise.all(children.map((child) => child.exit()));
    await place.stop();
  }
}
