/**
 * Who must have been told what in the demonstration, by brute force: the seed goes into plain temporary tables, the three programmes are written
 * out as SQL by hand, and the result is held against what stands in the outbox. Nothing here reads the rules, the ledger or the planner: an
 * oracle that asked them would only hear its own opinion.
 */
import type { Sql, SqlPool } from '../domain/sql.ts';
import { citizens } from '../producers/population.ts';
import { addressOf, subscriptionPool } from './seed-population.ts';

/** What left, as the outbox has it. `text` is all that the person would read. */
export type Left = { readonly channel: string; readonly address: string; readonly text: string };

export type Told = {
  readonly citizen: string;
  /** Unique to the notice among all of this citizen's. */
  readonly amount: number;
  readonly corrected: boolean;
};

export type Story = {
  readonly seed: number;
  readonly citizens: number;
  /** YYYY-MM-DD in Seoul. */
  readonly asOf: string;
  readonly checkup: {
    readonly year: number;
    readonly parity: number;
    readonly area: string;
    readonly done: readonly string[];
  };
  readonly scholarship: { readonly maxBracket: number; readonly done: readonly string[] };
  readonly taxes: readonly Told[];
};

export type Verdict = {
  readonly expected: number;
  readonly lost: number;
  readonly unexpected: number;
  readonly doubled: number;
  readonly sent: Readonly<Record<'push' | 'email' | 'sms', number>>;
};

/** The programme and, for a tax, the amount that a text speaks of: as a person would tell two notices apart. */
export function recognise(text: string): { kind: string; figure: number } {
  if (/재산세|property tax|thuế tài sản|thue tai san/iu.test(text)) {
    // A correction names the old amount first.
    const amounts = [...text.matchAll(/([\d,.]*\d)(?:원| won)/gu)];
    const last = amounts.at(-1)?.[1]?.replaceAll(/[,.]/gu, '');
    const corrected = /바뀌|변경|changed|đã đổi|đã thay đổi|da doi/iu.test(text);
    return { kind: corrected ? 'tax-corrected' : 'tax', figure: Number(last ?? 0) };
  }
  if (/장학금|scholarship|học bổng|hoc bong/iu.test(text)) return { kind: 'scholarship', figure: 0 };
  if (/건강검진|health check-up|khám sức khỏe|kham suc khoe/iu.test(text))
    return { kind: 'checkup', figure: 0 };
  return { kind: 'unknown', figure: 0 };
}

async function load(sql: Sql, story: Story): Promise<void> {
  await sql.query(
    `CREATE TEMP TABLE seed_people (id text PRIMARY KEY, born date, insurance text, sido text, checked int, student text, bracket int)`,
  );
  await sql.query('CREATE TEMP TABLE seed_points (citizen text, rank int, channel text, address text)');
  await sql.query('CREATE TEMP TABLE seed_taxes (citizen text, amount bigint, corrected boolean)');
  await sql.query('CREATE TEMP TABLE seed_done (citizen text, programme text)');
  let chunk: ReturnType<typeof citizens> extends Generator<infer T> ? T[] : never = [];
  const flush = async () => {
    const now = chunk;
    chunk = [];
    await sql.query(
      `INSERT INTO seed_people SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::int[], $6::text[], $7::int[])`,
      [
        now.map((c) => c.id),
        now.map((c) => c.profile.birthDate),
        now.map((c) => c.profile.insurance),
        now.map((c) => c.profile.sido),
        now.map((c) => c.profile.lastCheckupYear ?? null),
        now.map((c) => c.profile.student ?? null),
        now.map((c) => c.profile.incomeBracket ?? null),
      ],
    );
    const points = now.flatMap((c) => c.contactPoints.map((point) => ({ citizen: c.id, point })));
    await sql.query(
      `INSERT INTO seed_points SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[])`,
      [
        points.map((p) => p.citizen),
        points.map((p) => ['push', 'email', 'sms'].indexOf(p.point.channel)),
        points.map((p) => p.point.channel),
        points.map((p) => addressOf(p.point)),
      ],
    );
  };
  for (const citizen of citizens(story.seed, story.citizens, { subscription: subscriptionPool() })) {
    chunk.push(citizen);
    if (chunk.length === 5_000) await flush();
  }
  await flush();
  await sql.query(`INSERT INTO seed_taxes SELECT * FROM unnest($1::text[], $2::bigint[], $3::boolean[])`, [
    story.taxes.map((t) => t.citizen),
    story.taxes.map((t) => t.amount),
    story.taxes.map((t) => t.corrected),
  ]);
  for (const programme of ['checkup', 'scholarship'] as const)
    await sql.query(`INSERT INTO seed_done SELECT c, $2 FROM unnest($1::text[]) c`, [
      story[programme].done,
      programme,
    ]);
  await sql.query('ANALYZE seed_people');
  await sql.query('ANALYZE seed_points');
}

