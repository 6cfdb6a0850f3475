/** What other sessions of the same database do to the product: they hold its locks, take its connections, meet it crosswise. */
import { messageOf } from '../../domain/errors.ts';
import { silentLogger } from '../../domain/logger.ts';
import type { SqlClient } from '../../domain/sql.ts';
import { createPool } from '../../store/postgres.ts';
import type { Stage } from './fault.ts';
import { pick, whole } from './outage.ts';

/** Rows and tables that the product's movements need, locked as a careless session at the console would. */
const LOCKS = [
  `SELECT 1 FROM consumer_offsets FOR UPDATE`,
  `SELECT 1 FROM obligations ORDER BY id LIMIT 5000 FOR UPDATE`,
  `SELECT 1 FROM deliveries ORDER BY id LIMIT 2000 FOR UPDATE`,
  `SELECT 1 FROM batches ORDER BY id LIMIT 200 FOR UPDATE`,
  `LOCK TABLE deliveries IN ACCESS EXCLUSIVE MODE`,
  `LOCK TABLE told IN SHARE ROW EXCLUSIVE MODE`,
  `LOCK TABLE worker_sessions IN ACCESS EXCLUSIVE MODE`,
] as const;

async function withClients(
  stage: Stage,
  most: number,
  work: (connect: () => Promise<SqlClient>) => Promise<void>,
): Promise<void> {
  const pool = createPool({
    url: stage.services.postgres.url,
    max: most,
    applicationName: 'allim-fault',
    logger: silentLogger,
    endMs: 1_000,
  });
  const out: SqlClient[] = [];
  try {
    await work(async () => {
      const client = await pool.connect();
      out.push(client);
      return client;
    });
  } finally {
    // With their connections end their transactions.
    for (const client of out) client.release(true);
    await pool.end();
  }
}

export async function holdLock(stage: Stage, forMs: number): Promise<void> {
  await withClients(stage, 1, async (connect) => {
    const client = await connect();
    const lock = pick(stage, LOCKS);
    stage.say(`held: ${lock}`);
    await client.query('BEGIN');
    await client.query(lock);
    await stage.pause(forMs);
    await client.query('ROLLBACK');
  });
}

/** Ends the product's sessions and takes their places, and every other. */
export async function takeConnections(stage: Stage, forMs: number): Promise<void> {
  const [setting] = await stage.sql<{ most: number }>(
    `SELECT current_setting('max_connections')::int AS most`,
  );
  await withClients(stage, setting!.most, async (connect) => {
    const first = await connect();
    const take = async () => {
      let taken = 0;
      for (;;)
        try {
          await connect();
          taken++;
        } catch {
          return taken;
        }
    };
    let taken = await take();
    await first.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name NOT IN ('allim-fault', 'allim-test') AND pid <> pg_backend_pid()`,
    );
    taken += await take();
    stage.say(`${taken} connections taken`);
    await stage.pause(forMs);
  });
}

/**
 * Transactions that lock what the product locks, in the opposite order: deliveries before obligations before positions, each in falling
 * order of their ids, with a pause between.
 */
export async function meetCrosswise(stage: Stage, forMs: number): Promise<void> {
  let deadlocks = 0;
  let over = false;
  const ended = stage.pause(forMs).then(() => {
    over = true;
  });
  await withClients(stage, 2, async (connect) => {
    const clients = [await connect(), await connect()];
    await Promise.all(
      clients.map(async (client) => {
        while (!over) {
          const steps = [
            `SELECT 1 FROM batches WHERE state IN ('ready', 'queued') ORDER BY id DESC LIMIT ${whole(stage, 1, 50)} FOR UPDATE`,
            `SELECT 1 FROM deliveries WHERE status IN ('planned', 'sending') ORDER BY id DESC LIMIT ${whole(stage, 1, 200)} FOR UPDATE`,
            `SELECT 1 FROM obligations ORDER BY id DESC LIMIT ${whole(stage, 1, 500)} FOR UPDATE`,
            `SELECT 1 FROM fanouts ORDER BY id DESC LIMIT ${whole(stage, 1, 20)} FOR UPDATE`,
            `SELECT 1 FROM consumer_offsets ORDER BY group_name DESC, topic DESC, partition DESC FOR UPDATE`,
          ];
          try {
            await client.query('BEGIN');
            for (const step of steps) await client.query(step);
          } catch (error) {
            if ((error as { code?: unknown }).code !== '40P01') throw error;
            deadlocks++;
          } finally {
            await client.query('ROLLBACK');
          }
        }
      }),
    );
  }).catch((error: unknown) => {
    stage.say(`crosswise locks: ${messageOf(error)}`);
    throw error;
  });
  await ended;
  const [stats] = await stage.sql<{ deadlocks: number }>(
    `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`,
  );
  stage.say(
    `${deadlocks} deadlocks ended a transaction of the fault's, ${stats?.deadlocks ?? 0} in all since the start`,
  );
}
