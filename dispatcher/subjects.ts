/** Part of T1: whom a targeted event is about. */
import { MAX_EVENT_AGE_MS } from '../domain/event.ts';
import type { EventRowId } from '../domain/ids.ts';
import type { Sealer } from '../domain/sealing.ts';
import type { Sql } from '../domain/sql.ts';
import { findLinks, saveUnresolved } from '../store/unresolved.ts';
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
  const links = await findLinks(
    sql,
    keyed.map((item) => item.agency),
    hashes,
  );
  const citizenOf = new Map<EventRowId, string>();
  const unlinked: Parameters<typeof saveUnresolved>[1][number][] = [];
  for (const [index, item] of keyed.entries()) {
    const hash = hashes[index]!;
    const citizen = links.get(`${item.agency}\n${hash.toString('hex')}`);
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

/** The keyed hash of an agency's own key for a person. */
function subjectKeyHash(sealer: Sealer, agency: string, key: string): Buffer {
  return sealer.index(`subject-key/${agency}`, key);
}
