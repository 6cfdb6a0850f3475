/** Simulations of drafts: how far each has come, and what it found. */
import type { Sql } from '../domain/sql.ts';

export type Simulation = {
  readonly id: string;
  readonly agency: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly steps: number;
  readonly stepsDone: number;
  readonly result: unknown;
  readonly failure: string | null;
};

export async function beginSimulation(
  sql: Sql,
  given: { readonly id: string; readonly agency: string; readonly caller: string; readonly steps: number },
): Promise<void> {
  await sql.query('INSERT INTO simulations (id, agency_id, caller, steps) VALUES ($1, $2, $3, $4)', [
    given.id,
    given.agency,
    given.caller,
    given.steps,
  ]);
}

export async function advanceSimulation(sql: Sql, id: string, stepsDone: number): Promise<void> {
  await sql.query(
    `UPDATE simulations SET steps_done = $2, updated_at = clock_timestamp() WHERE id = $1 AND state = 'running'`,
    [id, stepsDone],
  );
}

export async function endSimulation(
  sql: Sql,
  id: string,
  end: { readonly result: unknown } | { readonly failure: string },
): Promise<void> {
  const [state, result, failure] =
    'result' in end ? ['done', JSON.stringify(end.result), null] : ['failed', null, end.failure];
  await sql.query(
    `UPDATE simulations SET state = $2, result = $3, failure = $4, updated_at = clock_timestamp(),
       steps_done = CASE WHEN $2 = 'done' THEN steps ELSE steps_done END WHERE id = $1`,
    [id, state, result, failure],
  );
}

/** One whose process is gone stays `running`, and says when it last moved. */
export async function readSimulation(
  sql: Sql,
  id: string,
): Promise<(Simulation & { readonly updatedAt: Date }) | undefined> {
  const { rows } = await sql.query<Simulation & { updatedAt: Date }>(
    `SELECT id, agency_id AS agency, state, steps, steps_done AS "stepsDone", result, failure, updated_at AS "updatedAt"
     FROM simulations WHERE id = $1`,
    [id],
  );
  return rows[0];
}

/** Events of a type that arrived in a time and counted, oldest first; `more` where there were others. */
export async function pastEvents(
  sql: Sql,
  type: string,
  from: string,
  to: string,
  limit: number,
): Promise<{ readonly events: readonly PastEvent[]; readonly more: boolean }> {
  const { rows } = await sql.query<PastEvent>(
    `SELECT id, body->'data' AS data, body->>'subject' AS citizen, received_at AS "receivedAt",
       body->>'allimsubjectkey' IS NOT NULL AS keyed FROM events
     WHERE type = $1 AND received_at >= $2::timestamptz AND received_at < $3::timestamptz AND state <> 'superseded'
     ORDER BY received_at, id LIMIT $4`,
    [type, from, to, limit + 1],
  );
  return { events: rows.slice(0, limit), more: rows.length > limit };
}

export type PastEvent = {
  readonly id: string;
  readonly data: Readonly<Record<string, unknown>> | null;
  /** null: it is for everybody, or names a person by a key of the agency. */
  readonly citizen: string | null;
  readonly keyed: boolean;
  readonly receivedAt: Date;
};
