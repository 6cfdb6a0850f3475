/**
 * Whom each event of the other programmes concerns, in the oracle's database: every published condition goes from its own JSON through the
 * oracle's translator (test/rules/sql-oracle.ts) into SQL over all people, and inboxes and sinks are held against that. Which event a notice
 * at a sink is about is not read from its words but from the id it carries, by the copy of the ledger; to whose address it came, the sink says.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Pool } from '../../store/postgres.ts';
import { createWorkingDays, type Json, type SqlTypes, toSql } from '../rules/sql-oracle.ts';
import { copyRows, type Row } from './oracle.ts';
import type { Programme, ProgrammeEvent, Programmes, TypeFile } from './programmes.ts';

type Field = {
  readonly name: string;
  readonly type: string;
  readonly items?: Readonly<Record<string, Field>>;
};
type Property = { readonly type?: string; readonly format?: string; readonly items?: Property };

const SQL_TYPES: Readonly<Record<string, string>> = {
  date: 'date',
  integer: 'int',
  number: 'float8',
  boolean: 'bool',
  list: 'jsonb',
};
const typeOf = (type: string): string => SQL_TYPES[type] ?? 'text';

const CATALOGUE = path.join(import.meta.dirname, '..', '..', 'rules', 'catalogue.json');
const FIELDS = (JSON.parse(readFileSync(CATALOGUE, 'utf8')) as { fields: readonly Field[] }).fields;
const CITIZEN = Object.fromEntries(FIELDS.map(({ name, type }) => [name, typeOf(type)]));
const ITEM = Object.fromEntries(
  FIELDS.flatMap(({ items = {} }) => Object.entries(items).map(([name, { type }]) => [name, typeOf(type)])),
);

/** Those that the spine's own table of people has already, under the same names. */
const THERE = ['insurance', 'sido', 'sigungu', 'nonOffice'];
const ADDED = FIELDS.filter(({ name }) => !THERE.includes(name));

/** Gives the oracle's people every field of the catalogue; `profileCells` fills them. */
export async function widenPeople(oracle: Pool): Promise<void> {
  await oracle.query(
    `ALTER TABLE people ${ADDED.map(({ name, type }) => `ADD COLUMN "${name}" ${typeOf(type)}`).join(', ')}`,
  );
}

export function profileCells(profile: Readonly<Record<string, unknown>>): Row {
  return ADDED.map(({ name }) => {
    const value = profile[name] ?? null;
    return value !== null && typeof value === 'object' ? JSON.stringify(value) : (value as Row[number]);
  });
}

function propertyType({ type = 'string', format, items }: Property): string {
  if (type === 'array') return `${propertyType(items ?? {})}[]`;
  if (type === 'integer') return 'int8';
  return format === 'date' ? 'date' : typeOf(type);
}

