/** Keys of requests that are done once (migration 0022): begun, answered, or let go. Answers are sealed, since one may hold a secret. */
import type { Sealer } from '../domain/sealing.ts';
import type { Sql } from '../domain/sql.ts';

export type KeptAnswer = {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string>>;
};

export type Begun =
  | { readonly state: 'mine' }
  | { readonly state: 'busy' }
  | { readonly state: 'other' }
  | { readonly state: 'answered'; readonly answer: KeptAnswer };

/** How long the holder of a key may take, and how long its answer is kept. */
const HOLD_SECONDS = 60;
export const KEPT_HOURS = 24;

export type KeyOf = { readonly caller: string; readonly key: string };

/** `mine`: do it. A key whose holder died is taken over. `other`: it was used for something else. */
export async function beginOnce(
  sql: Sql,
  sealer: Sealer,
  { caller, key }: KeyOf,
  fingerprint: Buffer,
): Promise<Begun> {
  const { rows } = await sql.query<{ mine: boolean }>(
    `INSERT INTO idempotency_keys AS k (caller, key, fingerprint, started_at, held_until)
     VALUES ($1, $2, $3, clock_timestamp(), clock_timestamp() + interval '${HOLD_SECONDS} seconds')
     ON CONFLICT (caller, key) DO UPDATE SET fingerprint = excluded.fingerprint, started_at = excluded.started_at,
       held_until = excluded.held_until, status = NULL, answer = NULL
     WHERE k.status IS NULL AND k.held_until < clock_timestamp() AND k.fingerprint = excluded.fingerprint
        OR k.started_at < clock_timestamp() - interval '${KEPT_HOURS} hours'
     RETURNING true AS mine`,
    [caller, key, fingerprint],
  );
  if (rows.length > 0) return { state: 'mine' };
  const found = await sql.query<{ fingerprint: Buffer; status: number | null; answer: Buffer | null }>(
    'SELECT fingerprint, status, answer FROM idempotency_keys WHERE caller = $1 AND key = $2',
    [caller, key],
  );
  const kept = found.rows[0];
  if (kept !== undefined && !kept.fingerprint.equals(fingerprint)) return { state: 'other' };
  if (kept?.status == null || kept.answer === null) return { state: 'busy' };
  // Written by endOnce alone.
  const said = JSON.parse(sealer.open('idempotency', kept.answer).toString('utf8')) as Omit<
    KeptAnswer,
    'status'
  >;
  return { state: 'answered', answer: { ...said, status: kept.status } };
}

export async function endOnce(
  sql: Sql,
  sealer: Sealer,
  { caller, key }: KeyOf,
  { status, body, headers }: KeptAnswer,
): Promise<void> {
  await sql.query('UPDATE idempotency_keys SET status = $3, answer = $4 WHERE caller = $1 AND key = $2', [
    caller,
    key,
    status,
    sealer.seal('idempotency', JSON.stringify({ body: body ?? null, headers })),
  ]);
}

/** Nothing was done under it: it may be said again. */
export async function letGo(sql: Sql, { caller, key }: KeyOf): Promise<void> {
  await sql.query('DELETE FROM idempotency_keys WHERE caller = $1 AND key = $2 AND status IS NULL', [
    caller,
    key,
  ]);
}
