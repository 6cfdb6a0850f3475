/**
 * Who must have been told what in the demonstration, by brute force: the seed goes into plain temporary tables, each programme's audience is
 * SQL written by hand, and the result is held against what stands in the outbox. Nothing here reads the rules, the ledger or the planner: an
 * oracle that asked them would only hear its own opinion.
 */
import type { Sql, SqlPool } from '../domain/sql.ts';
import type { Channel } from '../domain/statuses.ts';
import { citizens, type SyntheticCitizen } from '../producers/population.ts';
import type { Programme, Story } from './demonstration-week.ts';
import { addressOf, isRefuser, isSleeper, subscriptionPool } from './seed-population.ts';

/** What left, as the outbox has it. `text` is all that the person would read. */
export type Left = { readonly channel: string; readonly address: string; readonly text: string };

export type Verdict = {
  readonly expected: number;
  readonly lost: number;
  readonly unexpected: number;
  readonly doubled: number;
  readonly sent: Readonly<Record<'push' | 'email' | 'sms', number>>;
};

const PORTION = 5_000;

/** Small letters, and Vietnamese as text messages write it: `Đã đổi` is `da doi`. Korean syllables stay as they are. */
function withoutMarks(text: string): string {
  return text
    .normalize('NFD')
    .replaceAll(/[\u0300-\u036f]/g, '')
    .normalize('NFC')
    .toLowerCase()
    .replaceAll('đ', 'd');
}

/** What a text is about, by its words alone. */
export function recognise(
  programmes: readonly Programme[],
  text: string,
): { readonly kind: string; readonly figure: number } {
  const plain = withoutMarks(text);
  for (const programme of programmes) {
    const found = programme.recognise(plain);
    if (found !== null) return found;
  }
  return { kind: 'unknown', figure: 0 };
}

async function loadPeople(
  sql: Sql,
  chunk: readonly SyntheticCitizen[],
  orders: readonly (readonly Channel[])[],
): Promise<void> {
  await sql.query(
    `INSERT INTO seed_people SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::text[],
       $9::int[], $10::boolean[], $11::boolean[])`,
    [
      chunk.map((c) => c.id),
      chunk.map((c) => c.profile.birthDate),
      chunk.map((c) => c.profile.sex),
      chunk.map((c) => c.profile.insurance),
      chunk.map((c) => c.profile.sido),
      chunk.map((c) => c.profile.sigungu),
      chunk.map((c) => c.profile.lastCheckupYear ?? null),
      chunk.map((c) => c.profile.student ?? null),
      chunk.map((c) => c.profile.incomeBracket ?? null),
      chunk.map((c) => isRefuser(c.id)),
      chunk.map((c) => isSleeper(c.id)),
    ],
  );
  // The best channel alone, by each order that a programme has: the others are for when it fails.
  const points = orders.flatMap((order) =>
    chunk.flatMap((c) => {
      const [best] = c.contactPoints.toSorted((a, b) => order.indexOf(a.channel) - order.indexOf(b.channel));
      return best === undefined ? [] : [{ order: order.join(), citizen: c.id, point: best }];
    }),
  );
  await sql.query(
    `INSERT INTO seed_points SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])`,
    [
      points.map((p) => p.order),
      points.map((p) => p.citizen),
      points.map((p) => p.point.channel),
      points.map((p) => addressOf(p.point)),
    ],
  );
}

async function load(sql: Sql, story: Story): Promise<void> {
  await sql.query(
    `CREATE TEMP TABLE seed_people (id text, born date, sex text, insurance text, sido text, sigungu text, checked int, student text, bracket int,
       refuses boolean, sleeps boolean)`,
  );
  await sql.query(
    'CREATE TEMP TABLE seed_points (preference text, citizen text, channel text, address text)',
  );
  await sql.query('CREATE TEMP TABLE seed_facts (programme text, citizen text, kind text, figure bigint)');
  const orders = [...new Map(story.programmes.map(({ channels }) => [channels.join(), channels])).values()];
  let chunk: SyntheticCitizen[] = [];
  for (const citizen of citizens(story.seed, story.citizens, { subscription: subscriptionPool() })) {
    chunk.push(citizen);
    if (chunk.length < PORTION) continue;
    await loadPeople(sql, chunk, orders);
    chunk = [];
  }
  await loadPeople(sql, chunk, orders);
  await sql.query(
    `INSERT INTO seed_facts SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[])`,
    [
      story.facts.map((fact) => fact.programme),
      story.facts.map((fact) => fact.citizen),
      story.facts.map((fact) => fact.kind),
      story.facts.map((fact) => fact.figure),
    ],
  );
  await sql.query('ANALYZE seed_people');
  await sql.query('ANALYZE seed_points');
}

/**
 * Who had to be told, in plain SQL. An unknown fact makes a comparison NULL, and WHERE takes only what is true; a programme that reaches the
 * possible too takes what is not false. `may_wait` marks those who asked for a quiet night: told later is told.
 */
function expectation({ programmes, audiences }: Story): string {
  const due = audiences.map(
    ({
      programme,
      sql,
    }) => `SELECT a.citizen, a.kind, a.figure, '${programme}' AS programme FROM (${sql}) a(citizen, kind, figure)
      WHERE NOT EXISTS (SELECT 1 FROM seed_facts d WHERE d.programme = '${programme}' AND d.kind = 'done' AND d.citizen = a.citizen)`,
  );
  const named = (test: (programme: Programme) => boolean) =>
    `(${programmes
      .filter(test)
      .map(({ rule }) => `'${rule}'`)
      .concat("''")
      .join(', ')})`;
  return `CREATE TEMP TABLE expected AS
    WITH due AS (
      SELECT citizen, kind, figure, programme FROM seed_facts WHERE kind <> 'done'
      ${due.map((sql) => `UNION ALL ${sql}`).join('\n')}
    ), preference(programme, preference) AS (VALUES ${programmes.map(({ rule, channels }) => `('${rule}', '${channels.join()}')`).join(', ')})
    SELECT p.channel, p.address, d.kind, d.figure, s.sleeps AND d.programme NOT IN ${named((one) => one.wakes)} AS may_wait
    FROM due d JOIN seed_people s ON s.id = d.citizen JOIN preference o ON o.programme = d.programme
    JOIN seed_points p ON p.citizen = d.citizen AND p.preference = o.preference
    WHERE NOT (s.refuses AND d.programme IN ${named((one) => one.refusable)})`;
}

/** Loads the story, works out who must have been told, and compares with what left. 1 s for 20,000 citizens. */
export async function judge(
  pool: SqlPool,
  story: Story,
  left: AsyncIterable<readonly Left[]>,
): Promise<Verdict> {
  const client = await pool.connect();
  try {
    await load(client, story);
    await client.query(expectation(story));
    await client.query('CREATE TEMP TABLE seen (channel text, address text, kind text, figure bigint)');
    for await (const rows of left) {
      const read = rows.map((row) => ({ ...row, ...recognise(story.programmes, row.text) }));
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
      WITH e AS (SELECT channel, address, kind, figure, count(*) AS n, count(*) FILTER (WHERE NOT may_wait) AS now FROM expected GROUP BY 1, 2, 3, 4),
           s AS (SELECT channel, address, kind, figure, count(*) AS n FROM seen GROUP BY 1, 2, 3, 4)
      SELECT coalesce(sum(e.n), 0)::bigint AS expected, coalesce(sum(greatest(e.now - coalesce(s.n, 0), 0)), 0)::bigint AS lost,
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
