/**
 * Who must have been told what, by brute force, in a database that the product never sees: the script's own inputs are copied in, the two
 * rules are written out as SQL by hand, and what the sinks wrote down is held against that. No code of the product takes part in judging.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import type { SyntheticCitizen } from '../../producers/population.ts';
import type { Pool } from '../../store/postgres.ts';
import { type Plan, UNSYNCHRONISED } from './plan.ts';
import { recognise } from './recognise.ts';

const TABLES = `
CREATE TABLE people (id text, born date, insurance text, sido text, sigungu text, checked int, late boolean, "nonOffice" boolean);
CREATE TABLE points (citizen text, rank int, channel text, address text);
CREATE TABLE windows (event text, act int, area text, parity int, year int, closes int, obligation text, sequence int);
CREATE TABLE taxes (event text, act int, citizen text, amount bigint, obligation text, sequence int);
CREATE TABLE settled (act int, citizen text, obligation text);
CREATE TABLE seen (channel text, address text, delivery text, kind text, figure bigint);
CREATE TABLE inbox (citizen text, event text, stage text, no_address boolean, rule text, reach text);
CREATE TABLE ledger (citizen text, event text, stage text, channel text, status text, unclear int, rule text, delivery text);
CREATE TABLE sms_ids (id text, delivery text);`;

export type Row = readonly (string | number | boolean | null)[];

function cell(value: Row[number]): string {
  if (value === null) return '\\N';
  return String(value).replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n');
}

export async function copyRows(
  pool: Pool,
  table: string,
  rows: Iterable<Row> | AsyncIterable<Row>,
): Promise<void> {
  const client = await pool.connect();
  try {
    async function* lines() {
      let chunk = '';
      for await (const row of rows) {
        chunk += `${row.map(cell).join('\t')}\n`;
        if (chunk.length > 65_536) {
          yield chunk;
          chunk = '';
        }
      }
      yield chunk;
    }
    const sink = (client as unknown as { query(stream: unknown): NodeJS.WritableStream }).query(
      copyFrom(`COPY ${table} FROM STDIN`),
    );
    await pipeline(Readable.from(lines()), sink);
  } finally {
    client.release();
  }
}

export async function loadPlan(oracle: Pool, plan: Plan): Promise<void> {
  await oracle.query(TABLES);
  const windows = plan.said.filter((e) => e.type.endsWith('checkup-window.opened'));
  const taxes = plan.said.filter((e) => e.type.endsWith('assessed'));
  const settled = plan.said.filter((e) => e.type.endsWith('paid') || e.type.endsWith('completed'));
  await copyRows(
    oracle,
    'windows',
    windows.map(({ id, act, data, obligation, sequence }) => {
      const [, month, day] = String(data['closesOn']).split('-');
      const closes = Number(month) * 100 + Number(day);
      return [id, act, data['area']!, data['parity']!, data['year']!, closes, obligation, sequence];
    }),
  );
  await copyRows(
    oracle,
    'taxes',
    taxes.map((e) => [e.id, e.act, e.subject, e.data['amount']!, e.obligation, e.sequence]),
  );
  await copyRows(
    oracle,
    'settled',
    settled.map((e) => [e.act, e.subject, e.obligation]),
  );
}

export function personRow({ id, profile, late }: SyntheticCitizen & { readonly late: boolean }): Row {
  const { birthDate, insurance, sido, sigungu, lastCheckupYear, nonOffice } = profile;
  return [id, birthDate, insurance, sido, sigungu, lastCheckupYear ?? null, late, nonOffice ?? null];
}

/** As the sinks name addresses: of a push subscription the name of its browser. */
export function pointRows(citizen: SyntheticCitizen): Row[] {
  return citizen.contactPoints.map((point) => [
    citizen.id,
    ['push', 'email', 'sms'].indexOf(point.channel),
    point.channel,
    point.channel === 'push' ? citizen.id : point.address,
  ]);
}

