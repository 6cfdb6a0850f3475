/**
 * A person says that something is done. The same as when the agency says it, down to the rows: the obligation is done, and what is unsent
 * about it ends under its lock, so the claim and a plan under way see it (docs/sending.md). It differs in two: it can be taken back, for which
 * schedules stay (a stage that falls due meanwhile finds it done and tells nobody); and a newer version opens it again, because what was
 * said was said of another amount or day (docs/adr/0027-a-citizens-own-done.md).
 */
import type { ObligationId } from '../domain/ids.ts';
import { type SqlPool, transaction } from '../domain/sql.ts';
import { endUnsent } from './obligations.ts';

/** `ended`: it was done or withdrawn before, or there is nothing of theirs under that id. */
export type OwnWord = 'changed' | 'ended';

/** Of the obligation that a notice to this recipient is about. */
export function sayDone(
  pool: SqlPool,
  notification: string,
  recipient: string,
  nowMs: number,
): Promise<OwnWord> {
  return transaction(pool, async (sql) => {
    const { rows } = await sql.query<{ id: ObligationId }>({
      name: 'say-done',
      text: `UPDATE obligations o SET state = 'done', said_done_at = $3, updated_at = $3
        FROM notifications n WHERE n.id = $1 AND n.recipient_id = $2 AND o.id = n.obligation_id AND o.state = 'open' RETURNING o.id`,
      values: [notification, recipient, new Date(nowMs)],
    });
    const id = rows[0]?.id;
    if (id === undefined) return 'ended';
    await endUnsent(sql, [id], [null], 'done', nowMs);
    return 'changed';
  });
}

/** Takes it back: later stages are told again, what ended meanwhile is not. */
export async function unsayDone(
  pool: SqlPool,
  notification: string,
  recipient: string,
  nowMs: number,
): Promise<OwnWord> {
  const { rowCount } = await pool.query({
    name: 'unsay-done',
    text: `UPDATE obligations o SET state = 'open', said_done_at = NULL, updated_at = $3
      FROM notifications n WHERE n.id = $1 AND n.recipient_id = $2 AND o.id = n.obligation_id AND o.state = 'done' AND o.said_done_at IS NOT NULL`,
    values: [notification, recipient, new Date(nowMs)],
  });
  return rowCount === 0 ? 'ended' : 'changed';
}
