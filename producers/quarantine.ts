/**
 * What a person does about a record that could not be taken in: send it again, as it is or mended, or drop it. An event goes the way of every
 * event that comes over HTTP, under the credential of whoever sends it; a profile goes to its topic. Each record is closed once, with who did
 * it, in the transaction that took the event: nothing is sent twice, and nothing closed that was not sent.
 */
import type { Broker } from '../broker/broker.ts';
import { eventOfRecord } from '../domain/cloud-events.ts';
import { AllimError } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { agencyOfTopic, TOPICS } from '../domain/records.ts';
import type { Sealer } from '../domain/sealing.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import { takeEvents } from '../store/events.ts';
import { closeQuarantined, findQuarantined, type QuarantineCase } from '../store/quarantine-cases.ts';
import type { Credential } from './credential.ts';
import { checkEvent, type EventCheckParts, eventConflict, type Publisher } from './event-check.ts';

export type QuarantineParts = EventCheckParts & {
  readonly pool: SqlPool;
  readonly broker: Pick<Broker, 'append'>;
  readonly sealer: Sealer;
  readonly logger: Logger;
};

/** Quarantined by a feed: the topic is this and the feed's name. */
export const FEED_TOPIC_PREFIX = 'feed:';

/** What else belongs into the transaction that closes a record. */
export type Also = (sql: Sql, kept: QuarantineCase) => Promise<void>;

export type Retried =
  | { readonly event: { readonly source: string; readonly id: string }; readonly known: boolean }
  | { readonly profile: string };

/** Throws `not-found` also where it is another agency's. */
export async function showQuarantined(
  parts: Pick<QuarantineParts, 'pool' | 'sealer'>,
  caller: Credential,
  id: string,
): Promise<QuarantineCase> {
  return found(await findQuarantined(parts.pool, parts.sealer, id, caller.agency, false), id);
}

/** With `mended` that is sent instead of the record. What is still wrong is thrown with its pointers, and the record stays open. */
export async function retryQuarantined(
  parts: QuarantineParts,
  caller: Credential,
  id: string,
  mended?: unknown,
  also: Also = async () => {},
): Promise<Retried> {
  const retried = await transaction(parts.pool, async (sql) => {
    const kept = openCase(await findQuarantined(sql, parts.sealer, id, caller.agency, true), id);
    const result = await send(parts, sql, caller, kept, mended);
    await closeQuarantined(sql, parts.sealer, {
      id,
      state: 'retried',
      by: caller.id,
      atMs: parts.clock.nowMs(),
      ...(mended === undefined ? {} : { mended }),
    });
    await also(sql, kept);
    return result;
  });
  parts.logger.info(
    { caller: caller.id, quarantined: id, mended: mended !== undefined },
    'a quarantined record was sent again',
  );
  return retried;
}

export async function dropQuarantined(
  parts: Pick<QuarantineParts, 'pool' | 'sealer' | 'clock' | 'logger'>,
  caller: Credential,
  id: string,
  also: Also = async () => {},
): Promise<void> {
  await transaction(parts.pool, async (sql) => {
    const kept = openCase(await findQuarantined(sql, parts.sealer, id, caller.agency, true), id);
    await closeQuarantined(sql, parts.sealer, {
      id,
      state: 'dropped',
      by: caller.id,
      atMs: parts.clock.nowMs(),
    });
    await also(sql, kept);
  });
  parts.logger.info({ caller: caller.id, quarantined: id }, 'a quarantined record was dropped');
}

async function send(
  parts: QuarantineParts,
  sql: Sql,
  caller: Credential,
  kept: QuarantineCase,
  mended: unknown,
): Promise<Retried> {
  const { topic, record } = kept;
  if (mended === undefined && record.flawed)
    throw new AllimError('request-invalid', 'the record is no UTF-8, so it can only be sent again mended', {
      ids: { quarantined: kept.id },
      faults: [{ pointer: '/event', message: 'is missing' }],
    });
  if (topic === TOPICS.profiles) return sendProfile(parts, kept, mended);
  if (topic !== TOPICS.events && agencyOfTopic(topic) === undefined && !topic.startsWith(FEED_TOPIC_PREFIX))
    throw new AllimError(
      'request-invalid',
      `what Allim itself wrote to ${topic} is asked again by itself; drop it`,
      {
        ids: { quarantined: kept.id },
      },
    );
  const event = await checkEvent(parts, publisherOf(parts, caller), mended ?? eventOfRecord(record), {
    done: false,
  });
  const owner = agencyOfTopic(topic);
  if (owner !== undefined && caller.agency !== null && event.agency !== owner)
    throw new AllimError('source-foreign', `the topic carries events of ${owner}`);
  const became = (await takeEvents(sql, 'received', [event], parts.clock.nowMs())).get(event.row);
  if (became === 'conflict') throw eventConflict();
  return { event: { source: event.event.source, id: event.event.id }, known: became === 'known' };
}

/** Staff are bound to no source (web/sign-in/person.ts): they mend what any source of their agency's event types said. */
function publisherOf({ catalogue }: Pick<QuarantineParts, 'catalogue'>, caller: Credential): Publisher {
  if (!caller.id.startsWith('staff:')) return caller;
  const types = catalogue.current().eventTypes.all.filter(({ agency }) => agency === caller.agency);
  return { agency: caller.agency, sources: types.flatMap(({ sources }) => sources) };
}

/** Goes to the partition of its key. The whole profile as it was then: whether a newer one has come meanwhile is for the person to know. */
async function sendProfile(
  parts: QuarantineParts,
  { record, id }: QuarantineCase,
  mended: unknown,
): Promise<Retried> {
  if (record.key === null)
    throw new AllimError('profile-invalid', 'the record names no citizen, so it can only be dropped', {
      ids: { quarantined: id },
    });
  if (mended !== undefined && (mended === null || typeof mended !== 'object' || Array.isArray(mended)))
    throw new AllimError('profile-invalid', 'a profile is a JSON object', {
      faults: [{ pointer: '', message: 'must be an object' }],
    });
  const value = mended === undefined ? record.value : JSON.stringify(mended);
  await parts.broker.append(TOPICS.profiles, [{ key: record.key, value, headers: record.headers }]);
  return { profile: record.key };
}

function found(kept: QuarantineCase | undefined, id: string): QuarantineCase {
  if (kept === undefined)
    throw new AllimError('not-found', 'there is no such record in quarantine', { ids: { quarantined: id } });
  return kept;
}

function openCase(kept: QuarantineCase | undefined, id: string): QuarantineCase {
  const known = found(kept, id);
  if (known.state !== 'open')
    throw new AllimError(
      'quarantine-closed',
      `the record was ${known.state} before, by ${known.closedBy ?? 'nobody'}`,
      {
        ids: { quarantined: id },
      },
    );
  return known;
}
