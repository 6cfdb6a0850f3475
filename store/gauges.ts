/** What is open in the ledger, for whoever watches over it. By partial indexes: what has ended is not read. */
import type { Sql } from '../domain/sql.ts';
import type { Channel, Lane } from '../domain/statuses.ts';

export type OpenBatches = {
  readonly channel: Channel;
  readonly lane: Lane;
  readonly state: 'ready' | 'queued';
  readonly batches: number;
  readonly deliveries: number;
};

export async function readOpenBatches(sql: Sql): Promise<readonly OpenBatches[]> {
  const { rows } = await sql.query<OpenBatches>(
    `SELECT channel, lane, 'ready' AS state, count(*) AS batches, sum(open)::bigint AS deliveries FROM batches WHERE state = 'ready' GROUP BY 1, 2
     UNION ALL
     SELECT channel, lane, 'queued', count(*), sum(open)::bigint FROM batches WHERE state = 'queued' GROUP BY 1, 2`,
  );
  return rows;
}
