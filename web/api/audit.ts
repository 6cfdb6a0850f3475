/** The audit trail as it is read, and whether it is still what was written. An agency's auditor sees the agency's entries; the chain is everybody's. */
import { Type } from 'typebox';
import { isInstant } from '../../domain/cloud-events.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { needAgency } from '../../producers/credential.ts';
import { listAudit } from '../../store/audit-trail.ts';
import { verifyAudit } from '../../store/audit-verification.ts';
import { type Endpoint, endpoint, invalid, ok } from './endpoint.ts';

type Parts = { readonly pool: SqlPool };
const strict = { additionalProperties: false } as const;
const Text = Type.String({ minLength: 1, maxLength: 300 });

function instant(text: string | undefined, name: string): Date | null {
  if (text === undefined) return null;
  // Postgres knows no year 0.
  if (!isInstant(text) || text.startsWith('0000'))
    throw invalid(`/querystring/${name}`, 'must be an RFC 3339 time');
  return new Date(Temporal.Instant.from(text).epochMilliseconds);
}

/** Newest first; the cursor is the number of the last entry that was shown. */
export const getAudit = ({ pool }: Parts): Endpoint =>
  endpoint({
    query: Type.Object(
      {
        limit: Type.Optional(Type.String({ pattern: '^([1-9][0-9]?|1[0-9][0-9]|200)$' })),
        cursor: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,14}$' })),
        agency: Type.Optional(Type.String({ maxLength: 32 })),
        actor: Type.Optional(Text),
        action: Type.Optional(Type.String({ pattern: '^[a-z-]+(\\.[a-z-]+)?$', maxLength: 64 })),
        object: Type.Optional(Text),
        since: Type.Optional(Type.String({ maxLength: 40 })),
        until: Type.Optional(Type.String({ maxLength: 40 })),
      },
      strict,
    ),
    answer: async ({ query, caller }) => {
      if (query.agency !== undefined) needAgency(caller(), query.agency);
      const limit = Number(query.limit ?? 50);
      const rows = await listAudit(
        pool,
        {
          agency: caller().agency ?? query.agency ?? null,
          actor: query.actor ?? null,
          action: query.action ?? null,
          object: query.object ?? null,
          since: instant(query.since, 'since'),
          until: instant(query.until, 'until'),
        },
        query.cursor === undefined ? null : Number(query.cursor),
        limit + 1,
      );
      const entries = rows.slice(0, limit);
      return ok({ entries, next: rows.length > limit ? String(entries.at(-1)!.number) : null });
    },
  });

/** A caller who reads it again a second later gets the same answer: whole trails are computed anew, and many may press the button. */
const REMEMBER_MS = 2_000;

/** With `number` and `hash` of an entry that somebody noted, that one is looked for as well. */
export const getVerification = ({ pool }: Parts): Endpoint => {
  const running = new Map<string, { readonly at: number; readonly result: ReturnType<typeof verifyAudit> }>();
  return endpoint({
    query: Type.Object(
      {
        number: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,14}$' })),
        hash: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
      },
      strict,
    ),
    answer: async ({ query: { number, hash } }) => {
      if ((number === undefined) !== (hash === undefined))
        throw invalid('/querystring/hash', 'number and hash of a noted entry go together');
      const noted = number === undefined || hash === undefined ? null : { number: Number(number), hash };
      const key = JSON.stringify(noted);
      const now = performance.now();
      for (const [name, { at }] of running) if (now - at > REMEMBER_MS) running.delete(name);
      const known = running.get(key) ?? { at: now, result: verifyAudit(pool, noted) };
      running.set(key, known);
      return ok(await known.result);
    },
  });
};
