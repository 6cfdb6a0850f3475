/** What must not be sent now. The claim and the regrouping read this table. */
import { AllimError } from '../domain/errors.ts';
import { paced } from '../domain/pace.ts';
import type { Sql } from '../domain/sql.ts';
import { CHANNELS } from '../domain/statuses.ts';
import { staffName } from './audit-trail.ts';

export type Stop = {
  /** `all`, `agency:<id>`, `channel:<name>` or `campaign:<uuid>`. */
  readonly scope: string;
  readonly agency: string | null;
  readonly reason: string;
  readonly createdBy: string;
  /** null: no member of staff. */
  readonly createdByName: string | null;
  readonly createdAt: Date;
};

/** Who creates and lifts with the administrator's token; web/api/credentials.ts names the caller so. */
const ADMINISTRATOR = 'administrator';

/** False where the scope is stopped already; the first reason stands, but the administrator's takes the place of an agency's. */
export async function saveStop(
  sql: Sql,
  stop: Pick<Stop, 'scope' | 'agency' | 'reason' | 'createdBy'>,
): Promise<boolean> {
  const { rows } = await sql.query<{ fresh: boolean }>(
    `INSERT INTO stops (scope, agency_id, reason, created_by) VALUES ($1, $2, $3, $4)
     ON CONFLICT (scope) DO UPDATE SET reason = excluded.reason, created_by = excluded.created_by
       WHERE excluded.created_by = $5 AND stops.created_by <> $5
     RETURNING xmax = 0 AS fresh`,
    [stop.scope, stop.agency, stop.reason, stop.createdBy, ADMINISTRATOR],
  );
  return rows[0]?.fresh === true;
}

/** `kept`: the administrator's, and whoever asks is an agency. `restored`: the database was, and what may have been sent is not decided on. One statement, so that a stop cannot change hands in between. */
export async function removeStop(
  sql: Sql,
  scope: string,
  agency: string | null,
): Promise<'removed' | 'kept' | 'restored' | 'none'> {
  const { rowCount } = await sql.query(
    `DELETE FROM stops WHERE scope = $1 AND ($2::text IS NULL OR created_by <> $3)
       AND NOT ($1 = 'all' AND EXISTS (SELECT 1 FROM restores WHERE closed_at IS NULL))`,
    [scope, agency, ADMINISTRATOR],
  );
  if (rowCount === 1) return 'removed';
  if (scope === 'all') {
    const open = await sql.query('SELECT 1 FROM restores WHERE closed_at IS NULL');
    if (open.rows.length > 0) return 'restored';
  }
  const left = await sql.query('SELECT 1 FROM stops WHERE scope = $1', [scope]);
  return left.rows.length > 0 ? 'kept' : 'none';
}

/** An agency sees what stops it: its own, and those of everything or of a channel. Null sees all. */
export async function listStops(sql: Sql, agency: string | null): Promise<Stop[]> {
  const { rows } = await sql.query<Stop>(
    `SELECT scope, agency_id AS agency, reason, created_by AS "createdBy", ${staffName('created_by')} AS "createdByName", created_at AS "createdAt"
     FROM stops WHERE $1::text IS NULL OR agency_id = $1 OR scope = 'all' OR scope LIKE 'channel:%' ORDER BY scope`,
    [agency],
  );
  return rows;
}

/** Looked at ten times a second: one look whose answer is lost must not hold up the next for longer. */
const LOOK_ANSWER_MS = paced(2_000, 500);

/**
 * The scopes alone: what workers look at while they call (workers/stop-watch.ts). A cancelled campaign is one of them until nothing of it
 * can be under way: rows that were claimed before are put back, and the next claim ends them.
 */
export async function readStopScopes(sql: Sql): Promise<string[]> {
  const { rows } = await sql.query<{ scope: string }>({
    name: 'stop-scopes',
    text: `SELECT scope FROM stops
      UNION ALL SELECT 'campaign:' || id FROM campaigns
      WHERE cancelled_at IS NOT NULL AND (swept_at IS NULL OR swept_at > now() - interval '10 minutes')`,
    values: [],
    query_timeout: LOOK_ANSWER_MS,
  });
  return rows.map((row) => row.scope);
}

const SCOPE = new RegExp(
  `^(?:all|agency:[a-z][a-z0-9-]{0,31}|channel:(?:${CHANNELS.join('|')})|campaign:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$`,
);

export const noSuchCampaign = (id: string): AllimError =>
  new AllimError('not-found', 'there is no such campaign', { ids: { campaign: id } });

/**
 * Whose stop it is: an agency's own of itself and its campaigns; null where it is the administrator's. Throws `request-invalid` for what is
 * no scope, `agency-unknown` and `not-found` for what does not exist: a stop of nothing would reassure and stop nothing.
 */
export async function ownerOfScope(sql: Sql, scope: string): Promise<string | null> {
  if (!SCOPE.test(scope)) {
    const message = 'must be all, agency:<id>, channel:<name> or campaign:<uuid>';
    throw new AllimError('request-invalid', `the request is not valid: /scope ${message}`, {
      faults: [{ pointer: '/scope', message }],
    });
  }
  const [kind, id = ''] = scope.split(':');
  if (kind === 'agency') {
    const { rows } = await sql.query('SELECT 1 FROM agencies WHERE id = $1', [id]);
    if (rows.length === 0)
      throw new AllimError('agency-unknown', `no agency ${id} is known`, { ids: { agency: id } });
    return id;
  }
  if (kind !== 'campaign') return null;
  const { rows } = await sql.query<{ agency: string }>(
    'SELECT agency_id AS agency FROM campaigns WHERE id = $1::uuid',
    [id],
  );
  if (rows[0] === undefined) throw noSuchCampaign(id);
  return rows[0].agency;
}
