/**
 * Takes reports out of the ledger's outbox to the agency's topic and to its webhooks' lists of calls. At least once: what was appended and
 * not yet struck off is appended again, with the same ids. In order for each citizen: one relay an agency at a time, and rows in the order
 * in which they were written. An agency whose topic refuses waits alone.
 */
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../domain/clock.ts';
import { messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { mark } from '../domain/marks.ts';
import { statusTopicOf } from '../domain/records.ts';
import type { Sql, SqlPool } from '../domain/sql.ts';
import type { StatusReport } from '../domain/status-report.ts';
import {
  agenciesToTell,
  describeReports,
  type NewCall,
  readOutbox,
  settleOutbox,
  TOPIC_TARGET,
  targetsOf,
} from '../store/reports.ts';

export type StatusRelayParts = {
  readonly broker: Pick<Broker, 'append'>;
  readonly pool: SqlPool;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Calls to webhooks were written. */
  readonly wake: () => void;
};

/** A row holds what one turn of a worker ended, up to some thousands. */
const ROWS_A_ROUND = 10;
/** Of one call to a webhook. */
const CALL_REPORTS = 500;
const CALL_BYTES = 256 * 1_024;
const LONGEST_PAUSE_MS = 60_000;

/** Cuts what one webhook is told into calls of bounded size, in order. */
export function callsOf(webhook: string, reports: readonly StatusReport[]): NewCall[] {
  const calls: { webhook: string; reports: StatusReport[] }[] = [];
  let bytes = 0;
  for (const report of reports) {
    const size = Buffer.byteLength(JSON.stringify(report)) + 1;
    let last = calls.at(-1);
    if (last === undefined || last.reports.length >= CALL_REPORTS || bytes + size > CALL_BYTES) {
      last = { webhook, reports: [] };
      calls.push(last);
      bytes = 0;
    }
    last.reports.push(report);
    bytes += size;
  }
  return calls;
}

/** Returns the task: one round over all agencies; true where more is waiting. */
export function createStatusRelay(parts: StatusRelayParts): () => Promise<boolean> {
  const { broker, pool, clock, logger } = parts;
  const pauses = new Map<string, { untilMs: number; failures: number }>();

  async function tell(sql: Sql, agency: string): Promise<boolean> {
    const rows = await readOutbox(sql, agency, ROWS_A_ROUND);
    if (rows.length === 0) return false;
    const targets = await targetsOf(sql, agency);
    const reports = targets.length === 0 ? [] : await describeReports(sql, rows);
    if (targets.includes(TOPIC_TARGET) && reports.length > 0)
      await broker.append(
        statusTopicOf(agency),
        reports.map((report) => ({
          key: report.citizen,
          value: JSON.stringify(report),
          headers: { 'content-type': 'application/json' },
        })),
      );
    mark('status:appended');
    const webhooks = targets.filter((target) => target !== TOPIC_TARGET);
    const calls = webhooks.flatMap((webhook) => callsOf(webhook, reports));
    await settleOutbox(
      sql,
      agency,
      rows.map((row) => row.number),
      calls,
      clock.nowMs(),
    );
    mark('status:settled');
    if (calls.length > 0) parts.wake();
    return rows.length === ROWS_A_ROUND;
  }

  /** One relay an agency at a time: a lock of the session, because no transaction may be open while Kafka is talked to. */
  async function tellAlone(agency: string): Promise<boolean> {
    const client = await pool.connect();
    let broken: Error | undefined;
    try {
      const { rows } = await client.query<{ locked: boolean }>(
        `SELECT pg_try_advisory_lock(hashtext('allim-status'), hashtext($1)) AS locked`,
        [agency],
      );
      if (rows[0]?.locked !== true) return false;
      try {
        return await tell(client, agency);
      } finally {
        await client
          .query(`SELECT pg_advisory_unlock(hashtext('allim-status'), hashtext($1))`, [agency])
          .catch((error: Error) => {
            broken = error;
          });
      }
    } finally {
      client.release(broken);
    }
  }

  return async () => {
    let more = false;
    for (const agency of await agenciesToTell(pool)) {
      const pause = pauses.get(agency);
      if (pause !== undefined && pause.untilMs > clock.nowMs()) continue;
      try {
        if (await tellAlone(agency)) more = true;
        pauses.delete(agency);
      } catch (error) {
        const failures = (pause?.failures ?? 0) + 1;
        pauses.set(agency, {
          failures,
          untilMs: clock.nowMs() + Math.min(LONGEST_PAUSE_MS, 1_000 * 2 ** failures),
        });
        logger.warn({ agency, failures, err: messageOf(error) }, 'an agency could not be told');
      }
    }
    return more;
  };
}
