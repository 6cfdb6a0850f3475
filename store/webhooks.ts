/**
 * Webhooks of agencies and the calls to make to them. A webhook is called by one process at a time, under a lease; its calls go out in the
 * order of their number, and what a call holds is fixed when it is first made, so that a repeated call is the same call.
 */
import type { WebhookId } from '../domain/ids.ts';
import type { Sealer } from '../domain/sealing.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import type { StatusReport } from '../domain/status-report.ts';

/** The associated data of a sealed secret. */
const SEAL = 'webhook-secret';

export type DueWebhook = {
  readonly id: WebhookId;
  readonly agency: string;
  readonly url: string;
  readonly state: 'new' | 'active';
  readonly failures: number;
  /** Of the first failure since the last success; null where there is none. */
  readonly failingSince: Date | null;
  /** Those that are valid now, the newest first. */
  readonly secrets: readonly string[];
};

export type WebhookCall = {
  readonly number: number;
  readonly id: string;
  readonly reports: readonly StatusReport[];
  readonly createdAt: Date;
};

/** Part of a transaction: it holds the agency's row, so that two at once do not exceed the limit. */
export async function insertWebhook(
  sql: Sql,
  sealer: Sealer,
  webhook: { readonly id: WebhookId; readonly agency: string; readonly url: string; readonly secret: string },
  limit: number,
  nowMs: number,
): Promise<'added' | 'too-many' | 'agency-unknown'> {
  const locked = await sql.query('SELECT 1 FROM agencies WHERE id = $1 FOR NO KEY UPDATE', [webhook.agency]);
  if (locked.rows.length === 0) return 'agency-unknown';
  // A statement of its own, which sees what was added while the first waited.
  const { rows } = await sql.query<{ count: number }>(
    'SELECT count(*) AS count FROM webhooks WHERE agency_id = $1',
    [webhook.agency],
  );
  if ((rows[0]?.count ?? 0) >= limit) return 'too-many';
  await sql.query(
    `INSERT INTO webhooks (id, agency_id, url, state, secret, next_at, created_at) VALUES ($1, $2, $3, 'new', $4, $5, $5)`,
    [webhook.id, webhook.agency, webhook.url, sealer.seal(SEAL, webhook.secret), new Date(nowMs)],
  );
  return 'added';
}

/** The old secret stays valid until `previousUntilMs`. Null agency is anybody's. False where there is no such webhook. */
export async function rotateSecret(
  sql: Sql,
  sealer: Sealer,
  id: string,
  agency: string | null,
  secret: string,
  previousUntilMs: number,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    `UPDATE webhooks SET previous_secret = secret, previous_until = $4, secret = $3 WHERE id = $1 AND ($2::text IS NULL OR agency_id = $2)`,
    [id, agency, sealer.seal(SEAL, secret), new Date(previousUntilMs)],
  );
  return rowCount === 1;
}

/** Begins anew with the handshake, also where it was disabled; what it was told before, it is told no more until then. */
export async function restartWebhook(
  sql: Sql,
  id: string,
  agency: string | null,
  nowMs: number,
): Promise<boolean> {
  const { rowCount } = await sql.query(
    `WITH quiet AS (DELETE FROM report_subscriptions s USING webhooks w WHERE w.id = $1 AND s.agency_id = w.agency_id AND s.target = w.id::text
       AND ($2::text IS NULL OR w.agency_id = $2))
     UPDATE webhooks SET state = 'new', failures = 0, failing_since = NULL, next_at = $3 WHERE id = $1 AND ($2::text IS NULL OR agency_id = $2)`,
    [id, agency, new Date(nowMs)],
  );
  return rowCount === 1;
}

export async function deleteWebhook(sql: Sql, id: string, agency: string | null): Promise<boolean> {
  const { rowCount } = await sql.query(
    `WITH quiet AS (DELETE FROM report_subscriptions s USING webhooks w WHERE w.id = $1 AND s.agency_id = w.agency_id AND s.target = w.id::text
       AND ($2::text IS NULL OR w.agency_id = $2))
     DELETE FROM webhooks WHERE id = $1 AND ($2::text IS NULL OR agency_id = $2)`,
    [id, agency],
  );
  return rowCount === 1;
}

export type WebhookState = {
  readonly id: string;
  readonly agency: string;
  readonly url: string;
  readonly state: 'new' | 'active' | 'disabled';
  readonly failures: number;
  readonly failingSince: Date | null;
  /** null where nothing failed since the last success. */
  readonly nextAt: Date | null;
  readonly lastError: string | null;
  readonly lastErrorAt: Date | null;
  readonly lastSuccessAt: Date | null;
  /** Until when the secret before this one is valid too. */
  readonly previousSecretUntil: Date | null;
  readonly due: number;
  readonly givenUp: number;
  readonly createdAt: Date;
};

