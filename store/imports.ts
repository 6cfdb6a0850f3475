/** Imports: who handed in what, how far it has come, its kept pieces and its faults. */
import type { Id } from '../domain/ids.ts';
import type { Sql, SqlPool } from '../domain/sql.ts';

export type ImportId = Id<'import'>;
export const IMPORT_KINDS = ['events', 'citizens', 'links'] as const;
export type ImportKind = (typeof IMPORT_KINDS)[number];
export type ImportState = 'receiving' | 'waiting' | 'running' | 'done' | 'failed';

export type ImportCredential = {
  readonly id: string;
  readonly scopes: readonly string[];
  readonly sources: readonly string[];
};

export type NewImport = {
  readonly id: ImportId;
  readonly agency: string | null;
  readonly kind: ImportKind;
  readonly name: string | null;
  readonly credential: ImportCredential;
  readonly options: { readonly initial?: boolean };
};

export type Import = NewImport & {
  readonly state: ImportState;
  readonly charset: string | null;
  readonly bytes: number;
  readonly bytesDone: number;
  readonly linesDone: number;
  readonly rows: number;
  readonly accepted: number;
  readonly refused: number;
  readonly unresolved: number;
  readonly run: number;
  readonly code: string | null;
  readonly reason: string | null;
  /** RFC 3339, exact to the microsecond. */
  readonly at: string;
  readonly finishedAt: Date | null;
};

const COLUMNS = `id, agency_id AS agency, kind, name, credential, options, state, charset, bytes, bytes_done AS "bytesDone",
  lines_done AS "linesDone", rows, accepted, refused, unresolved, run, code, reason,
  to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS at, finished_at AS "finishedAt"`;

/** False where there is one of this id already. */
export async function saveImport(sql: Sql, one: NewImport, nowMs: number): Promise<boolean> {
  const { rowCount } = await sql.query(
    `INSERT INTO imports (id, agency_id, kind, name, credential, options, state, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, 'receiving', $7, $7) ON CONFLICT (id) DO NOTHING`,
    [
      one.id,
      one.agency,
      one.kind,
      one.name,
      JSON.stringify(one.credential),
      JSON.stringify(one.options),
      new Date(nowMs),
    ],
  );
  return rowCount === 1;
}

/** Of one agency, or of any where null. */
export async function findImport(sql: Sql, id: string, agency: string | null): Promise<Import | undefined> {
  const { rows } = await sql.query<Import>(
    `SELECT ${COLUMNS} FROM imports WHERE id = $1 AND ($2::text IS NULL OR agency_id = $2)`,
    [id, agency],
  );
  return rows[0];
}

/** Newest first. */
export async function listImports(
  sql: Sql,
  agency: string | null,
  after: { readonly at: string; readonly id: string } | null,
  limit: number,
): Promise<Import[]> {
  const { rows } = await sql.query<Import>(
    `SELECT ${COLUMNS} FROM imports WHERE ($1::text IS NULL OR agency_id = $1)
       AND ($2::timestamptz IS NULL OR (created_at, id) < ($2::timestamptz, $3::uuid))
     ORDER BY created_at DESC, id DESC LIMIT $4`,
    [agency, after?.at ?? null, after?.id ?? null, limit],
  );
  return rows;
}

/** Not ended yet, of one agency (null: the administrator's). */
export async function countOpenImports(sql: Sql, agency: string | null): Promise<number> {
  const { rows } = await sql.query<{ n: number }>(
    `SELECT count(*) AS n FROM imports WHERE state IN ('receiving', 'waiting', 'running') AND agency_id IS NOT DISTINCT FROM $1`,
    [agency],
  );
  return rows[0]?.n ?? 0;
}

/** False where the import is received no longer: it was given up as abandoned. */
export async function saveChunk(
  sql: Sql,
  id: ImportId,
  start: number,
  sealed: Buffer,
  nowMs: number,
): Promise<boolean> {
  const { rowCount } = await sql.query({
    name: 'save-import-chunk',
    text: `WITH held AS (UPDATE imports SET updated_at = $4 WHERE id = $1 AND state = 'receiving' RETURNING id)
      INSERT INTO import_chunks (import_id, start, sealed) SELECT id, $2, $3 FROM held`,
    values: [id, start, sealed, new Date(nowMs)],
  });
  return rowCount === 1;
}

/** The whole file is here. */
export async function saveReceived(
  sql: Sql,
  id: ImportId,
  file: { readonly charset: string; readonly bytes: number },
  nowMs: number,
): Promise<void> {
  await sql.query(
    `UPDATE imports SET state = 'waiting', charset = $2, bytes = $3, updated_at = $4 WHERE id = $1 AND state = 'receiving'`,
    [id, file.charset, file.bytes, new Date(nowMs)],
  );
}

/** Nothing of it was taken, so nothing of it is kept. */
export async function dropImport(sql: Sql, id: ImportId): Promise<void> {
  await sql.query(`DELETE FROM imports WHERE id = $1 AND state = 'receiving'`, [id]);
}

/** Uploads whose process died, and what ended before `endedBefore`. Returns how many uploads were given up. */
export async function dropAbandoned(sql: Sql, receivedBefore: Date, endedBefore: Date): Promise<number> {
  await sql.query('DELETE FROM imports WHERE finished_at < $1', [endedBefore]);
  const { rowCount } = await sql.query(`DELETE FROM imports WHERE state = 'receiving' AND updated_at < $1`, [
    receivedBefore,
  ]);
  return rowCount ?? 0;
}

