/**
 * The demonstration of `npm start`: a seeded population, three agencies' events, some corrected and some about what is done already,
 * sent for real as far as the outbox; and an independent count of who ought to have been told.
 */
import type { Broker, NewRecord } from '../broker/broker.ts';
import { dayOf } from '../domain/clock.ts';
import { TOPICS } from '../domain/records.ts';
import type { SqlPool } from '../domain/sql.ts';
import { citizens } from '../producers/population.ts';
import { judge, type Left, type Story, type Told, type Verdict } from './demonstration-oracle.ts';

export type DemonstrationParts = {
  readonly pool: SqlPool;
  readonly broker: Broker;
  /** As `GET /api/v1/status`: idle when nothing is left to do now. */
  readonly status: () => Promise<{ idle: boolean; backlog: Readonly<Record<string, number>> }>;
  /** Everything in the outbox, opened, in portions. */
  readonly outbox: () => AsyncIterable<readonly Left[]>;
  readonly say: (line: string) => void;
};

export type Summary = {
  readonly events: number;
  readonly citizens: number;
  readonly matched: number;
  readonly notifications: number;
  readonly sent: Verdict['sent'];
  readonly held: number;
  readonly suppressed: number;
  readonly failed: number;
  readonly lost: number;
  readonly unexpected: number;
  readonly doubled: number;
  readonly seconds: number;
};

export type Remembered = { readonly atMs: number; readonly citizens: number };

export const DEMONSTRATION_SEED = 2026;
const TAXES = 500;
const CORRECTIONS = 40;
const DONE = 25;
const AREA = '11';
const MAX_BRACKET = 9;
/** An empty system is idle before it has looked at what it was just given; a minute is far beyond any demonstration. */
const IDLE_TIMEOUT_MS = 120_000;

type Fields = Readonly<Record<string, string>>;

function event(
  id: string,
  source: string,
  type: string,
  time: string,
  data: object,
  more: Fields = {},
): NewRecord {
  const body = {
    specversion: '1.0',
    id,
    source,
    type,
    time,
    datacontenttype: 'application/json',
    ...more,
    data,
  };
  return {
    key: more['subject'] ?? more['allimobligation'] ?? id,
    value: JSON.stringify(body),
    headers: { 'content-type': 'application/cloudevents+json; charset=utf-8' },
  };
}

/** What happens, in three acts: done before it opens; windows and assessments; corrections and what was done since. */
export function writeStory(
  count: number,
  nowMs: number,
): { story: Story; acts: readonly (readonly NewRecord[])[] } {
  const asOf = dayOf(nowMs);
  const time = Temporal.Instant.fromEpochMilliseconds(nowMs).toString();
  const today = Temporal.PlainDate.from(asOf);
  const year = today.year + 1;
  const term = `${year}-1`;
  const due = today.add({ days: 38 }).toString();
  const people = [...citizens(DEMONSTRATION_SEED, Math.min(count, 5_000))];
  const seoul = people.filter((c) => c.profile.sido === AREA).slice(0, DONE);
  const students = people.filter((c) => c.profile.student === 'enrolled').slice(0, DONE);
  const owners = people.filter((c) => c.profile.birthDate < '2000').slice(0, TAXES);
  const checkup = (citizen: string) =>
    event(
      `checkup-done-${year}-${citizen}`,
      '/nhis/checkup',
      'kr.nhis.checkup.completed',
      time,
      { year },
      { subject: citizen, allimobligation: `checkup/${year}` },
    );
  const applied = (citizen: string) =>
    event(
      `applied-${term}-${citizen}`,
      '/kosaf/scholarship',
      'kr.kosaf.scholarship.applied',
      time,
      { term },
      { subject: citizen, allimobligation: `scholarship/${term}` },
    );
  const tax = (citizen: string, index: number, amount: number, sequence: number) =>
    event(
      `tax-${year}-${index}-${sequence}`,
      '/nts/property-tax',
      'kr.nts.property-tax.assessed',
      time,
      { amount, dueOn: due },
      {
        subject: citizen,
        allimobligation: `property-tax/${year}-${index}`,
        sequence: String(sequence),
      },
    );
  const paid = (citizen: string, index: number) =>
    event(
      `tax-paid-${year}-${index}`,
      '/nts/property-tax',
      'kr.nts.property-tax.paid',
      time,
      {},
      { subject: citizen, allimobligation: `property-tax/${year}-${index}` },
    );

  // The first of the owners have paid before anybody assessed them: they hear nothing.
  const taxed = owners.slice(DONE);
  const amountOf = (index: number) => 41_000 + index * 130;
  const taxes: Told[] = taxed.map((c, at) => ({
    citizen: c.id,
    amount: amountOf(at + DONE),
    corrected: false,
  }));
  const corrected = taxed.slice(0, CORRECTIONS);
  taxes.push(
    ...corrected.map((c, at) => ({ citizen: c.id, amount: amountOf(at + DONE) + 7, corrected: true })),
  );
  return {
    story: {
      seed: DEMONSTRATION_SEED,
      citizens: count,
      asOf,
      checkup: { year, parity: year % 2, area: AREA, done: seoul.map((c) => c.id) },
      scholarship: { maxBracket: MAX_BRACKET, done: students.map((c) => c.id) },
      taxes,
    },
    acts: [
      [
        ...seoul.map((c) => checkup(c.id)),
        ...students.map((c) => applied(c.id)),
        ...owners.slice(0, DONE).map((c, at) => paid(c.id, at)),
      ],
      [
        event(`window-${year}`, '/nhis/checkup', 'kr.nhis.checkup-window.opened', time, {
          year,
          parity: year % 2,
          area: AREA,
          closesOn: `${year}-12-31`,
        }),
        event(`window-${term}`, '/kosaf/scholarship', 'kr.kosaf.scholarship-window.opened', time, {
          term,
          round: 1,
          maxBracket: MAX_BRACKET,
          closesOn: today.add({ days: 34 }).toString(),
          closesTime: '18:00',
        }),
        ...owners.map((c, at) => tax(c.id, at, amountOf(at), 1)),
      ],
      [
        ...corrected.map((c, at) => tax(c.id, at + DONE, amountOf(at + DONE) + 7, 2)),
        ...taxed.slice(-DONE).map((c, at) => paid(c.id, owners.length - DONE + at)),
      ],
    ],
  };
}

