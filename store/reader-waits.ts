/** How long people wait for their pages just now: told by who serves them, read by who can wait. By the server's clock, since both ask it. */
import type { Sql } from '../domain/sql.ts';

/** What was told counts for so long. */
const WORTH = "interval '1 second'";

export async function tellReaderWait(sql: Sql, process: string, waitMs: number): Promise<void> {
  await sql.query({
    name: 'tell-reader-wait',
    text: `INSERT INTO reader_waits (process, at, wait_ms) VALUES ($1, now(), $2)
      ON CONFLICT (process) DO UPDATE SET at = excluded.at, wait_ms = excluded.wait_ms`,
    values: [process, Math.round(waitMs)],
  });
}

/** The longest of the last second, in milliseconds; 0 where nobody waits. */
export async function readerWait(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ wait: number }>({
    name: 'reader-wait',
    text: `SELECT coalesce(max(wait_ms), 0) AS wait FROM reader_waits WHERE at > now() - ${WORTH}`,
    values: [],
  });
  return rows[0]?.wait ?? 0;
}

/** Rows of processes that are gone. */
export async function sweepReaderWaits(sql: Sql): Promise<void> {
  await sql.query("DELETE FROM reader_waits WHERE at < now() - interval '1 day'");
}