/** The oldest open import of each agency: an agency's files are taken in the order in which they came. */
export async function nextImports(
  sql: Sql,
  limit: number,
): Promise<{ id: ImportId; agency: string | null }[]> {
  const { rows } = await sql.query<{ id: ImportId; agency: string | null }>({
    name: 'next-imports',
    text: `SELECT id, agency FROM (
        SELECT DISTINCT ON (agency_id) id, agency_id AS agency, created_at FROM imports
        WHERE state IN ('waiting', 'running') ORDER BY agency_id, created_at, id) oldest
      ORDER BY created_at LIMIT $1`,
    values: [limit],
  });
  return rows;
}

/** Takes an import up, or undefined where it has ended meanwhile. */
export async function startImport(sql: Sql, id: ImportId, nowMs: number): Promise<Import | undefined> {
  const { rows } = await sql.query<Import>(
    `UPDATE imports SET state = 'running', run = run + 1, updated_at = $2 WHERE id = $1 AND state IN ('waiting', 'running')
     RETURNING ${COLUMNS}`,
    [id, new Date(nowMs)],
  );
  return rows[0];
}

type Chunk = { readonly start: number; readonly sealed: Buffer };

/** The pieces from the one that holds `at`, one after the other. */
export async function* readChunks(sql: Sql, id: ImportId, at: number): AsyncGenerator<Chunk> {
  let after: number | null = null;
  for (;;) {
    const found: { readonly rows: Chunk[] } = await sql.query<Chunk>({
      name: 'read-import-chunk',
      text: `SELECT start, sealed FROM import_chunks WHERE import_id = $1
        AND start >= CASE WHEN $3::bigint IS NULL
          THEN (SELECT max(start) FROM import_chunks WHERE import_id = $1 AND start <= $2) ELSE $3 + 1 END
        ORDER BY start LIMIT 1`,
      values: [id, at, after],
    });
    const chunk: Chunk | undefined = found.rows[0];
    if (chunk === undefined) return;
    yield chunk;
    after = chunk.start;
  }
}

export type ImportStep = {
  readonly from: number;
  readonly to: number;
  readonly lines: number;
  readonly rows: number;
  readonly accepted: number;
  readonly refused: number;
  readonly unresolved: number;
};

/** Moves an import on. False where another has taken it up since. */
export async function advanceImport(
  sql: Sql,
  id: ImportId,
  run: number,
  step: ImportStep,
  nowMs: number,
): Promise<boolean> {
  const { rowCount } = await sql.query({
    name: 'advance-import',
    text: `UPDATE imports SET bytes_done = $4, lines_done = $5, rows = rows + $6, accepted = accepted + $7, refused = refused + $8,
        unresolved = unresolved + $9, updated_at = $10
      WHERE id = $1 AND run = $2 AND bytes_done = $3 AND state = 'running'`,
    values: [
      id,
      run,
      step.from,
      step.to,
      step.lines,
      step.rows,
      step.accepted,
      step.refused,
      step.unresolved,
      new Date(nowMs),
    ],
  });
  return rowCount === 1;
}

/** Ends an import; its pieces go with it. */
export async function endImport(
  pool: SqlPool,
  id: ImportId,
  run: number,
  failure: { readonly code: string; readonly reason: string } | null,
  nowMs: number,
): Promise<void> {
  await pool.query(
    `WITH ended AS (
       UPDATE imports SET state = CASE WHEN $3::text IS NULL THEN 'done' ELSE 'failed' END, code = $3, reason = $4, finished_at = $5, updated_at = $5
       WHERE id = $1 AND run = $2 AND state = 'running' RETURNING id)
     DELETE FROM import_chunks c USING ended WHERE c.import_id = ended.id`,
    [id, run, failure?.code ?? null, failure?.reason ?? null, new Date(nowMs)],
  );
}

export type ImportFault = {
  readonly line: number;
  readonly field: string;
  readonly code: string;
  readonly message: string;
  readonly taken: boolean;
};

/** Idempotent: a block that is read again has the same faults. */
export async function saveFaults(sql: Sql, id: ImportId, faults: readonly ImportFault[]): Promise<void> {
  if (faults.length === 0) return;
  const numbers = new Map<number, number>();
  const number = faults.map(({ line }) => {
    const next = (numbers.get(line) ?? 0) + 1;
    numbers.set(line, next);
    return next;
  });
  await sql.query(
    `INSERT INTO import_faults (import_id, line, number, field, code, message, taken)
     SELECT $1, u.* FROM unnest($2::bigint[], $3::smallint[], $4::text[], $5::text[], $6::text[], $7::boolean[]) u
     ON CONFLICT DO NOTHING`,
    [
      id,
      faults.map((fault) => fault.line),
      number,
      faults.map((fault) => fault.field.replaceAll('\0', '')),
      faults.map((fault) => fault.code),
      faults.map((fault) => fault.message.replaceAll('\0', '')),
      faults.map((fault) => fault.taken),
    ],
  );
}

/** By line, a thousand at a time. */
export async function* readFaults(sql: Sql, id: string): AsyncGenerator<readonly ImportFault[]> {
  let after = { line: 0, number: 0 };
  for (;;) {
    const { rows } = await sql.query<ImportFault & { number: number }>(
      `SELECT line, number, field, code, message, taken FROM import_faults WHERE import_id = $1 AND (line, number) > ($2, $3)
       ORDER BY line, number LIMIT 1000`,
      [id, after.line, after.number],
    );
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows;
    after = last;
  }
}
