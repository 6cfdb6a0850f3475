/** Health of the installation for whoever operates it: what is ready, who lives, what waits, what fails and how long it takes. */
import { CHANNELS } from '../../domain/statuses.ts';
import { readFailing, readFlow } from '../../store/health.ts';
import { databaseVersion, livingProcesses } from '../../store/overview.ts';
import { type Endpoint, endpoint, ok } from './endpoint.ts';
import type { Check } from './health.ts';
import { readStatus, type StatusParts } from './status.ts';

export type HealthParts = StatusParts & { readonly checks: readonly Check[] };

const CHECK_WITHIN_MS = 2_000;

async function passes({ name, check }: Check): Promise<{ readonly name: string; readonly ok: boolean }> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), CHECK_WITHIN_MS);
  });
  try {
    await Promise.race([check(), late]);
    return { name, ok: true };
  } catch {
    return { name, ok: false };
  } finally {
    clearTimeout(timer);
  }
}

export const getHealth = (parts: HealthParts): Endpoint =>
  endpoint({
    answer: async ({ caller }) => {
      const { agency } = caller();
      const checks = await Promise.all(parts.checks.map(passes));
      const status = await readStatus(parts, agency);
      const nowMs = parts.clock.nowMs();
      const [flow, failing, processes, database] = await Promise.all([
        readFlow(parts.pool, agency, nowMs),
        readFailing(parts.pool, agency),
        livingProcesses(parts.pool),
        databaseVersion(parts.pool),
      ]);
      return ok({
        at: new Date(nowMs),
        ready: checks.every((check) => check.ok),
        checks: [{ name: 'database', ok: true }, ...checks],
        database,
        ...status,
        channels: CHANNELS.map((channel) => ({ channel, ...flow.get(channel) })),
        failing,
        processes: processes.map(({ kind, age, citizens }) => ({
          kind,
          citizens,
          seconds: Math.round(age * 10) / 10,
        })),
      });
    },
  });
