/**
 * Who is calling. The server that mounts the plugins of this directory finds out (web/api/credentials.ts) and sets `request.credential`;
 * each route names the permission that it needs in its config.
 */
import type { FastifyRequest } from 'fastify';
import { AllimError } from '../domain/errors.ts';

/**
 * What an agency's key may be good for. `register` comes beside `citizens`: the key speaks for the citizen, as the population register or
 * the portal where people choose for themselves does (docs/adr/0009). `imports` comes beside `events` or `citizens`: whole files of them.
 * `exact` comes beside `read` or `rules`: counts under ten are told as they are.
 */
export const SCOPES = [
  'events',
  'citizens',
  'register',
  'imports',
  'rules',
  'read',
  'exact',
  'webhooks',
] as const;
export type Scope = (typeof SCOPES)[number];

/**
 * What staff do beside what keys are good for. `approve`: a rule or template that another wrote; `publish`: what was approved; `operate`: campaigns and stops; `mend`:
 * quarantine and dead letters; `support`: notices of one citizen; `audit`: the trail.
 */
export const DUTIES = ['approve', 'publish', 'operate', 'mend', 'support', 'audit'] as const;
export type Duty = (typeof DUTIES)[number];
/** What a credential may hold. */
export type Right = Scope | Duty;

/** Of whom a session is: `staff` and `citizen` are signed-in people of that kind, `person` is either. A key is none of them. */
export type SignedIn = 'staff' | 'citizen' | 'person';
/** `public` needs no credential; `administrator` is nobody's scope. */
export type Permission = 'public' | Right | SignedIn | 'administrator';

/** Agencies' systems publish and resume with the scopes they have; only among people writing, approving and operating are apart. */
const DUTIES_OF_KEYS: Readonly<Partial<Record<Scope, readonly Duty[]>>> = {
  rules: ['approve', 'publish', 'operate'],
  events: ['mend'],
};

export function rightsOfKey(scopes: readonly Scope[]): readonly Right[] {
  return [...scopes, ...scopes.flatMap((scope) => DUTIES_OF_KEYS[scope] ?? [])];
}

export type Credential = {
  /** For the log and for authorship: `administrator`, `key:` and the beginning of the key's hash, or `staff:` and who signed in. */
  readonly id: string;
  /** null is the administrator or a platform owner, who may do everything for everybody. */
  readonly agency: string | null;
  readonly scopes: readonly Right[];
  /** The sources that it may publish events of. */
  readonly sources: readonly string[];
};

declare module 'fastify' {
  interface FastifyRequest {
    credential: Credential | null;
  }
  interface FastifyContextConfig {
    permission?: Permission;
    /** How long a body may take to arrive; 60 s unless told. */
    bodyMs?: number;
  }
}

/** Of a key, or of the credential that a staff session gives. Whether somebody is signed in at all is web/sign-in/person.ts' to say. */
export function mayDo(credential: Credential, permission: Exclude<Permission, SignedIn>): boolean {
  if (permission === 'public' || credential.agency === null) return true;
  return permission !== 'administrator' && credential.scopes.includes(permission);
}

/** Whether it may change what others wrote about a citizen, and what the citizen chose. */
export function speaksForCitizens(credential: Credential): boolean {
  return credential.agency === null || credential.scopes.includes('register');
}

/** Whether it is told counts that could single people out. */
export function seesSmallCounts(credential: Credential): boolean {
  return credential.agency === null || credential.scopes.includes('exact');
}

/** The caller of a route that is not public. */
export function callerOf(request: FastifyRequest): Credential {
  if (request.credential === null) throw new AllimError('unauthorized', 'a credential is needed');
  return request.credential;
}

/**
 * Whether the caller may know of a thing of this agency. Where not, the thing is answered as one that is not there, so that nobody learns
 * what another agency has.
 */
export function isOwn(credential: Credential, agency: string | null): boolean {
  return credential.agency === null || credential.agency === agency;
}

/** For an agency that the caller names. Throws `forbidden` where the credential belongs to another one, whether that exists or not. */
export function needAgency(credential: Credential, agency: string | null): void {
  if (!isOwn(credential, agency))
    throw new AllimError('forbidden', 'the credential belongs to another agency', {
      ids: agency === null ? {} : { agency },
    });
}