/** Of an agency, or of all; one where an id is given. */
export async function listWebhooks(
  sql: Sql,
  agency: string | null,
  id: string | null = null,
): Promise<WebhookState[]> {
  const { rows } = await sql.query<WebhookState>(
    `SELECT w.id, w.agency_id AS agency, w.url, w.state, w.failures, w.failing_since AS "failingSince", CASE WHEN w.failures > 0 THEN w.next_at END AS "nextAt",
       w.last_error AS "lastError", w.last_error_at AS "lastErrorAt", w.last_success_at AS "lastSuccessAt", w.previous_until AS "previousSecretUntil",
       (SELECT coalesce(sum(c.count), 0)::int FROM webhook_calls c WHERE c.webhook_id = w.id AND c.state = 'due') AS due,
       (SELECT coalesce(sum(c.count), 0)::int FROM webhook_calls c WHERE c.webhook_id = w.id AND c.state = 'given-up') AS "givenUp",
       w.created_at AS "createdAt"
     FROM webhooks w WHERE ($1::text IS NULL OR w.agency_id = $1) AND ($2::uuid IS NULL OR w.id = $2) ORDER BY w.created_at, w.id`,
    [agency, id],
  );
  return rows;
}

/** Puts back what was given up. Returns how many reports. */
export async function redeliver(
  sql: Sql,
  id: string,
  agency: string | null,
  nowMs: number,
): Promise<number | undefined> {
  const { rows } = await sql.query<{ count: number }>(
    `WITH mine AS (SELECT id FROM webhooks WHERE id = $1 AND ($2::text IS NULL OR agency_id = $2)), back AS (
       UPDATE webhook_calls c SET state = 'due', error = NULL, created_at = $3 FROM mine WHERE c.webhook_id = mine.id AND c.state = 'given-up' RETURNING c.count
     ), soon AS (UPDATE webhooks w SET next_at = $3 FROM mine WHERE w.id = mine.id)
     SELECT (SELECT coalesce(sum(count), 0)::int FROM back) AS count FROM mine`,
    [id, agency, new Date(nowMs)],
  );
  return rows[0]?.count;
}

/**
 * Leases webhooks that have something due: agencies in turn, each the one that has waited longest before any a second, and none more than
 * `each` together with what the caller has under way for it already.
 */
export async function leaseWebhooks(
  sql: Sql,
  sealer: Sealer,
  underWay: ReadonlyMap<string, number>,
  each: number,
  limit: number,
  nowMs: number,
  untilMs: number,
): Promise<DueWebhook[]> {
  const { rows } = await sql.query<
    Omit<DueWebhook, 'secrets'> & { secret: Buffer; previous: Buffer | null; previousUntil: Date | null }
  >({
    name: 'lease-webhooks',
    text: `WITH due AS (
        SELECT w.id, w.agency_id, w.next_at, row_number() OVER (PARTITION BY w.agency_id ORDER BY w.next_at, w.id) AS turn FROM webhooks w
        WHERE w.state <> 'disabled' AND w.next_at <= $3 AND (w.leased_until IS NULL OR w.leased_until <= $3)
          AND (w.state = 'new' OR EXISTS (SELECT 1 FROM webhook_calls c WHERE c.webhook_id = w.id AND c.state = 'due'))
      ), picked AS (
        SELECT d.id FROM due d LEFT JOIN unnest($1::text[], $5::int[]) u(agency, calls) ON u.agency = d.agency_id
        WHERE d.turn + coalesce(u.calls, 0) <= $6 ORDER BY d.turn, d.next_at, d.id LIMIT $2
      )
      UPDATE webhooks w SET leased_until = $4 FROM picked p
      -- Looked at again: another may have leased it since this statement began.
      WHERE w.id = p.id AND (w.leased_until IS NULL OR w.leased_until <= $3)
      RETURNING w.id, w.agency_id AS agency, w.url, w.state, w.failures, w.failing_since AS "failingSince", w.secret,
        w.previous_secret AS previous, w.previous_until AS "previousUntil"`,
    values: [[...underWay.keys()], limit, new Date(nowMs), new Date(untilMs), [...underWay.values()], each],
  });
  return rows.map(({ secret, previous, previousUntil, ...row }) => {
    const both = previous !== null && previousUntil !== null && previousUntil.getTime() > nowMs;
    const secrets = [secret, ...(both ? [previous] : [])];
    return { ...row, secrets: secrets.map((sealed) => sealer.open(SEAL, sealed).toString('utf8')) };
  });
}

