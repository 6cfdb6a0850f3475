/** Whether the process is up, and whether it can do its work. */
import type { Logger } from '../../domain/logger.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { openRestore } from '../../store/restores.ts';
import { checkWrites } from '../../store/status.ts';
import { type Endpoint, endpoint, ok } from './endpoint.ts';

export type Check = { readonly name: string; check(): Promise<void> };

const CHECK_WITHIN_MS = 2_000;
/** Anybody may ask, so one round of checks answers everybody who asks within this time. */
const REMEMBER_MS = 500;

/** The check that the ledger can be written to. */
export const databaseCheck = (pool: SqlPool): Check => ({ name: 'database', check: () => checkWrites(pool) });

/** What a person should know of a process that can do its work. */
export type Note = { readonly name: string; holds(): Promise<boolean> };

/** Nothing is sent until somebody decides; events are still taken, so it is no reason to be unready. */
export const restoreNote = (pool: SqlPool): Note => ({
  name: 'restored',
  holds: async () => (await openRestore(pool)) !== null,
});

export const healthz = (): Endpoint => endpoint({ answer: async () => ok({ up: true }) });

/** 200 or 503 with the name of each check and whether it passed. Why it did not is in the log: anybody may ask. */
export function readyz(checks: readonly Check[], logger: Logger, notes: readonly Note[] = []): Endpoint {
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

  async function holding({ name, holds }: Note): Promise<string | null> {
    return (await holds().catch(() => false)) ? name : null;
  }

  return endpoint({
    answer: async () => {
      const now = performance.now();
      if (answered === undefined || now - answered.at > REMEMBER_MS)
        answered = { at: now, results: Promise.all(checks.map(passes)) };
      const results = await answered.results;
      const ready = results.every((result) => result.ok);
      const noted = ready ? await Promise.all(notes.map(holding)) : [];
      const names = noted.filter((name) => name !== null);
      return {
        status: ready ? 200 : 503,
        body: { ready, checks: results, ...(names.length === 0 ? {} : { notes: names }) },
      };
    },
  });
}
