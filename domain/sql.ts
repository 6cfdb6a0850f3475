/**
 * The shape of the Postgres pool that `store`, `broker/embedded` and `queue` are given. pg's Pool satisfies it.
 * bigint columns arrive as numbers (offsets, sequences and counts stay below 2^53), date columns as YYYY-MM-DD strings,
 * timestamptz as Date: store/postgres.ts sets the parsers.
 */
export type Statement = string | { name?: string; text: string; values?: readonly unknown[] };
export type Rows<R> = { rows: R[]; rowCount: number | null };

export interface Sql {
  query<R = Record<string, unknown>>(statement: Statement, values?: readonly unknown[]): Promise<Rows<R>>;
}

export interface SqlClient extends Sql {
  /** With an error the connection is thrown away instead of going back into the pool. */
  release(error?: Error | boolean): void;
  on(event: 'notification', listener: (message: { channel: string; payload?: string }) => void): unknown;
  on(event: 'error' | 'end', listener: (error?: Error) => void): unknown;
}

export interface SqlPool extends Sql {
  connect(): Promise<SqlClient>;
}

/** Runs `work` in one transaction. A connection whose ROLLBACK fails is dropped, so no half transaction is ever reused. */
export async function transaction<T>(pool: SqlPool, work: (sql: Sql) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((cause: Error) => {
      broken = cause;
    });
    throw error;
  } finally {
    client.release(broken);
  }
}
