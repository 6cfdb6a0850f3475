/**
 * The shape of the Postgres pool that `store`, `broker/embedded` and `queue` are given. pg's Pool satisfies it.
 * bigint columns arrive as numbers (offsets, sequences and counts stay below 2^53), date columns as YYYY-MM-DD strings,
 * timestamptz as Date: store/postgres.ts sets the parsers.
 */
export type Statement =
  | string
  | {
      name?: string;
      text: string;
      values?: readonly unknown[];
      /** Milliseconds within which the answer must be there, in place of the pool's. What the statement did stays done, as after a broken connection. */
      query_timeout?: number;
    };
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

/** What pg says where the answer was not there in time. The connection still waits for it and cannot be used. */
export const UNANSWERED = 'Query read timeout';

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
    // A ROLLBACK would queue up behind the answer that does not come.
    if ((error as Partial<Error> | null)?.message === UNANSWERED) broken = error as Error;
    else
      await client.query('ROLLBACK').catch((cause: Error) => {
        broken = cause;
      });
    throw error;
  } finally {
    client.release(broken);
  }
}
