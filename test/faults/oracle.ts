/**
 * Who must have been told what in a round, by brute force, in a database that the product never sees: the round's own inputs are copied in, the
 * two rules are written out as SQL by hand, and what the sinks wrote down is held against that. No code of the product takes part in judging;
 * its ledger is asked only whether it owned up: that a doubled call is flagged, that what it calls sent did arrive, that its counts add up.
 */
import type { Pool } from '../../store/postgres.ts';
import { copyRows, type Row } from '../spine/oracle.ts';
import { recognise } from '../spine/recognise.ts';
import { ENTERED } from './entering.ts';
import type { Arrival } from './fault.ts';
import type { Person, Round, Slice } from './inputs.ts';

const PEOPLE = `
CREATE TABLE people (id text PRIMARY KEY, born date, insurance text, sido text, sigungu text, checked int, reachable boolean);
CREATE TABLE points (citizen text, channel text, address text, UNIQUE (channel, address));
CREATE TABLE windows (event text, area text, parity int, year int, closes int);
CREATE TABLE amounts (citizen text, event text, obligation text, kind text, amount bigint, sequence int, last boolean);
CREATE TABLE seen (channel text, address text, delivery text, kind text, figure bigint, at_ms bigint);
CREATE TABLE ledger (citizen text, event text, channel text, status text, unclear int);
CREATE TABLE inbox (citizen text, event text);`;

const ROUND_TABLES = 'windows, amounts, seen, ledger, inbox';

/** Whom a window concerns. Unknown facts make a comparison NULL, and WHERE takes only what is true. */
const CONCERNED = `extract(year FROM $day) - extract(year FROM p.born) >= 20
  AND (p.insurance <> 'medical-aid' OR extract(year FROM $day) - extract(year FROM p.born) <= 64)
  AND extract(year FROM p.born)::int % 2 = w.parity AND p.checked <> w.year
  AND (w.area = 'all' OR w.area = p.sigungu OR w.area = p.sido)`;

/** What the product's database says of the round's events, by their ids. */
export const LEDGER_QUERY = `SELECT n.recipient_id AS citizen, e.event_id AS event, d.channel, d.status::text AS status, d.unclear
  FROM events e JOIN notifications n ON n.event_id = e.id JOIN deliveries d ON d.notification_id = n.id AND d.month = n.month WHERE e.event_id LIKE $1
  UNION ALL
  SELECT n.recipient_id, e.event_id, 'inbox', 'no-address', 0 FROM events e JOIN notifications n ON n.event_id = e.id WHERE n.no_address AND e.event_id LIKE $1 AND NOT starts_with(n.recipient_id, '${ENTERED}')`;
export const INBOX_QUERY = `SELECT n.recipient_id AS citizen, e.event_id AS event FROM events e JOIN notifications n ON n.event_id = e.id WHERE e.event_id LIKE $1 AND NOT starts_with(n.recipient_id, '${ENTERED}')`;
/** LEDGER.md, section 3. Of all rounds so far: none may be left open or lie. */
export const EQUATIONS_QUERY = `SELECT f.id::text, f.state, f.reason, to_jsonb(r) - 'fanout_id' AS run FROM fanouts f LEFT JOIN runs r ON r.fanout_id = f.id AND r.run_id = f.run_id
  WHERE f.state <> 'complete' OR r.run_id IS NULL OR r.pages_planned <> r.pages_total OR r.matched <> r.matched_total
    OR r.matched <> r.notified + r.told + r.done + r.superseded + r.nobody + r.opted_out OR r.recipients <> r.planned + r.told_recipients + r.opted_recipients LIMIT 20`;

export type Ledger = {
  readonly deliveries: readonly {
    citizen: string;
    event: string;
    channel: string;
    status: string;
    unclear: number;
  }[];
  readonly inbox: readonly { citizen: string; event: string }[];
};

export type Verdict = {
  /** Notices that must have arrived. */
  readonly expected: number;
  /** Lines of the sinks' log that belong to the round. */
  readonly seen: number;
  readonly lost: number;
  /** Never arrived, and the ledger says so: nobody knows, or every address was refused. A fault must allow this by name. */
  readonly left: number;
  /** To somebody whom it does not concern, of something that was settled, or nothing that we said. */
  readonly unexpected: number;
  /** What a person sees twice although the provider deduplicates: one notice under two Topics or Message-IDs, or over two channels. */
  readonly doubled: number;
  /** Calls that a provider without deduplication carried out once more, or that a Topic or Message-ID took back. */
  readonly repeated: { readonly push: number; readonly email: number; readonly sms: number };
  /** Repeated or doubled and not flagged by the ledger. */
  readonly unflagged: number;
  /** Attempts of which nobody knows whether they were carried out, as the ledger counts them. */
  readonly ambiguous: number;
  readonly inboxMissing: number;
  readonly inboxUnexpected: number;
  readonly inboxDoubled: number;
  /** A few rows of each, for whoever looks. */
  readonly evidence: Readonly<Record<string, readonly Record<string, unknown>[]>>;
};