function typesOf(type: TypeFile): SqlTypes {
  const event = Object.entries(type.schema.properties).map(([name, property]) => [
    name,
    propertyType(property as Property),
  ]);
  return { citizen: CITIZEN, item: ITEM, event: Object.fromEntries(event) as Record<string, string> };
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const TABLES = `
CREATE TABLE programmes (rule text PRIMARY KEY, nth int, reach text, channels text[]);
CREATE TABLE judged (rule text, event text, citizen text, stage text, truth boolean)`;

/** Judges everybody for whom an event was meant: all people of a broadcast, the one it names of any other. Few statements a broadcast, one in all for a type about one citizen. */
export async function judgeConditions(oracle: Pool, asOf: string, given: Programmes): Promise<void> {
  await oracle.query(TABLES);
  await createWorkingDays(oracle);
  await oracle.query('CREATE UNIQUE INDEX people_id ON people (id)');
  await copyRows(
    oracle,
    'programmes',
    given.rules.map(({ id, reach, channels }, at) => [id, at, reach, `{${channels.join()}}`]),
  );
  for (const rule of given.rules)
    for (const event of given.events.filter(({ type }) => type === rule.on))
      await oracle.query(judgement(rule, event, given.types.get(rule.on)!, asOf));
  await oracle.query('CREATE UNIQUE INDEX ON judged (rule, event, citizen); ANALYZE judged');
}

function judgement(rule: Programme, event: ProgrammeEvent, type: TypeFile, asOf: string): string {
  const truth = toSql(rule.condition as Json, { types: typesOf(type), event: event.data, asOf });
  const whom = event.subject === null ? '' : `WHERE citizen.id = ${quoted(event.subject)}`;
  return `INSERT INTO judged SELECT ${quoted(rule.id)}, ${quoted(event.id)}, id, ${quoted(event.stage)}, truth
    FROM (SELECT citizen.id, (${truth}) AS truth FROM people AS citizen ${whom}) AS x WHERE truth IS NOT FALSE`;
}

/** What is about the programmes leaves the spine's own tables, so that those are held against the spine's own acts alone. */
const APART = `
CREATE TABLE programme_inbox AS SELECT i.* FROM inbox i WHERE i.rule IN (SELECT rule FROM programmes);
DELETE FROM inbox WHERE rule IN (SELECT rule FROM programmes);
CREATE TABLE sent AS SELECT l.delivery, l.event, l.rule FROM ledger l WHERE l.rule IN (SELECT rule FROM programmes);
CREATE UNIQUE INDEX ON sent (delivery);
UPDATE seen s SET delivery = m.delivery FROM sms_ids m WHERE s.channel = 'sms' AND m.id = s.delivery;
CREATE TABLE programme_seen AS SELECT s.channel, s.address, x.event, x.rule FROM seen s JOIN sent x USING (delivery);
DELETE FROM seen s USING sent x WHERE x.delivery = s.delivery;
CREATE TABLE entitled AS
  SELECT DISTINCT ON (j.rule, j.event, j.citizen) j.rule, j.event, j.citizen, j.stage,
    CASE WHEN j.truth THEN 'certain' ELSE 'possible' END AS reach, p.channel, p.address
  FROM judged j JOIN programmes r USING (rule) LEFT JOIN points p ON p.citizen = j.citizen
  WHERE j.truth OR r.reach = 'possible'
  ORDER BY j.rule, j.event, j.citizen, array_position(r.channels, p.channel);
ANALYZE entitled;
ANALYZE programme_inbox;
CREATE TABLE programme_inboxes AS
  SELECT rule, event, citizen, e.stage AS wanted, i.stages, e.reach AS wanted_reach, i.reaches, e.channel IS NULL AS no_address, i.no_addresses,
    coalesce(i.n, 0) AS n
  FROM entitled e FULL JOIN (SELECT rule, event, citizen, min(stage) AS stages, min(reach) AS reaches, bool_or(no_address) AS no_addresses, count(*) AS n
    FROM programme_inbox GROUP BY 1, 2, 3) i USING (rule, event, citizen);
CREATE TABLE programme_sinks AS
  SELECT rule, event, channel, address, coalesce(w.n, 0) AS wanted, coalesce(s.n, 0) AS seen
  FROM (SELECT rule, event, channel, address, count(*) AS n FROM entitled WHERE channel IS NOT NULL GROUP BY 1, 2, 3, 4) w
  FULL JOIN (SELECT rule, event, channel, address, count(*) AS n FROM programme_seen GROUP BY 1, 2, 3, 4) s USING (rule, event, channel, address)`;

export type ProgrammeRow = {
  readonly rule: string;
  readonly reach: string;
  readonly events: number;
  readonly certain: number;
  readonly possible: number;
  /** What the product put into inboxes. */
  readonly inboxCertain: number;
  readonly inboxPossible: number;
  /** By the oracle, and at the sinks. */
  readonly wanted: number;
  readonly seen: number;
};

export type ProgrammeVerdict = {
  readonly inboxWanted: number;
  readonly inboxMissing: number;
  readonly inboxUnexpected: number;
  readonly inboxDoubled: number;
  readonly wanted: number;
  readonly seen: number;
  readonly missing: number;
  readonly unexpected: number;
  readonly doubled: number;
  readonly table: readonly ProgrammeRow[];
  readonly evidence: Readonly<Record<string, readonly Record<string, unknown>[]>>;
};

/** Compares, after the ledger and the sinks' log were copied in and before the spine's own acts are judged. */
export async function judgeProgrammes(oracle: Pool, given: Programmes): Promise<ProgrammeVerdict> {
  await oracle.query(APART);
  const evidence: Record<string, Record<string, unknown>[]> = {};
  const count = async (sql: string) =>
    (await oracle.query<{ n: number }>(`SELECT count(*) AS n FROM (${sql}) x`)).rows[0]!.n;
  const some = async (name: string, sql: string): Promise<number> => {
    const { rows } = await oracle.query(`SELECT * FROM (${sql}) x LIMIT 20`);
    if (rows.length > 0) evidence[name] = rows;
    return count(sql);
  };
  return {
    inboxWanted: await count('SELECT 1 FROM entitled'),
    inboxMissing: await some('programmeInboxMissing', 'SELECT * FROM programme_inboxes WHERE n = 0'),
    inboxUnexpected: await some(
      'programmeInboxUnexpected',
      `SELECT * FROM programme_inboxes
       WHERE n > 0 AND (wanted IS NULL OR wanted <> stages OR wanted_reach <> reaches OR no_address <> no_addresses)`,
    ),
    inboxDoubled: await some('programmeInboxDoubled', 'SELECT * FROM programme_inboxes WHERE n > 1'),
    wanted: await count('SELECT 1 FROM entitled WHERE channel IS NOT NULL'),
    seen: await count('SELECT 1 FROM programme_seen'),
    missing: await some('programmeMissing', 'SELECT * FROM programme_sinks WHERE seen < wanted'),
    unexpected: await some('programmeUnexpected', 'SELECT * FROM programme_sinks WHERE wanted = 0'),
    doubled: await some(
      'programmeDoubled',
      'SELECT * FROM programme_sinks WHERE wanted > 0 AND seen > wanted',
    ),
    table: await tableOf(oracle, given),
    evidence,
  };
}

async function tableOf(oracle: Pool, given: Programmes): Promise<ProgrammeRow[]> {
  const { rows } = await oracle.query<Omit<ProgrammeRow, 'events'>>(`
    SELECT r.rule, r.reach, coalesce(j.certain, 0) AS certain, coalesce(j.possible, 0) AS possible,
      coalesce(i.certain, 0) AS "inboxCertain", coalesce(i.possible, 0) AS "inboxPossible", coalesce(w.n, 0) AS wanted, coalesce(s.n, 0) AS seen
    FROM programmes r
    LEFT JOIN (SELECT rule, count(*) FILTER (WHERE truth) AS certain, count(*) FILTER (WHERE truth IS NULL) AS possible FROM judged GROUP BY 1) j USING (rule)
    LEFT JOIN (SELECT rule, count(*) FILTER (WHERE reach = 'certain') AS certain, count(*) FILTER (WHERE reach = 'possible') AS possible
      FROM programme_inbox GROUP BY 1) i USING (rule)
    LEFT JOIN (SELECT rule, count(*) AS n FROM entitled WHERE channel IS NOT NULL GROUP BY 1) w USING (rule)
    LEFT JOIN (SELECT rule, count(*) AS n FROM programme_seen GROUP BY 1) s USING (rule) ORDER BY r.nth`);
  return rows.map((row) => {
    const on = given.rules.find(({ id }) => id === row.rule)!.on;
    return { ...row, events: given.events.filter(({ type }) => type === on).length };
  });
}

/** Lines for a person: what SQL says and what the product did, a rule each. Only rules that reach the possible tell them. */
export function linesOf(table: readonly ProgrammeRow[]): string[] {
  const cells = [
    ['rule', 'events', 'certain', 'possible', 'inbox: certain', 'possible', 'to be sent', 'at the sinks'],
    ...table.map((row) => [
      row.rule,
      String(row.events),
      String(row.certain),
      String(row.possible),
      String(row.inboxCertain),
      row.reach === 'possible' ? String(row.inboxPossible) : '–',
      String(row.wanted),
      String(row.seen),
    ]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells.map((row) =>
    row.map((text, at) => (at === 0 ? text.padEnd(widths[at]!) : text.padStart(widths[at]!))).join('  '),
  );
}
