/**
 * Who sits in front of the browser: staff of an agency, a platform owner, or a citizen. What each role may do is one table; the server
 * (web/api/server.ts) sets `request.person` from the session's cookie and, for staff, `request.credential` with the same rights, so that a
 * route asks for one permission whoever calls. A key in the request wins: then nobody is signed in.
 */
import type { FastifyRequest } from 'fastify';
import { AllimError } from '../../domain/errors.ts';
import type { Id } from '../../domain/ids.ts';
import {
  type Credential,
  mayDo,
  type Permission,
  type Right,
  type SignedIn,
} from '../../producers/credential.ts';

/** Of a signed-in person; names the row and opens nothing. A worker's session (domain/ids.ts) is another thing. */
export type SessionId = Id<'signed-in'>;

export const STAFF_ROLES = ['author', 'approver', 'operator', 'support', 'auditor', 'owner'] as const;
export type StaffRole = (typeof STAFF_ROLES)[number];

export type Staff = {
  readonly kind: 'staff';
  readonly session: SessionId;
  /** Who they are at the identity provider: `sub` of their id token. */
  readonly subject: string;
  readonly name: string;
  /** null: a platform owner. */
  readonly agency: string | null;
  readonly roles: readonly StaffRole[];
  /** As BCP 47 has it: `ko`, `en`. */
  readonly locale: string;
};
export type Citizen = {
  readonly kind: 'citizen';
  readonly session: SessionId;
  readonly citizen: string;
  readonly locale: string;
};
export type Person = Staff | Citizen;

/** What a role may do within its agency. `owner` is above: everything, for every agency. */
export const RIGHTS: Readonly<Record<Exclude<StaffRole, 'owner'>, readonly Right[]>> = {
  author: ['read', 'rules'],
  approver: ['read', 'approve'],
  operator: ['read', 'operate', 'mend'],
  support: ['read', 'support'],
  auditor: ['read', 'audit'],
};

declare module 'fastify' {
  interface FastifyRequest {
    /** null where nobody is signed in, or a key is in the request. */
    person: Person | null;
  }
  interface FastifyContextConfig {
    /** A page: whoever is not signed in as such is sent to sign-in and back, in place of a 401. */
    signIn?: 'staff' | 'citizen';
  }
}

export function isOwner(person: Staff): boolean {
  return person.agency === null && person.roles.includes('owner');
}

/** Without repetitions, in the order of the roles. An owner's is empty, as the administrator's: both may do everything. */
export function rightsOf(person: Staff): readonly Right[] {
  if (isOwner(person)) return [];
  return [...new Set(person.roles.flatMap((role) => (role === 'owner' ? [] : RIGHTS[role])))];
}

/** Whether it may do it in its own agency (an owner: in any). */
export function mayStaff(person: Staff, permission: Exclude<Permission, SignedIn>): boolean {
  return mayDo(credentialOfStaff(person), permission);
}

/**
 * What every route of the API takes in place of a key. Authorship and approval go by its `id`. It is bound to no source: events and
 * event types are what agencies' systems bring.
 */
export function credentialOfStaff(person: Staff): Credential {
  // Nobody without an agency but an owner gets a session (claims.ts); were it otherwise, null would mean everything.
  if (person.agency === null && !isOwner(person))
    throw new AllimError('forbidden', 'staff without an agency may do nothing');
  return {
    id: `staff:${person.subject}`,
    agency: person.agency,
    scopes: rightsOf(person),
    sources: [],
  };
}

/** The staff person who calls. Throws `unauthorized` where none is signed in, `forbidden` without the permission. */
export function needStaff(
  request: Pick<FastifyRequest, 'person'>,
  permission: Exclude<Permission, SignedIn> = 'public',
): Staff {
  const { person } = request;
  if (person === null) throw new AllimError('unauthorized', 'sign in first');
  if (person.kind !== 'staff') throw new AllimError('forbidden', 'this is for staff');
  if (!mayStaff(person, permission))
    throw new AllimError('forbidden', `this needs the permission "${permission}"`, {
      ids: { caller: `staff:${person.subject}` },
    });
  return person;
}

/** The citizen who calls. Throws `unauthorized` where none is signed in, `forbidden` where staff is. */
export function needCitizen(request: Pick<FastifyRequest, 'person'>): Citizen {
  const { person } = request;
  if (person === null) throw new AllimError('unauthorized', 'sign in first');
  if (person.kind !== 'citizen') throw new AllimError('forbidden', 'this is for citizens');
  return person;
}