export async function preparePeople(oracle: Pool, people: readonly Person[]): Promise<void> {
  await oracle.query(PEOPLE);
  const row = ({ id, profile, reachable }: Person): Row => {
    const { birthDate, insurance, sido, sigungu, lastCheckupYear } = profile;
    return [id, birthDate, insurance, sido, sigungu, lastCheckupYear ?? null, reachable];
  };
  await copyRows(oracle, 'people', people.map(row));
  // As the sinks name addresses: of a push subscription the name of its browser.
  const points = people.flatMap((person) =>
    person.contactPoints.map((point): Row => {
      const address = point.channel === 'push' ? person.id : point.address;
      return [person.id, point.channel, address];
    }),
  );
  await copyRows(oracle, 'points', points);
  await oracle.query('ANALYZE');
}

/** How many reachable people a window in each sido would concern. */
export async function measureSlices(oracle: Pool, asOf: string): Promise<readonly Slice[]> {
  const year = Number(asOf.slice(0, 4)) + 1;
  const { rows } = await oracle.query<Slice>(
    `SELECT w.area, w.parity, count(*)::int AS reachable
     FROM (SELECT DISTINCT sido AS area, parity, $1::int AS year FROM people, generate_series(0, 1) parity) w JOIN people p ON p.reachable AND ${CONCERNED.replaceAll('$day', `date '${asOf}'`)}
     GROUP BY 1, 2 ORDER BY 1, 2`,
    [year],
  );
  return rows;
}

/** The number of notices that must arrive if nothing is raced. For whoever waits; the judgement counts anew. */
export async function loadRound(oracle: Pool, round: Round, asOf: string): Promise<number> {
  await oracle.query(`TRUNCATE ${ROUND_TABLES}`);
  await copyRows(
    oracle,
    'windows',
    round.windows.map((w): Row => [w.event, w.area, w.parity, w.year, w.closes]),
  );
  const events = new Map(
    round.events.flatMap(({ id, data }) => (data['amount'] === undefined ? [] : [[data['amount'], id]])),
  );
  await copyRows(
    oracle,
    'amounts',
    round.assessments.flatMap(({ citizen, obligation, kind, amounts }) =>
      amounts.flatMap((amount, at): Row[] => {
        const event = events.get(amount);
        // The first amount of a correction was said in an earlier round, and judged there.
        return event === undefined
          ? []
          : [[citizen, event, obligation, kind, amount, at + 1, at === amounts.length - 1]];
      }),
    ),
  );
  await oracle.query(
    EXPECTED.replaceAll('$day', `date '${asOf}'`) +
      '; CREATE UNIQUE INDEX ON expected (citizen, figure); ANALYZE',
  );
  return count(oracle, 'SELECT count(*) AS n FROM expected WHERE must AND reachable');
}

const EXPECTED = `
DROP TABLE IF EXISTS expected, copies, compared;
CREATE TABLE expected AS
  SELECT p.id AS citizen, w.event, w.closes::bigint AS figure, true AS must, true AS may, p.reachable
  FROM people p JOIN windows w ON ${CONCERNED}
  UNION ALL
  SELECT a.citizen, a.event, a.amount, CASE a.kind WHEN 'settled' THEN false WHEN 'race-paid' THEN false ELSE a.last END,
    a.kind <> 'settled', p.reachable
  FROM amounts a JOIN people p ON p.id = a.citizen`;

/** A race that the ledger calls sent must have arrived; and one notice is one, over whichever channel. */
const COMPARED = `
DROP TABLE IF EXISTS copies, compared;
CREATE TABLE copies AS
  SELECT p.citizen, s.figure, count(*)::int AS n, count(DISTINCT s.channel)::int AS channels,
    count(*) FILTER (WHERE s.channel = 'push')::int AS push, count(*) FILTER (WHERE s.channel = 'email')::int AS email,
    count(*) FILTER (WHERE s.channel = 'sms')::int AS sms,
    count(DISTINCT s.delivery) FILTER (WHERE s.channel = 'push')::int AS topics,
    count(DISTINCT s.delivery) FILTER (WHERE s.channel = 'email')::int AS message_ids,
    count(DISTINCT s.delivery) FILTER (WHERE s.channel = 'sms')::int AS reference_ids,
    count(*) FILTER (WHERE s.channel = 'sms' AND s.delivery IS NULL)::int AS unnamed,
    min(s.channel) AS channel, min(s.address) AS address
  FROM seen s LEFT JOIN points p ON p.channel = s.channel AND p.address = s.address
  GROUP BY p.citizen, s.figure, CASE WHEN p.citizen IS NULL THEN s.address END;
CREATE TABLE compared AS
  SELECT coalesce(e.citizen, c.citizen) AS citizen, e.event, coalesce(e.figure, c.figure) AS figure, coalesce(e.may, false) AS may,
    coalesce(e.reachable AND (e.must OR l.sent), false) AS must, coalesce(c.n, 0) AS n, c.channels, c.push, c.email, c.sms, c.topics, c.message_ids,
    c.reference_ids, c.unnamed, coalesce(l.unclear, 0) AS unclear, l.statuses, c.channel, c.address
  FROM expected e FULL JOIN copies c ON c.citizen = e.citizen AND c.figure = e.figure
  LEFT JOIN (SELECT citizen, event, sum(unclear)::int AS unclear, bool_or(status IN ('sent', 'delivered')) AS sent, string_agg(channel || ' ' || status, ', ') AS statuses
             FROM ledger GROUP BY 1, 2) l ON l.citizen = e.citizen AND l.event = e.event;
ANALYZE`;