/** The id of the delivery as the ledger writes it, of a text message the one that the message centre gave. */
function idOf(entry: { delivery: string | null; headers: Record<string, string> }): string | null {
  const given = entry.delivery ?? entry.headers['id'] ?? null;
  if (given === null) return null;
  const mail = /^<?([0-9a-f-]{36})@/.exec(given)?.[1];
  if (mail !== undefined) return mail;
  if (given.length !== 22) return given;
  return Buffer.from(given, 'base64url')
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** What the sinks wrote, as a person would read it. */
export async function loadSeen(oracle: Pool, logFile: string): Promise<void> {
  async function* rows(): AsyncGenerator<Row> {
    for await (const line of createInterface({ input: createReadStream(logFile) })) {
      if (line === '') continue;
      const entry = JSON.parse(line) as {
        channel: string;
        address: string;
        delivery: string | null;
        headers: Record<string, string>;
        text: string;
      };
      const { kind, figure } = recognise(`${entry.headers['subject'] ?? ''}\n${entry.text}`);
      yield [entry.channel, entry.address, idOf(entry), kind, figure];
    }
  }
  await copyRows(oracle, 'seen', rows());
}

/** The inboxes and what the ledger says of its deliveries, copied out of the product's database. */
export async function loadLedger(oracle: Pool, product: Pool): Promise<void> {
  const copy = async (query: string, table: string) => {
    const [from, into] = [await product.connect(), await oracle.connect()];
    try {
      const stream = (client: unknown) => client as { query<T>(stream: T): T };
      await pipeline(
        stream(from).query(copyTo(`COPY (${query}) TO STDOUT`)),
        stream(into).query(copyFrom(`COPY ${table} FROM STDIN`)),
      );
    } finally {
      from.release();
      into.release();
    }
  };
  await copy(
    `SELECT n.recipient_id, e.event_id, n.stage_kind, n.no_address, r.rule_id, n.reach
     FROM notifications n JOIN events e ON e.id = n.event_id JOIN stage_runs r ON r.id = n.stage_run_id`,
    'inbox',
  );
  await copy(
    `SELECT n.recipient_id, e.event_id, n.stage_kind, d.channel, d.status::text, d.unclear, r.rule_id, d.id
     FROM deliveries d JOIN notifications n ON n.id = d.notification_id AND n.month = d.month JOIN events e ON e.id = n.event_id JOIN stage_runs r ON r.id = n.stage_run_id`,
    'ledger',
  );
  await copy('SELECT reference, delivery_id FROM sms_references', 'sms_ids');
}

/** Unknown facts make a comparison NULL, and WHERE takes only what is true. $1 is the as-of day. Races are judged apart. */
const EXPECTED = `
DROP TABLE IF EXISTS chosen, concerned, expected, wanted, race, compared, inbox_compared;
CREATE TABLE chosen AS SELECT DISTINCT ON (citizen) citizen, channel, address FROM points ORDER BY citizen, rank;
CREATE UNIQUE INDEX ON chosen (citizen);
CREATE TABLE concerned AS
  SELECT p.id AS citizen, w.event, w.act, w.obligation, w.sequence, w.closes, p.late FROM people p
  JOIN windows w ON (w.area = 'all' OR w.area = p.sigungu OR w.area = p.sido) AND (NOT p.late OR w.act > 1)
  WHERE extract(year FROM date '$1') - extract(year FROM p.born) >= 20
    AND (p.insurance <> 'medical-aid' OR extract(year FROM date '$1') - extract(year FROM p.born) <= 64)
    AND (extract(year FROM p.born)::int % 2 = w.parity OR (p.insurance = 'employee' AND p."nonOffice")) AND p.checked <> w.year
    AND NOT EXISTS (SELECT 1 FROM settled s WHERE s.obligation = w.obligation AND s.citizen = p.id AND s.act < w.act);
CREATE TABLE expected AS
  SELECT c.citizen, c.event, h.channel, h.address, c.closes::bigint AS figure,
    -- Corrected are those whom an earlier version was sent to; it could be sent only to who has an address and was there.
    h.citizen IS NOT NULL AND c.sequence > 1 AND NOT c.late AS corrected, 'checkup' AS programme
  FROM concerned c LEFT JOIN chosen h USING (citizen)
  UNION ALL
  SELECT t.citizen, t.event, h.channel, h.address, t.amount, h.citizen IS NOT NULL AND t.sequence > 1, 'tax'
  FROM taxes t JOIN people p ON p.id = t.citizen LEFT JOIN chosen h USING (citizen)
  WHERE t.act < $2
    AND NOT EXISTS (SELECT 1 FROM settled s WHERE s.obligation = t.obligation AND s.citizen = t.citizen AND s.act < t.act)
    AND NOT EXISTS (SELECT 1 FROM taxes o WHERE o.obligation = t.obligation AND o.act < t.act AND o.sequence > t.sequence);
CREATE TABLE wanted AS SELECT channel, address, programme || CASE WHEN corrected THEN '-corrected' ELSE '' END AS kind, figure, citizen, event
  FROM expected WHERE channel IS NOT NULL;
CREATE INDEX ON wanted (address, kind, figure);
CREATE TABLE race AS SELECT t.* FROM taxes t WHERE t.act = $2;
CREATE TABLE compared AS
  SELECT coalesce(w.channel, s.channel) AS channel, coalesce(w.address, s.address) AS address, coalesce(w.kind, s.kind) AS kind,
    coalesce(w.figure, s.figure) AS figure, w.citizen, w.event, coalesce(w.n, 0) AS wanted, coalesce(s.n, 0) AS seen
  FROM (SELECT channel, address, kind, figure, min(citizen) AS citizen, min(event) AS event, count(*) AS n FROM wanted GROUP BY 1, 2, 3, 4) w
  FULL JOIN (SELECT channel, address, kind, figure, count(*) AS n FROM seen
             WHERE NOT (kind IN ('tax', 'tax-corrected') AND figure IN (SELECT amount FROM race)) GROUP BY 1, 2, 3, 4) s
    ON s.channel = w.channel AND s.address = w.address AND s.kind = w.kind AND s.figure = w.figure;
ANALYZE`;

export type Verdict = {
  readonly wanted: number;
  readonly seen: number;
  readonly missing: number;
  /** Missing, and the ledger says that nobody knows: a text message under way when its process died is not sent again by itself. */
  readonly left: number;
  readonly unexpected: number;
  readonly doubled: number;
  /** Doubled without the ledger having flagged the attempt. */
  readonly unflagged: number;
  readonly inboxWanted: number;
  readonly inboxMissing: number;
  readonly inboxUnexpected: number;
  readonly inboxDoubled: number;
  readonly races: number;
  /** Races that came out in a way that no order explains, or otherwise than the ledger says. */
  readonly badRaces: number;
  readonly flagged: number;
  /** A few of each, for whoever looks. */
  readonly evidence: Readonly<Record<string, readonly Record<string, unknown>[]>>;
};

async function count(oracle: Pool, sql: string): Promise<number> {
  return (await oracle.query<{ n: number }>(sql)).rows[0]!.n;
}

const UNSOUND_RACES = `
WITH told AS (
  SELECT r.obligation, r.citizen, string_agg((CASE WHEN s.kind = 'tax-corrected' THEN 'c' ELSE 't' END) || r.sequence, ',' ORDER BY r.sequence, s.kind) AS how,
    count(*) AS n, count(DISTINCT r.event) AS events
  FROM race r JOIN seen s ON s.figure = r.amount AND s.kind IN ('tax', 'tax-corrected') GROUP BY 1, 2
), said AS (
  SELECT r.obligation, count(*) FILTER (WHERE l.status = 'sent') AS sent, bool_or(l.unclear > 0) AS unclear
  FROM race r LEFT JOIN ledger l ON l.event = r.event GROUP BY 1
), all_races AS (
  SELECT r.obligation, r.citizen, max(r.sequence) AS versions,
    EXISTS (SELECT 1 FROM settled s WHERE s.obligation = r.obligation) AS settled,
    EXISTS (SELECT 1 FROM chosen c WHERE c.citizen = r.citizen) AS reachable
  FROM race r GROUP BY 1, 2
)
SELECT a.obligation, a.versions, a.settled, a.reachable, coalesce(t.how, '') AS how, d.sent
FROM all_races a LEFT JOIN told t USING (obligation) JOIN said d USING (obligation)
WHERE NOT d.unclear IS TRUE AND (coalesce(t.n, 0) <> d.sent OR NOT CASE
  WHEN NOT a.reachable THEN coalesce(t.how, '') = ''
  WHEN a.versions = 1 THEN coalesce(t.how, '') IN ('', 't1')
  WHEN NOT a.settled THEN coalesce(t.how, '') IN ('t1,c2', 't2')
  ELSE coalesce(t.how, '') IN ('', 't1', 't2', 't1,c2') END)`;

/** Compares. 1 million citizens and 200 windows take half a minute. */
export async function judge(oracle: Pool, plan: Plan): Promise<Verdict> {
  await oracle.query('ANALYZE');
  await oracle.query(EXPECTED.replaceAll('$1', plan.asOf).replaceAll('$2', String(UNSYNCHRONISED)));
  const races = `(SELECT event FROM race)`;
  await oracle.query(`
    CREATE TABLE inbox_compared AS SELECT coalesce(e.citizen, i.citizen) AS citizen, coalesce(e.event, i.event) AS event, e.citizen IS NOT NULL AS wanted,
      coalesce(i.n, 0) AS n, e.corrected, e.channel IS NULL AS no_address, i.stage, i.no_address AS said_no_address
    FROM expected e FULL JOIN (SELECT citizen, event, min(stage) AS stage, bool_or(no_address) AS no_address, count(*) AS n FROM inbox WHERE event NOT IN ${races} GROUP BY 1, 2) i
      ON i.citizen = e.citizen AND i.event = e.event`);
  const evidence: Record<string, Record<string, unknown>[]> = {};
  const some = async (name: string, sql: string): Promise<number> => {
    const { rows } = await oracle.query(`SELECT * FROM (${sql}) x LIMIT 20`);
    if (rows.length > 0) evidence[name] = rows;
    return count(oracle, `SELECT count(*) AS n FROM (${sql}) x`);
  };
  const unknown = `SELECT 1 FROM ledger l WHERE l.citizen = c.citizen AND l.event = c.event AND l.channel = c.channel AND l.status = 'ambiguous'`;
  const flagged = `SELECT 1 FROM ledger l WHERE l.citizen = c.citizen AND l.event = c.event AND l.channel = c.channel AND l.unclear > 0`;
  return {
    wanted: await count(oracle, 'SELECT count(*) AS n FROM wanted'),
    seen: await count(oracle, 'SELECT count(*) AS n FROM seen'),
    missing: await some(
      'missing',
      `SELECT c.* FROM compared c WHERE seen < wanted AND NOT EXISTS (${unknown})`,
    ),
    left: await some('left', `SELECT c.* FROM compared c WHERE seen < wanted AND EXISTS (${unknown})`),
    unexpected: await some('unexpected', 'SELECT * FROM compared WHERE wanted = 0'),
    doubled: await some('doubled', 'SELECT * FROM compared WHERE wanted > 0 AND seen > wanted'),
    unflagged: await some(
      'unflagged',
      `SELECT c.* FROM compared c WHERE wanted > 0 AND seen > wanted AND NOT EXISTS (${flagged})`,
    ),
    inboxWanted: await count(oracle, 'SELECT count(*) AS n FROM expected'),
    inboxMissing: await some('inboxMissing', 'SELECT * FROM inbox_compared WHERE n = 0'),
    inboxUnexpected: await some(
      'inboxUnexpected',
      `SELECT * FROM inbox_compared WHERE NOT wanted OR (n > 0 AND (no_address <> said_no_address OR corrected <> (stage = 'corrected')))`,
    ),
    inboxDoubled: await some('inboxDoubled', 'SELECT * FROM inbox_compared WHERE n > 1'),
    races: await count(oracle, 'SELECT count(DISTINCT obligation) AS n FROM race'),
    badRaces: await some('badRaces', UNSOUND_RACES),
    flagged: await count(oracle, 'SELECT count(*) AS n FROM ledger WHERE unclear > 0'),
    evidence,
  };
}
