/** What a mail was, by its delivery: for the link that stops mails of its kind. */
import type { DeliveryId } from '../domain/ids.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import type { Category, Channel } from '../domain/statuses.ts';
import { saveCitizen } from './citizens.ts';
import { optOut } from './own-choices.ts';

export type ToldBy = {
  readonly recipient: string;
  readonly agency: string;
  readonly category: Category;
  readonly channel: Channel;
  readonly locale: string;
};

/** undefined where the month of the delivery is not kept any more. */
export async function toldBy(sql: Sql, delivery: DeliveryId): Promise<ToldBy | undefined> {
  const { rows } = await sql.query<ToldBy>({
    name: 'told-by',
    text: `SELECT n.recipient_id AS recipient, n.agency_id AS agency, c.category, d.channel, n.locale
      FROM deliveries d JOIN notifications n ON n.id = d.notification_id AND n.month = d.month
      JOIN stage_runs r ON r.id = n.stage_run_id JOIN campaigns c ON c.id = r.campaign_id WHERE d.id = $1 LIMIT 1`,
    values: [delivery],
  });
  return rows[0];
}

/** Mails of that kind of that agency, and nothing else: one row in the ledger of withdrawals, however often it is asked for. */
export function stopMails(pool: SqlPool, told: ToldBy, nowMs: number): Promise<void> {
  return transaction(pool, async (sql) => {
    await saveCitizen(sql, told.recipient, {}, nowMs);
    const { agency, category, channel } = told;
    await optOut(sql, told.recipient, { agency, category, channel }, 'unsubscribe', nowMs);
  });
}