const REPEATED = `may AND (n > 1)`;
const LOST = `must AND n = 0`;
/** The ledger owns up that it does not know, or that nobody could be reached there, now or since an earlier notice; and it calls nothing of it sent. */
const LEFT = `statuses ~ '(ambiguous|failed-permanent|suppressed|no-address)' AND statuses !~ '(sent|delivered|planned|sending|waiting)'`;

async function count(oracle: Pool, sql: string): Promise<number> {
  return (await oracle.query<{ n: number }>(sql)).rows[0]?.n ?? 0;
}

/** Holds what the sinks have (`entries`, of this round) against what must be. A second for 5,000 notices. */
export async function judge(oracle: Pool, entries: readonly Arrival[], ledger: Ledger): Promise<Verdict> {
  await oracle.query('TRUNCATE seen, ledger, inbox');
  const seen = entries.map(({ channel, address, delivery, headers, text, atMs }): Row => {
    const { kind, figure } = recognise(`${headers['subject'] ?? ''}\n${text}`);
    return [channel, address, delivery, kind, figure, atMs];
  });
  await copyRows(oracle, 'seen', seen);
  await copyRows(
    oracle,
    'ledger',
    ledger.deliveries.map((d): Row => [d.citizen, d.event, d.channel, d.status, d.unclear]),
  );
  await copyRows(
    oracle,
    'inbox',
    ledger.inbox.map((n): Row => [n.citizen, n.event]),
  );
  await oracle.query(COMPARED);
  const evidence: Record<string, Record<string, unknown>[]> = {};
  const some = async (name: string, sql: string): Promise<number> => {
    const { rows } = await oracle.query(`SELECT * FROM (${sql}) x LIMIT 20`);
    if (rows.length > 0) evidence[name] = rows;
    return count(oracle, `SELECT count(*) AS n FROM (${sql}) x`);
  };
  const sum = (what: string) =>
    count(oracle, `SELECT coalesce(sum(${what}), 0)::int AS n FROM compared WHERE ${REPEATED}`);
  return {
    expected: await count(oracle, 'SELECT count(*) AS n FROM compared WHERE must'),
    seen: entries.length,
    lost: await some('lost', `SELECT * FROM compared WHERE ${LOST} AND (${LEFT}) IS NOT TRUE`),
    left: await some('left', `SELECT * FROM compared WHERE ${LOST} AND ${LEFT}`),
    unexpected: await some('unexpected', 'SELECT * FROM compared WHERE n > 0 AND NOT may'),
    doubled: await some(
      'doubled',
      `SELECT * FROM compared WHERE ${REPEATED} AND (topics > 1 OR message_ids > 1 OR reference_ids + least(unnamed, 1) > 1 OR channels > 1)`,
    ),
    repeated: {
      push: await sum('greatest(push - 1, 0)'),
      email: await sum('greatest(email - 1, 0)'),
      sms: await sum('greatest(sms - 1, 0)'),
    },
    unflagged: await some('unflagged', `SELECT * FROM compared WHERE ${REPEATED} AND n - 1 > unclear`),
    ambiguous: await count(oracle, 'SELECT coalesce(sum(unclear), 0)::int AS n FROM ledger'),
    inboxMissing: await some(
      'inboxMissing',
      'SELECT e.* FROM expected e LEFT JOIN inbox i USING (citizen, event) WHERE e.must AND i.citizen IS NULL',
    ),
    inboxUnexpected: await some(
      'inboxUnexpected',
      'SELECT i.* FROM inbox i LEFT JOIN expected e USING (citizen, event) WHERE e.may IS NOT TRUE',
    ),
    inboxDoubled: await some(
      'inboxDoubled',
      'SELECT citizen, event, count(*)::int AS n FROM inbox GROUP BY 1, 2 HAVING count(*) > 1',
    ),
    evidence,
  };
}

/** What is wrong with a round, a line each; nothing where all holds. */
export function complaintsOf(verdict: Verdict, allows: { readonly left: boolean }): readonly string[] {
  const { lost, left, unexpected, doubled, unflagged, inboxMissing, inboxUnexpected, inboxDoubled } = verdict;
  const faults: readonly (readonly [number, string])[] = [
    [lost, 'lost'],
    [allows.left ? 0 : left, 'never arrived, and the ledger says so'],
    [unexpected, 'to somebody who should not have got it'],
    [doubled, 'shown twice although the provider deduplicates'],
    [unflagged, 'repeated without a flag in the ledger'],
    [inboxMissing, 'missing in an inbox'],
    [inboxUnexpected, 'in the wrong inbox'],
    [inboxDoubled, 'twice in an inbox'],
  ];
  return faults.filter(([n]) => n > 0).map(([n, what]) => `${n} ${what}`);
}
