/** What a bench starts from: the catalogue as it is shipped, citizens with contact points, and records about them. */
import { hash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import type { Context } from '../app/context.ts';
import type { NewRecord } from '../broker/broker.ts';
import { parseEvent, recordOfEvent } from '../domain/cloud-events.ts';
import { parseEventType } from '../domain/event-types.ts';
import { TOPICS } from '../domain/records.ts';
import type { Rule } from '../domain/rule.ts';
import type { Channel } from '../domain/statuses.ts';
import { approveRule, publishRule, saveAgency, saveEventType, saveRuleDraft } from '../store/catalogue.ts';
import { addressIndex, contactPointId, sealAddress } from '../store/contact-points.ts';
import { saveTemplate } from '../store/template-versions.ts';

const ROOT = path.join(import.meta.dirname, '..');
const read = (...parts: string[]) => readFileSync(path.join(ROOT, ...parts), 'utf8');
const list = (...parts: string[]) => readdirSync(path.join(ROOT, ...parts));
const digest = (value: unknown) => hash('sha256', JSON.stringify(value), 'hex');

export async function seedCatalogue({ pool, catalogue }: Context): Promise<void> {
  const agencies = JSON.parse(read('templates', 'catalogue', 'agencies.json')) as Record<
    string,
    { ko: string; en: string }
  >;
  for (const [id, name] of Object.entries(agencies)) await saveAgency(pool, { id, name });
  for (const file of list('producers', 'catalogue').filter((name) => name.endsWith('.json')))
    await saveEventType(pool, parseEventType(JSON.parse(read('producers', 'catalogue', file))));
  for (const name of list('templates', 'catalogue').filter((name) => !name.endsWith('.json'))) {
    const files = Object.fromEntries(
      list('templates', 'catalogue', name).map((file) => [file, read('templates', 'catalogue', name, file)]),
    );
    await saveTemplate(pool, {
      name,
      hash: digest(files),
      agency: null,
      definition: { name, files },
      author: 'author',
    });
  }
  for (const file of list('rules', 'published').filter((name) => name.endsWith('.json'))) {
    const rule = JSON.parse(read('rules', 'published', file)) as Rule;
    const { version } = await saveRuleDraft(pool, rule, digest(rule), 'author');
    await approveRule(pool, rule.id, version, digest(rule), 'approver');
    await publishRule(pool, rule.id, version);
  }
  await catalogue.refresh();
}

export function citizenId(index: number): string {
  return `c-${index.toString(36).padStart(6, '0')}`;
}

export type Profile = Readonly<Record<string, unknown>>;

/** Born in an even year and not checked yet: the shipped rule of the general check-up matches everybody for certain. */
export function profileOf(index: number): Profile {
  return {
    birthDate: `${1940 + 2 * (index % 30)}-0${1 + (index % 9)}-1${index % 10}`,
    sex: index % 2 === 0 ? 'F' : 'M',
    sido: '11',
    sigungu: '11680',
    insurance: 'regional',
    lastCheckupYear: 2023,
  };
}

export function profileRecord(id: string, profile: Profile): NewRecord {
  return { key: id, value: JSON.stringify(profile), headers: { 'allim-initial': '1' } };
}

/** Every third has push, every third email; all have a telephone. */
function channelsOf(index: number): readonly (readonly [Channel, string])[] {
  const sms = ['sms', `+8210${String(index).padStart(8, '0')}`] as const;
  if (index % 3 === 0) return [['email', `c${index}@mail.example.kr`], sms];
  if (index % 3 === 1) return [sms];
  return [['push', '{"endpoint":"https://push.example/1","keys":{"p256dh":"","auth":""}}'], sms];
}

/** Citizens a COPY: a million in one takes longer than the pool waits for an answer. */
const COPIED = 50_000;

/** Citizens 0 to `count` - 1 with contact points, by COPY. */
export async function seedCitizens({ pool, sealer }: Context, count: number): Promise<void> {
  function* citizens(from: number, to: number) {
    for (let index = from; index < to; index++) yield `${citizenId(index)}\n`;
  }
  function* contactPoints(from: number, to: number) {
    for (let index = from; index < to; index++) {
      const citizen = citizenId(index);
      for (const [channel, address] of channelsOf(index)) {
        const sealed = sealAddress(sealer, channel, address).toString('hex');
        const found = addressIndex(sealer, channel, `${address}:${index}`);
        yield `${contactPointId(citizen, channel, found)}\t${citizen}\t${channel}\t\\\\x${sealed}\t\\\\x${found.toString('hex')}\t2026-01-01T00:00:00Z\n`;
      }
    }
  }
  const client = await pool.connect();
  try {
    for (const [table, rows] of [
      ['citizens (id)', citizens],
      ['contact_points (id, citizen_id, channel, address, address_index, verified_at)', contactPoints],
    ] as const)
      for (let from = 0; from < count; from += COPIED)
        await pipeline(
          Readable.from(chunked(rows(from, Math.min(from + COPIED, count)))),
          client.query(copyFrom(`COPY ${table} FROM STDIN`) as never) as unknown as NodeJS.WritableStream,
        );
    await client.query('ANALYZE citizens, contact_points');
  } finally {
    client.release();
  }
}

/** A COPY message a row would cost more than the row. */
function* chunked(rows: Iterable<string>): Generator<Buffer> {
  let text = '';
  for (const row of rows) {
    text += row;
    if (text.length < 65_536) continue;
    yield Buffer.from(text);
    text = '';
  }
  if (text !== '') yield Buffer.from(text);
}

export async function seedProfiles({ broker }: Context, count: number): Promise<void> {
  for (let from = 0; from < count; from += 5_000)
    await broker.append(
      TOPICS.profiles,
      Array.from({ length: Math.min(5_000, count - from) }, (_, at) =>
        profileRecord(citizenId(from + at), profileOf(from + at)),
      ),
    );
}

export function eventRecord(event: Readonly<Record<string, unknown>>): NewRecord {
  const { key, value, headers } = recordOfEvent(parseEvent({ specversion: '1.0', ...event }));
  return { key, value, headers };
}

/** Opens a check-up window of its own for everybody of `area`; with a subject for that citizen alone. */
export function checkupEvent(id: string, more: { area?: string; subject?: string } = {}): NewRecord {
  const { area = 'all', subject } = more;
  return eventRecord({
    id,
    source: '/nhis/checkup',
    type: 'kr.nhis.checkup-window.opened',
    allimobligation: `checkup/${id}`,
    ...(subject === undefined ? {} : { subject }),
    data: { year: 2026, parity: 0, area, closesOn: '2099-12-31' },
  });
}

export function propertyTaxEvent(id: string, subject: string, amount = 132_000): NewRecord {
  return eventRecord({
    id,
    source: '/nts/property-tax',
    type: 'kr.nts.property-tax.assessed',
    subject,
    allimobligation: `property-tax/${id}`,
    data: { amount, dueOn: '2099-07-31' },
  });
}

/** Warns the districts (codes of sigungu) of a flood: an emergency. */
export function disasterEvent(id: string, areas: readonly string[]): NewRecord {
  return eventRecord({
    id,
    source: '/mois/disaster',
    type: 'kr.mois.disaster.warned',
    allimobligation: `disaster/${id}`,
    data: {
      warning: id,
      hazard: 'flood',
      level: 'warning',
      areas,
      areaName: { ko: '부산중구', en: 'Busan' },
    },
  });
}
