/**
 * The demonstration of `npm start`: a seeded population and a week of several agencies' events, some corrected and some about what is done
 * already, sent for real as far as the outbox; and an independent count of who ought to have been told.
 */
import type { Broker } from '../broker/broker.ts';
import { TOPICS } from '../domain/records.ts';
import type { SqlPool } from '../domain/sql.ts';
import { judge, type Left, type Verdict } from './demonstration-oracle.ts';
import { PROGRAMMES } from './demonstration-programmes.ts';
import { type Day, type Programme, type Story, writeWeek } from './demonstration-week.ts';

export type DemonstrationParts = {
  readonly pool: SqlPool;
  readonly broker: Broker;
  /** As `GET /api/v1/status`: idle when nothing is left to do now. */
  readonly status: () => Promise<{ idle: boolean; backlog: Readonly<Record<string, number>> }>;
  /** What left because of these events, opened, in portions. */
  readonly outbox: (events: ReadonlySet<string>) => AsyncIterable<readonly Left[]>;
  readonly say: (line: string) => void;
  /** The title of an event type that the catalogue has, in English; undefined where it has none. */
  readonly titleOf: (type: string) => string | undefined;
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

/** Far beyond any demonstration; a channel that somebody has stopped is never idle. */
const IDLE_TIMEOUT_MS = 120_000;
const SAY_EVERY_MS = 1_000;
const LOOK_EVERY_MS = 50;
/**
 * Days that begin when the day before is over: a person who has paid is not told only where the payment came first, and only who was told is
 * corrected. The others follow one another at once.
 */
const AFTER_THE_DAY_BEFORE: ReadonlySet<number> = new Set([2, 6, 7]);

async function untilIdle(parts: DemonstrationParts): Promise<void> {
  const deadline = performance.now() + IDLE_TIMEOUT_MS;
  let saidAt = performance.now();
  for (;;) {
    const { idle, backlog } = await parts.status();
    if (idle) return;
    if (performance.now() > deadline)
      throw new Error(`not idle after ${IDLE_TIMEOUT_MS / 1000} s: ${JSON.stringify(backlog)}`);
    if (performance.now() - saidAt > SAY_EVERY_MS) {
      saidAt = performance.now();
      const left = Object.entries(backlog).filter(([, count]) => count > 0);
      parts.say(`    still to do: ${left.map(([what, count]) => `${count} ${what}`).join(', ')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
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

const WEEKDAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function dayLine(day: Day, titleOf: DemonstrationParts['titleOf']): string {
  const counts = new Map<string, number>();
  for (const { type } of day.happenings) counts.set(type, (counts.get(type) ?? 0) + 1);
  const what = [...counts].map(([type, count]) =>
    count > 1 ? `${count} × ${titleOf(type)}` : titleOf(type),
  );
  const weekday = WEEKDAYS[Temporal.PlainDate.from(day.date).dayOfWeek - 1];
  return `  ${weekday} ${day.date}: ${what.join(', ') || 'nothing'}`;
}

/** The programmes whose event types the catalogue has. */
export function programmesIn(titleOf: DemonstrationParts['titleOf']): readonly Programme[] {
  return PROGRAMMES.filter(({ types }) => types.every((type) => titleOf(type) !== undefined));
}

async function publish(parts: DemonstrationParts, days: readonly Day[]): Promise<void> {
  for (const [index, day] of days.entries()) {
    if (AFTER_THE_DAY_BEFORE.has(index + 1)) await untilIdle(parts);
    parts.say(dayLine(day, parts.titleOf));
    if (day.records.length > 0) await parts.broker.append(TOPICS.events, day.records);
  }
  await untilIdle(parts);
}

async function summarise(
  pool: SqlPool,
  story: Story,
  events: number,
  verdict: Verdict,
  startedMs: number,
): Promise<Summary> {
  const { rows } = await pool.query<
    Pick<Summary, 'matched' | 'notifications' | 'held' | 'suppressed' | 'failed'>
  >(
    `SELECT (SELECT coalesce(sum(matched), 0)::bigint FROM runs r JOIN fanouts f ON f.id = r.fanout_id AND f.run_id = r.run_id) AS matched,
       (SELECT count(*) FROM notifications) AS notifications,
       count(*) FILTER (WHERE status = 'waiting') AS held, count(*) FILTER (WHERE status = 'suppressed') AS suppressed,
       count(*) FILTER (WHERE status::text LIKE 'failed-%') AS failed FROM deliveries`,
  );
  const { sent, lost, unexpected, doubled } = verdict;
  const seconds = Math.round((performance.now() - startedMs) / 100) / 10;
  return { events, citizens: story.citizens, ...rows[0]!, sent, lost, unexpected, doubled, seconds };
}

/** Publishes the week day by day, waits until all of it is done, and counts. `startedMs` is on the clock of performance.now(). */
export async function runDemonstration(
  parts: DemonstrationParts,
  remembered: Remembered,
  startedMs: number,
): Promise<Summary> {
  const programmes = programmesIn(parts.titleOf);
  const { story, days } = writeWeek(programmes, remembered.citizens, remembered.atMs);
  const events = days.reduce((sum, day) => sum + day.records.length, 0);
  parts.say(`a week of ${events} events, ${programmes.length} programmes`);
  await publish(parts, days);
  parts.say('counting, by SQL over the seed, who had to be told');
  const ids = new Set(days.flatMap((day) => day.happenings.map(({ source, id }) => `${source} ${id}`)));
  const verdict = await judge(parts.pool, story, parts.outbox(ids));
  return await summarise(parts.pool, story, events, verdict, startedMs);
}
