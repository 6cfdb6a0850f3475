/** The log of what was asked about the population, and the sets whose sizes were told: append-only (migration 0016). */
import type { Sql } from '../domain/sql.ts';

export type QuestionKind = 'audience' | 'preview' | 'overlap' | 'difference' | 'explanation' | 'simulation';

export type AskedFor = {
  readonly caller: string;
  /** null is the administrator. */
  readonly agency: string | null;
};

export type ToldSet = {
  readonly name: string;
  readonly fingerprint: Buffer;
  readonly citizens: number;
  readonly sketch: Buffer;
};

export type LoggedQuestion = AskedFor & {
  readonly kind: QuestionKind;
  readonly rule: string | null;
  readonly asked: unknown;
  readonly purpose: string | null;
  /** `partial`: some shard did not answer. `failed`: none did, or not in time. */
  readonly outcome: 'answered' | 'partial' | 'refused' | 'failed';
  readonly offsets: readonly (number | null)[];
  /** Empty where nothing was told. */
  readonly sets: readonly ToldSet[];
};

/** Keys of one agency share what they know, so what one was told counts for all of them. */
const askedFor = ({ caller, agency }: AskedFor): string => agency ?? caller;

/** One statement. In one transaction with what was looked up about its sets, where that was. */
export async function logQuestion(sql: Sql, question: LoggedQuestion): Promise<void> {
  const { sets } = question;
  await sql.query({
    name: 'log-question',
    text: `WITH asked AS (
        INSERT INTO questions (caller, agency_id, kind, rule_id, asked, purpose, outcome, offsets)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id
      )
      INSERT INTO question_sets (question_id, asked_for, name, fingerprint, citizens, sketch)
      SELECT asked.id, $9, told.name, told.fingerprint, told.citizens, told.sketch
      FROM asked, unnest($10::text[], $11::bytea[], $12::bigint[], $13::bytea[]) AS told (name, fingerprint, citizens, sketch)`,
    values: [
      question.caller,
      question.agency,
      question.kind,
      question.rule,
      JSON.stringify(question.asked),
      question.purpose,
      question.outcome,
      question.offsets.map((offset) => offset ?? -1),
      askedFor(question),
      sets.map(({ name }) => name),
      sets.map(({ fingerprint }) => fingerprint),
      sets.map(({ citizens }) => citizens),
      sets.map(({ sketch }) => sketch),
    ],
  });
}

/** Two answers at the same moment would both be looked at without the other: those of one agency come one after the other. */
export async function lockAsker(sql: Sql, asker: AskedFor): Promise<void> {
  await sql.query(`SELECT pg_advisory_xact_lock(hashtextextended('questions/' || $1, 0))`, [askedFor(asker)]);
}

/**
 * Sketches of sets that were told lately and have nearly this size, of other questions than `fingerprint`. A set that differs in fewer than
 * `within` people has a size that differs by less, so none that matters is left out.
 */
export async function nearSets(
  sql: Sql,
  asker: AskedFor,
  set: Pick<ToldSet, 'fingerprint' | 'citizens'>,
  within: number,
): Promise<Pick<ToldSet, 'citizens' | 'sketch'>[]> {
  const { rows } = await sql.query<Pick<ToldSet, 'citizens' | 'sketch'>>({
    name: 'near-sets',
    text: `SELECT citizens, sketch FROM question_sets WHERE asked_for = $1 AND citizens > $2::bigint - $4 AND citizens < $2::bigint + $4
      AND fingerprint <> $3 AND at > clock_timestamp() - interval '30 days' ORDER BY at DESC LIMIT 10000`,
    values: [askedFor(asker), set.citizens, set.fingerprint, within],
  });
  return rows;
}