/**
 * The three programmes in plain SQL. An unknown fact makes a comparison NULL, and WHERE takes only what is true; the scholarship, which reaches
 * the possible too, takes what is not false.
 */
const EXPECTED = `
CREATE TEMP TABLE expected AS
WITH due AS (
  SELECT id AS citizen, 'checkup' AS kind, 0::bigint AS figure FROM seed_people
  WHERE extract(year FROM $1::date) - extract(year FROM born) >= 20
    AND (insurance <> 'medical-aid' OR extract(year FROM $1::date) - extract(year FROM born) <= 64)
    AND extract(year FROM born)::int % 2 = $2 AND checked <> $3 AND sido = $4
    AND id NOT IN (SELECT citizen FROM seed_done WHERE programme = 'checkup')
  UNION ALL
  SELECT id, 'scholarship', 0 FROM seed_people
  WHERE (student IN ('enrolled', 'admitted') AND bracket <= $5) IS NOT FALSE
    AND id NOT IN (SELECT citizen FROM seed_done WHERE programme = 'scholarship')
  UNION ALL
  SELECT citizen, CASE WHEN corrected THEN 'tax-corrected' ELSE 'tax' END, amount FROM seed_taxes
)
SELECT p.channel, p.address, d.kind, d.figure FROM due d
JOIN LATERAL (SELECT channel, address FROM seed_points s WHERE s.citizen = d.citizen ORDER BY rank LIMIT 1) p ON true`;

/** Loads the story, works out who must have been told, and compares with what left. 4 s for 50,000 citizens. */
export async function judge(
  pool: SqlPool,
  story: Story,
  left: AsyncIterable<readonly Left[]>,
): Promise<Verdict> {
  const client = await pool.connect();
  try {
    await load(client, story);
    await client.query('CREATE INDEX ON seed_points (citizen)');
    // CREATE TABLE AS takes no parameters of its own.
    const given = [
      `'${story.asOf}'`,
      story.checkup.parity,
      story.checkup.year,
      `'${story.checkup.area}'`,
      story.scholarship.maxBracket,
    ];
    await client.query(EXPECTED.replaceAll(/\$(\d)/g, (_, at: string) => String(given[Number(at) - 1])));
    await client.query('CREATE TEMP TABLE seen (channel text, address text, kind text, figure bigint)');
    for await (const rows of left) {
      const read = rows.map((row) => ({ ...row, ...recognise(row.text) }));
      await client.query(
        `INSERT INTO seen SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])`,
        [
          read.map((r) => r.channel),
          read.map((r) => r.address),
          read.map((r) => r.kind),
          read.map((r) => r.figure),
        ],
      );
    }
    const { rows } = await client.query<{
      expected: number;
      lost: number;
      unexpected: number;
      doubled: number;
      push: number;
      email: number;
      sms: number;
    }>(`
      WITH e AS (SELECT channel, address, kind, figure, count(*) AS n FROM expected GROUP BY 1, 2, 3, 4),
           s AS (SELECT channel, address, kind, figure, count(*) AS n FROM seen GROUP BY 1, 2, 3, 4)
      SELECT coalesce(sum(e.n), 0)::bigint AS expected, coalesce(sum(greatest(e.n - coalesce(s.n, 0), 0)), 0)::bigint AS lost,
        coalesce(sum(s.n) FILTER (WHERE e.n IS NULL), 0)::bigint AS unexpected,
        coalesce(sum(s.n - e.n) FILTER (WHERE s.n > e.n), 0)::bigint AS doubled,
        coalesce(sum(s.n) FILTER (WHERE channel = 'push'), 0)::bigint AS push,
        coalesce(sum(s.n) FILTER (WHERE channel = 'email'), 0)::bigint AS email,
        coalesce(sum(s.n) FILTER (WHERE channel = 'sms'), 0)::bigint AS sms
      FROM e FULL JOIN s USING (channel, address, kind, figure)`);
    const { push, email, sms, ...verdict } = rows[0]!;
    return { ...verdict, sent: { push, email, sms } };
  } finally {
    // With it go the temporary tables.
    client.release(true);
  }
}
