/** Notices by the short code that they carry (domain/short-code.ts). A code is not unique: whoever looks one up gets every notice that has it. */
import type { NotificationId } from '../domain/ids.ts';
import { numberOfShortCode } from '../domain/short-code.ts';
import type { Sql } from '../domain/sql.ts';

export type CodedNotice = {
  readonly id: NotificationId;
  /** YYYY-MM-01. */
  readonly month: string;
  readonly agency: string;
  readonly recipient: string;
};

const MOST = 20;

/** `code` as parseShortCode gives it; newest first. */
export async function noticesByCode(sql: Sql, code: string): Promise<CodedNotice[]> {
  const { rows } = await sql.query<CodedNotice>({
    name: 'notices-by-code',
    text: `SELECT id, month, agency_id AS agency, recipient_id AS recipient FROM notifications WHERE notice_code(id) = $1
      ORDER BY created_at DESC, id LIMIT ${MOST}`,
    values: [numberOfShortCode(code)],
  });
  return rows;
}
