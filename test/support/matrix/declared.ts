/** Who calls, who may do what (once more and by hand), and what a route is declared to be. */
import type { Permission } from '../../../producers/credential.ts';
import type { Things } from './things.ts';

export const STAFF = ['author', 'approver', 'operator', 'support', 'auditor', 'owner'] as const;
export const KEYS = [
  'events',
  'citizens',
  'register',
  'imports',
  'rules',
  'read',
  'exact',
  'webhooks',
] as const;
export const WHO = [
  'nobody',
  'citizen',
  ...STAFF,
  ...KEYS.map((scope) => `key:${scope}` as const),
  'administrator',
] as const;
export type Who = (typeof WHO)[number];

/** The whole of who may do what, once more and by hand. */
export const ALLOWED: Readonly<Record<Permission, readonly Who[]>> = {
  public: WHO,
  read: ['author', 'approver', 'operator', 'support', 'auditor', 'owner', 'key:read', 'administrator'],
  rules: ['author', 'owner', 'key:rules', 'administrator'],
  approve: ['approver', 'owner', 'key:rules', 'administrator'],
  publish: ['author', 'approver', 'owner', 'key:rules', 'administrator'],
  operate: ['operator', 'owner', 'key:rules', 'administrator'],
  mend: ['operator', 'owner', 'key:events', 'administrator'],
  support: ['support', 'owner', 'administrator'],
  audit: ['auditor', 'owner', 'administrator'],
  events: ['owner', 'key:events', 'administrator'],
  citizens: ['owner', 'key:citizens', 'administrator'],
  register: ['owner', 'key:register', 'administrator'],
  imports: ['owner', 'key:imports', 'administrator'],
  exact: ['owner', 'key:exact', 'administrator'],
  webhooks: ['owner', 'key:webhooks', 'administrator'],
  administrator: ['owner', 'administrator'],
  staff: STAFF,
  citizen: ['citizen'],
  person: ['citizen', ...STAFF],
};

export type Ask = {
  readonly url: string;
  readonly payload?: unknown;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Loopback's; else another for every request, so that limits by address are not met. */
  readonly from?: string;
};

/** Of an agency's caller and of the platform's where that is something else, or by who it is. */
export type Status = number | readonly [agency: number, platform: number] | ((who: Who) => number);

export type Declared = {
  readonly needs: Permission;
  /** Who gets in where the route itself decides. */
  readonly only?: readonly Who[];
  readonly ask: (of: Things, make: Make) => Ask | Promise<Ask>;
  readonly own: Status;
  /** Of another agency's object, or another citizen's; without it the route has no object. */
  readonly foreign?: Status;
  /** A person's own: not even the platform has another's. */
  readonly personal?: true;
  /** It shows made-up people to everybody, and is never there in production. */
  readonly demonstration?: true;
  readonly missing?: Status;
  /** The route ends the session that it is called with. */
  readonly endsSession?: true;
  /** Nobody's session is looked at, so no token of one is asked for. */
  readonly noSession?: true;
  readonly stream?: true;
};

/** What is used up by being asked for is made anew for each call. */
export type Make = {
  stop(agency: string): Promise<void>;
  lifted(scope: string): Promise<void>;
  key(agency: string): Promise<string>;
  recipient(agency: string): Promise<string>;
  webhook(agency: string): Promise<string>;
  quarantined(agency: string): Promise<string>;
  /** Another session of who calls; of somebody else for what is foreign. */
  session(of: Things): Promise<string>;
};

/** What is for systems: whoever is signed in as staff asks through support. */
export const system =
  (status: Status): Status =>
  (who) => {
    if ((STAFF as readonly string[]).includes(who)) return 403;
    if (typeof status === 'function') return status(who);
    return typeof status === 'number' ? status : status[who === 'administrator' ? 1 : 0];
  };

export const API = '/api/v1';
export const HASH = 'a'.repeat(64);
export const WHY = '민원 2026-11';
export const NONE = '00000000-0000-4000-8000-0000000000ff';

export const list = (needs: Permission, url: string): Declared => ({
  needs,
  ask: () => ({ url: API + url }),
  own: 200,
});
export const shown = (
  needs: Permission,
  at: (of: Things) => string,
  more: Partial<Declared> = {},
): Declared => ({
  needs,
  ask: (of) => ({ url: API + at(of) }),
  own: 200,
  foreign: 404,
  missing: 404,
  ...more,
});
export const sent = (
  needs: Permission,
  at: (of: Things) => string,
  payload: (of: Things) => unknown,
  more: Partial<Declared> & Pick<Declared, 'own'>,
): Declared => ({
  needs,
  ask: (of) => ({ url: API + at(of), payload: payload(of) }),
  ...more,
});
export const open = (url: string, own: Status = 200, more: Partial<Declared> = {}): Declared => ({
  needs: 'public',
  ask: () => ({ url }),
  own,
  ...more,
});