async function untilIdle(parts: DemonstrationParts): Promise<void> {
  const deadline = performance.now() + IDLE_TIMEOUT_MS;
  let saidAt = performance.now();
  for (;;) {
    const { idle, backlog } = await parts.status();
    if (idle) return;
    if (performance.now() > deadline)
      throw new Error(`not idle after ${IDLE_TIMEOUT_MS / 1000} s: ${JSON.stringify(backlog)}`);
    if (performance.now() - saidAt > 2_000) {
      saidAt = performance.now();
      parts.say(
        `  still to do: ${Object.entries(backlog)
          .filter(([, left]) => left > 0)
          .map(([what, left]) => `${left} ${what}`)
          .join(', ')}`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/**
 * When the demonstration of this data folder began and for how many citizens. Told again it is the same story with the same events, which
 * the ledger knows by their ids: nobody is told twice.
 */
export async function rememberStory(pool: SqlPool, count: number, nowMs: number): Promise<Remembered> {
  const { rows } = await pool.query<{ value: Remembered }>(
    `INSERT INTO settings (name, value) VALUES ('demonstration', $1::text::jsonb)
     ON CONFLICT (name) DO UPDATE SET value = settings.value RETURNING value`,
    [JSON.stringify({ atMs: nowMs, citizens: count })],
  );
  return rows[0]!.value;
}

/** Publishes the story act by act, waits for each, and counts. `startedMs` is on the clock of performance.now(). */
export async function runDemonstration(
  parts: DemonstrationParts,
  remembered: Remembered,
  startedMs: number,
): Promise<Summary> {
  const { pool, broker, say } = parts;
  const { citizens: count } = remembered;
  const { story, acts } = writeStory(count, remembered.atMs);
  const titles = [
    'what is done before anybody asked for it: check-ups, applications, payments',
    'a check-up window in Seoul, a scholarship window, property tax assessments',
    'corrected amounts, and payments since',
  ];
  let events = 0;
  for (const [at, act] of acts.entries()) {
    say(`${act.length} events: ${titles[at]}`);
    await broker.append(TOPICS.events, act);
    events += act.length;
    await untilIdle(parts);
  }
  say('counting, by SQL over the seed, who had to be told');
  const verdict = await judge(pool, story, parts.outbox());
  const { rows } = await pool.query<
    Pick<Summary, 'matched' | 'notifications' | 'held' | 'suppressed' | 'failed'>
  >(
    `SELECT (SELECT coalesce(sum(matched), 0)::bigint FROM runs r JOIN fanouts f ON f.id = r.fanout_id AND f.run_id = r.run_id) AS matched,
       (SELECT count(*) FROM notifications) AS notifications,
       count(*) FILTER (WHERE status = 'waiting') AS held, count(*) FILTER (WHERE status = 'suppressed') AS suppressed,
       count(*) FILTER (WHERE status::text LIKE 'failed-%') AS failed FROM deliveries`,
  );
  return {
    events,
    citizens: count,
    ...rows[0]!,
    sent: verdict.sent,
    lost: verdict.lost,
    unexpected: verdict.unexpected,
    doubled: verdict.doubled,
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
  };
}
