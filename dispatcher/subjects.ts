/** Part of T1: whom a targeted event is about. */
import { MAX_EVENT_AGE_MS } from '../domain/event.ts';
import type { EventRowId } from '../domain/ids.ts';
import type { Sealer } from '../domain/sealing.ts';
import type { Sql } from '../domain/sql.ts';
import { subjectKeyHash } from '../domain/subject-key.ts';
import { holdLinks } from '../store/identity-links.ts';
import { findLinks, linkKey, saveUnresolved } from '../store/unresolved.ts';
import type { Accepted } from './admit.ts';
import type { TargetedEvent } from './obligation-changes.ts';

/** Turns the agency's own keys into citizens; those without a link wait in `unresolved`. */
export async function resolveSubjects(
  sql: Sql,
  sealer: Sealer,
  events: readonly Accepted[],
  nowMs: number,
): Promise<TargetedEvent[]> {
  const keyed = events.filter((item) => item.event.subject === undefined);
  const hashes = keyed.map((item) => subjectKeyHash(sealer, item.agency, item.event.allimsubjectkey ?? ''));
  const agencies = keyed.map((item) => item.agency);
  let links = await findLinks(sql, agencies, hashes);
  if (keyed.some((item, index) => !links.has(linkKey(item.agency, hashes[index]!)))) {
    // Looked for again once none can be made: what is missing now is written down as waiting before one can.
    await holdLinks(sql);
    links = await findLinks(sql, agencies, hashes);
  }
  const citizenOf = new Map<EventRowId, string>();
  const unlinked: Parameters<typeof saveUnresolved>[1][number][] = [];
  for (const [index, item] of keyed.entries()) {
    const hash = hashes[index]!;
    const citizen = links.get(linkKey(item.agency, hash));
    if (citizen !== undefined) citizenOf.set(item.row, citizen);
    else
      unlinked.push({
        agency: item.agency,
        event: item.row,
        stageRun: null,
        citizen: null,
        subjectKeyHash: hash,
        askedOffset: null,
        // As long as the ledger remembers the event itself.
        expiresAtMs:
          item.event.expirytime === undefined
            ? nowMs + MAX_EVENT_AGE_MS
            : Temporal.Instant.from(item.event.expirytime).epochMilliseconds,
      });
  }
  await saveUnresolved(sql, unlinked, nowMs);
  return events.flatMap((item) => {
    const citizen = item.event.subject ?? citizenOf.get(item.row);
    return citizen === undefined ? [] : [{ row: item.row, event: item.event, type: item.type, citizen }];
  });
}
