/** How far each calendar was opened, and what is wrong with its file. */
import type { Fault } from '../domain/errors.ts';
import type { Sql } from '../domain/sql.ts';

export type CalendarRow = {
  readonly name: string;
  /** Everything up to here was opened. */
  readonly openedThrough: Date;
  readonly windows: number;
  readonly opened: number;
  readonly faults: readonly Fault[];
  readonly nextAt: Date | null;
  readonly lookedAt: Date | null;
};

/**
 * Takes a calendar for this transaction; undefined where another process has it. `openedThrough` is null for one that was never looked at.
 */
export async function holdCalendar(
  sql: Sql,
  name: string,
): Promise<{ openedThrough: Date | null } | undefined> {
  const { rows: held } = await sql.query<{ held: boolean }>(
    `SELECT pg_try_advisory_xact_lock(hashtextextended('calendar/' || $1, 7261)) AS held`,
    [name],
  );
  if (held[0]?.held !== true) return undefined;
  const { rows } = await sql.query<{ at: Date }>(
    'SELECT opened_through AS at FROM calendars WHERE name = $1',
    [name],
  );
  return { openedThrough: rows[0]?.at ?? null };
}

/** The mark never goes back, whatever a clock does. */
export async function saveCalendar(
  sql: Sql,
  row: Omit<CalendarRow, 'openedThrough' | 'lookedAt' | 'opened'> & {
    readonly fresh: number;
    readonly nowMs: number;
  },
): Promise<void> {
  await sql.query(
    `INSERT INTO calendars AS c (name, opened_through, windows, opened, faults, next_at, looked_at) VALUES ($1, $2, $3, $4, $5, $6, $2)
     ON CONFLICT (name) DO UPDATE SET opened_through = greatest(c.opened_through, excluded.opened_through), windows = excluded.windows,
       opened = c.opened + excluded.opened, faults = excluded.faults, next_at = excluded.next_at, looked_at = excluded.looked_at`,
    [row.name, new Date(row.nowMs), row.windows, row.fresh, JSON.stringify(row.faults), row.nextAt],
  );
}

export async function listCalendars(sql: Sql): Promise<CalendarRow[]> {
  const { rows } = await sql.query<CalendarRow>(
    `SELECT name, opened_through AS "openedThrough", windows, opened, faults, next_at AS "nextAt", looked_at AS "lookedAt"
     FROM calendars ORDER BY name`,
  );
  return rows;
}
