/**
 * Sessions: what a browser's cookie stands for. Guarantees: a token is 256 random bits and only its hash is kept; a new one at sign-in and
 * every hour; an old one that comes back late ends the session, because two have it (docs/adr/0023-who-is-signed-in.md); limits by idleness
 * and by age hold whatever the browser says. It never extends a session beyond its end. What staff open and end stands in the audit trail;
 * of citizens nothing does.
 */
import { hash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../../domain/clock.ts';
import type { Logger } from '../../domain/logger.ts';
import type { Sealer } from '../../domain/sealing.ts';
import { type Sql, type SqlPool, transaction } from '../../domain/sql.ts';
import { recordAudit } from '../../store/audit-trail.ts';
import {
  deleteSession,
  deleteSessionOf,
  deleteSessionsOf,
  findSession,
  insertSession,
  type ListedSession,
  listSessionsOf,
  livingSessions,
  offerToken,
  type SessionRow,
  takeToken,
  touchSession,
} from '../../store/signed-in.ts';
import type { Person, SessionId, StaffRole } from './person.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Milliseconds: without a request, and in all. */
export const LIMITS = {
  staff: { idleMs: 30 * MINUTE, lifeMs: 8 * HOUR },
  citizen: { idleMs: 30 * 24 * HOUR, lifeMs: 30 * 24 * HOUR },
} as const;
/** Of one person; the one that was not seen for longest goes. */
export const SESSIONS_A_PERSON = 10;
const TOKEN_MS = HOUR;
/** After the new token was first seen: for requests that left with the old one. */
const GRACE_MS = 30_000;
/** A new token that the browser never showed was lost with its answer. */
const OFFER_AGAIN_MS = MINUTE;
/** How exactly we know when somebody was last here: one write a minute. */
const SEEN_EVERY_MS = MINUTE;

/** A person without the session that they are about to get. */
export type SignedInAs =
  | {
      readonly kind: 'staff';
      readonly subject: string;
      readonly name: string;
      readonly agency: string | null;
      readonly roles: readonly StaffRole[];
      readonly locale: string;
    }
  | { readonly kind: 'citizen'; readonly citizen: string; readonly locale: string };

export type Found = {
  readonly person: Person;
  readonly csrf: string;
  /** Beside the old one, for the browser to use from now on. */
  readonly freshToken: string | null;
  readonly endsAt: Date;
};

export interface Sessions {
  /** `idToken` is kept, sealed, for sign-out. */
  open(
    as: SignedInAs,
    given: { readonly device: string; readonly idToken: string | null; readonly request?: string },
  ): Promise<{ readonly token: string; readonly endsAt: Date; readonly session: SessionId }>;
  /** null where the token is nobody's any more. Throws what the database throws. */
  read(token: string): Promise<Found | null>;
  /** Whether it still counts: for streams, which outlive the request that began them. */
  lives(session: SessionId): Promise<boolean>;
  /** Those of many that still count. */
  living(sessions: readonly SessionId[]): Promise<ReadonlySet<string>>;
  /** Ends the one that the person is in, and gives the id token that it was opened with. */
  end(person: Person, request?: string): Promise<{ readonly idToken: string | null }>;
  /** One of the person's own; false where they have none of that id. */
  endOne(person: Person, session: string, request?: string): Promise<boolean>;
  /** All of the person's but the one they are in. */
  endOthers(person: Person, request?: string): Promise<number>;
  list(person: Person): Promise<readonly ListedSession[]>;
}

const PURPOSE = 'id-token';
const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const sha256 = (text: string) => hash('sha256', text, 'buffer');
const newSecret = () => randomBytes(32).toString('base64url');

/** The id in front finds the row, so that the database compares no secret; it opens nothing. */
function parts(token: string): { id: string; given: Buffer } | null {
  const [id = '', secret = '', ...more] = token.split('.');
  return ID.test(id) && SECRET.test(secret) && more.length === 0 ? { id, given: sha256(secret) } : null;
}

const is = (given: Buffer, kept: Buffer | null): boolean => kept !== null && timingSafeEqual(given, kept);

function personOf(row: SessionRow): Person {
  const session = row.id as SessionId;
  const { kind, subject, name, agency, locale } = row;
  if (kind === 'citizen') return { kind, session, citizen: subject, locale };
  return { kind, session, subject, name, agency, roles: row.roles as readonly StaffRole[], locale };
}

export const ownerOf = (person: Person) => ({
  kind: person.kind,
  subject: person.kind === 'staff' ? person.subject : person.citizen,
});

/** Last in the transaction: whoever writes an entry next waits for it. */
async function audit(
  sql: Sql,
  as: SignedInAs | Person,
  action: 'session.signed-in' | 'session.signed-out',
  session: string | null,
  request: string | undefined,
  details: Readonly<Record<string, string | number>> = {},
): Promise<void> {
  if (as.kind !== 'staff') return;
  await recordAudit(sql, {
    agency: as.agency,
    actor: `staff:${as.subject}`,
    actorName: as.name,
    action,
    object: session === null ? null : `session:${session}`,
    details,
    request: request ?? null,
  });
}

export function createSessions(given: {
  readonly pool: SqlPool;
  readonly clock: Clock;
  readonly sealer: Sealer;
  readonly logger: Logger;
}): Sessions {
  const { pool, clock, sealer } = given;
  const logger = given.logger.child({ part: 'sessions' });
  const at = (inMs = 0) => new Date(clock.nowMs() + inMs);

  const counts = (row: Pick<SessionRow, 'kind' | 'endsAt' | 'seenAt'>): boolean =>
    row.endsAt > at() && row.seenAt > at(-LIMITS[row.kind].idleMs);

  /** Which of its tokens this is; `late` is one that was replaced and ought to be forgotten. */
  function whichToken(row: SessionRow, token: Buffer): 'current' | 'next' | 'previous' | 'late' | null {
    if (is(token, row.tokenHash)) return 'current';
    if (is(token, row.nextHash)) return 'next';
    if (!is(token, row.previousHash)) return null;
    return row.previousUntil !== null && row.previousUntil > at() ? 'previous' : 'late';
  }

  /** A new token where the current one is an hour old, else null. */
  async function renew(row: SessionRow): Promise<string | null> {
    if (row.tokenAt > at(-TOKEN_MS)) return null;
    const secret = newSecret();
    const mine = await offerToken(pool, row, sha256(secret), at(), at(-OFFER_AGAIN_MS));
    return mine ? `${row.id}.${secret}` : null;
  }

  return {
    async open(as, { device, idToken, request }) {
      const id = randomUUID();
      const secret = newSecret();
      const endsAt = at(LIMITS[as.kind].lifeMs);
      const who =
        as.kind === 'staff'
          ? as
          : { kind: as.kind, subject: as.citizen, name: '', agency: null, roles: [], locale: as.locale };
      const row = {
        ...who,
        id,
        tokenHash: sha256(secret),
        csrf: newSecret(),
        idToken: idToken === null ? null : sealer.seal(PURPOSE, idToken),
        device,
        createdAt: at(),
        endsAt,
      };
      const ended = await transaction(pool, async (sql) => {
        const gone = await insertSession(sql, row, SESSIONS_A_PERSON);
        await audit(sql, as, 'session.signed-in', id, request, { device });
        return gone;
      });
      if (ended > 0) logger.info({ kind: as.kind, ended }, 'the oldest sessions of a person were ended');
      return { token: `${id}.${secret}`, endsAt, session: id as SessionId };
    },

    async read(token) {
      const found = parts(token);
      if (found === null) return null;
      const row = await findSession(pool, found.id);
      if (row === undefined) return null;
      const which = whichToken(row, found.given);
      if (which === null) return null;
      if (which === 'late' || !counts(row)) {
        await deleteSession(pool, row.id);
        if (which === 'late')
          logger.warn(
            { kind: row.kind, session: row.id },
            'a session ended: a token came back that was replaced',
          );
        return null;
      }
      if (which === 'next') await takeToken(pool, row.id, found.given, at(), at(GRACE_MS));
      if (row.seenAt <= at(-SEEN_EVERY_MS)) await touchSession(pool, row.id, at());
      const freshToken = which === 'current' ? await renew(row) : null;
      return { person: personOf(row), csrf: row.csrf, freshToken, endsAt: row.endsAt };
    },

    async lives(session) {
      const row = await findSession(pool, session);
      return row !== undefined && counts(row);
    },

    async living(all) {
      const rows = await livingSessions(pool, all);
      return new Set(rows.filter(counts).map(({ id }) => id));
    },

    async end(person, request) {
      const row = await transaction(pool, async (sql) => {
        const found = await findSession(sql, person.session);
        if (await deleteSession(sql, person.session))
          await audit(sql, person, 'session.signed-out', person.session, request);
        return found;
      });
      const sealed = row?.idToken ?? null;
      return { idToken: sealed === null ? null : sealer.open(PURPOSE, sealed).toString() };
    },

    endOne: (person, session, request) =>
      transaction(pool, async (sql) => {
        if (!ID.test(session)) return false;
        const ended = await deleteSessionOf(sql, ownerOf(person), session);
        if (ended) await audit(sql, person, 'session.signed-out', session, request);
        return ended;
      }),
    endOthers: (person, request) =>
      transaction(pool, async (sql) => {
        const ended = await deleteSessionsOf(sql, ownerOf(person), person.session);
        const from = { sessions: ended, from: person.session };
        if (ended > 0) await audit(sql, person, 'session.signed-out', null, request, from);
        return ended;
      }),
    list: (person) => listSessionsOf(pool, ownerOf(person), at(), at(-LIMITS[person.kind].idleMs)),
  };
}