/**
 * The next call of a leased webhook. Calls that were never made are put together up to `maxReports` and `maxBytes`; what has been tried
 * once stays as it was, because the receiver may have seen it.
 */
export async function takeCall(
  pool: SqlPool,
  webhook: WebhookId,
  maxReports: number,
  maxBytes: number,
): Promise<WebhookCall | undefined> {
  return transaction(pool, async (sql) => {
    const { rows } = await sql.query<WebhookCall & { attempts: number; bytes: number }>(
      `SELECT number, id, reports, attempts, octet_length(reports::text) AS bytes, created_at AS "createdAt" FROM webhook_calls
       WHERE webhook_id = $1 AND state = 'due' ORDER BY number LIMIT 50 FOR UPDATE`,
      [webhook],
    );
    const [head, ...rest] = rows;
    if (head === undefined) return undefined;
    const reports = [...head.reports];
    const merged: number[] = [];
    let { bytes } = head;
    for (const call of head.attempts > 0 ? [] : rest) {
      bytes += call.bytes;
      if (call.attempts > 0 || reports.length + call.reports.length > maxReports || bytes > maxBytes) break;
      reports.push(...call.reports);
      merged.push(call.number);
    }
    await sql.query(
      'UPDATE webhook_calls SET attempts = attempts + 1 WHERE webhook_id = $1 AND number = $2',
      [webhook, head.number],
    );
    if (merged.length > 0) {
      await sql.query(
        'UPDATE webhook_calls SET reports = $3, count = $4 WHERE webhook_id = $1 AND number = $2',
        [webhook, head.number, JSON.stringify(reports), reports.length],
      );
      await sql.query('DELETE FROM webhook_calls WHERE webhook_id = $1 AND number = ANY($2::bigint[])', [
        webhook,
        merged,
      ]);
    }
    return { number: head.number, id: head.id, reports, createdAt: head.createdAt };
  });
}

/** `number` null is the handshake: from then on it is told. A webhook that was disabled or restarted meanwhile stays so. */
export async function callSucceeded(
  sql: Sql,
  webhook: DueWebhook,
  number: number | null,
  nowMs: number,
): Promise<void> {
  await sql.query(
    `WITH done AS (DELETE FROM webhook_calls WHERE webhook_id = $1 AND number = $2),
     well AS (
       UPDATE webhooks SET failures = 0, failing_since = NULL, last_success_at = $3, next_at = $3, leased_until = NULL, state = 'active'
       WHERE id = $1 AND state = $4 RETURNING id, agency_id
     )
     INSERT INTO report_subscriptions (agency_id, target) SELECT agency_id, id::text FROM well WHERE $4 = 'new' ON CONFLICT DO NOTHING`,
    [webhook.id, number, new Date(nowMs), webhook.state],
  );
}

/** Calls that have been due since before `giveUpMs` are given up, with all their reports. */
export async function callFailed(
  sql: Sql,
  webhook: DueWebhook,
  error: string,
  nextMs: number,
  giveUpMs: number,
  nowMs: number,
): Promise<number> {
  const { rows } = await sql.query<{ count: number }>(
    `WITH failed AS (
       UPDATE webhooks SET failures = failures + 1, failing_since = coalesce(failing_since, $5), last_error = $2, last_error_at = $5, next_at = $3,
         leased_until = NULL WHERE id = $1
     ), ended AS (
       UPDATE webhook_calls SET state = 'given-up', error = $2 WHERE webhook_id = $1 AND state = 'due' AND attempts > 0 AND created_at <= $4 RETURNING count
     ) SELECT coalesce(sum(count), 0)::int AS count FROM ended`,
    [webhook.id, error, new Date(nextMs), new Date(giveUpMs), new Date(nowMs)],
  );
  return rows[0]?.count ?? 0;
}

/** It wants no more calls, or never shook hands: not told from now on; what was due is given up. */
export async function disableWebhook(
  sql: Sql,
  webhook: DueWebhook,
  error: string,
  nowMs: number,
): Promise<void> {
  await sql.query(
    `WITH quiet AS (DELETE FROM report_subscriptions WHERE agency_id = $2 AND target = $1::uuid::text),
     ended AS (UPDATE webhook_calls SET state = 'given-up', error = $3 WHERE webhook_id = $1 AND state = 'due')
     UPDATE webhooks SET state = 'disabled', failures = failures + 1, failing_since = coalesce(failing_since, $4), last_error = $3, last_error_at = $4,
       leased_until = NULL WHERE id = $1`,
    [webhook.id, webhook.agency, error, new Date(nowMs)],
  );
}
