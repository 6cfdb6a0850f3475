/** What commands that speak to the ledger share: they go to the database itself, so they work also when no role is up. */
import { userInfo } from 'node:os';
import { messageOf } from '../../domain/errors.ts';
import { silentLogger } from '../../domain/logger.ts';
import { createSealer, type Sealer } from '../../domain/sealing.ts';
import { type Sql, type SqlPool, transaction } from '../../domain/sql.ts';
import { type NewAuditEntry, recordAudit } from '../../store/audit-trail.ts';
import { type BundledPostgres, startBundledPostgres } from '../../store/bundled.ts';
import { createPool } from '../../store/postgres.ts';
import { type Config, loadConfig } from '../config.ts';
import { loadSecrets } from '../secrets.ts';

export type Ledger = {
  readonly config: Config;
  readonly pool: SqlPool;
  /** Reads the secrets, which few commands need. */
  sealer(): Promise<Sealer>;
};

/** Who has this installation's settings, as the audit trail and the ledger name them. */
export const commandActor = (): string => `command:${userInfo().username}`;

/** Does `work` with its entry in the audit trail, in one transaction. */
export function audited<T>(
  pool: SqlPool,
  entry: Omit<NewAuditEntry, 'actor'>,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  return transaction(pool, async (sql) => {
    const done = await work(sql);
    await recordAudit(sql, { ...entry, actor: commandActor() });
    return done;
  });
}

/** What is wrong with a command line; the command ends with 2. */
export class UsageError extends Error {}

/** Runs `work` on the configured database, or on the bundled one, which is started where it is not running. */
export async function withLedger<T>(
  environment: Readonly<Record<string, string | undefined>>,
  work: (ledger: Ledger) => Promise<T>,
): Promise<T> {
  const config = loadConfig(environment);
  let bundled: BundledPostgres | undefined;
  if (config.databaseUrl === null)
    bundled = await startBundledPostgres({ dataDir: config.dataDir, logger: silentLogger });
  const pool = createPool({
    url: config.databaseUrl ?? bundled?.url ?? '',
    max: 1,
    applicationName: 'allim-command',
    logger: silentLogger,
  });
  try {
    return await work({
      config,
      pool,
      async sealer() {
        const { encryptionKey, indexKey } = await loadSecrets(config, silentLogger);
        return createSealer(encryptionKey.bytes, indexKey.bytes);
      },
    });
  } finally {
    await pool.end();
    await bundled?.stop();
  }
}

/** Runs `work` and turns what it throws into a line and an exit code. */
export async function runCommand(usage: string, work: () => Promise<void>): Promise<number> {
  try {
    await work();
    return 0;
  } catch (error) {
    // SQLSTATE undefined_table: the commands change nothing of the database's shape.
    const bare = (error as { code?: unknown }).code === '42P01';
    process.stderr.write(
      `allim: ${bare ? 'the database has no tables of this version yet: start a role once' : messageOf(error)}\n`,
    );
    if (!(error instanceof UsageError)) return 1;
    process.stderr.write(`${usage}\n`);
    return 2;
  }
}

export function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
