/** Whether the process is up, and whether it can do its work. */
import type { Logger } from '../../domain/logger.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { checkWrites } from '../../store/status.ts';
import { type Endpoint, endpoint, ok } from './endpoint.ts';

export type Check = { readonly name: string; check(): Promise<void> };

const CHECK_WITHIN_MS = 2_000;
/** Anybody may ask, so one round of checks answers everybody who asks within this time. */
const REMEMBER_MS = 500;

/** The check that the ledger can be written to. */
export const databaseCheck = (pool: SqlPool): Check => ({ name: 'database', check: () => checkWrites(pool) });

export const healthz = (): Endpoint => endpoint({ answer: async () => ok({ up: true }) });

/** 200 or 503 with the name of each check and whether it passed. Why it did not is in the log: anybody may ask. */
export function readyz(checks: readonly Check[], logger: Logger): Endpoint {
  let answered:
    | { readonly at: number; readonly results: Promise<readonly { name: string; ok: boolean }[]> }
    | undefined;

  async function passes({ name, check }: Check): Promise<{ name: string; ok: boolean }> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${CHECK_WITHIN_MS} ms`)), CHECK_WITHIN_MS);
    });
    try {
      await Promise.race([check(), late]);
      return { name, ok: true };
    } catch (error) {
      logger.warn(
        { check: name, code: (error as { code?: string }).code ?? (error as Error).name },
        'not ready',
      );
      return { name, ok: false };
    } finally {
      clearTimeout(timer);
    }
  }

  return endpoint({
    answer: async () => {
      const now = performance.now();
      if (answered === undefined || now - answered.at > REMEMBER_MS)
        answered = { at: now, results: Promise.all(checks.map(passes)) };
      const results = await answered.results;
      const ready = results.every((result) => result.ok);
      return { status: ready ? 200 : 503, body: { ready, checks: results } };
    },
  });
}
