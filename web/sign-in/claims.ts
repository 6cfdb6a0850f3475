/**
 * From what an identity provider says about somebody to who they are here. Providers differ in what they call things, so the names are
 * settings; what they say is checked as any other input. Whoever fits nothing is refused by name of what is missing, never guessed at.
 */
import { AllimError } from '../../domain/errors.ts';
import { CITIZEN_ID } from '../../producers/citizen-body.ts';
import { STAFF_ROLES, type StaffRole } from './person.ts';
import type { SignedInAs } from './sessions.ts';

export type Claims = Readonly<Record<string, unknown>>;
export type ClaimNames = {
  /** Whose agency's staff; a path with dots reaches into objects, as `realm_access.roles`. */
  readonly agency: string;
  readonly roles: string;
  /** In front of our names of roles; what has another is somebody else's. */
  readonly rolePrefix: string;
  /** The citizen's id here. */
  readonly citizen: string;
};

const SUBJECT = /^[\x21-\x7e]{1,255}$/;
const CITIZEN = new RegExp(CITIZEN_ID);
const LONGEST_NAME = 100;

/** A claim of exactly that name first: some providers put dots and URLs into names. */
export function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  return name
    .split('.')
    .reduce<unknown>(
      (at, part) =>
        at !== null && typeof at === 'object' && Object.hasOwn(at, part)
          ? (at as Record<string, unknown>)[part]
          : undefined,
      claims,
    );
}

function refused(message: string): AllimError {
  return new AllimError('sign-in-refused', message);
}

function subjectOf(claims: Claims): string {
  const { sub } = claims;
  if (typeof sub !== 'string' || !SUBJECT.test(sub))
    throw refused('the identity provider says nobody’s name');
  return sub;
}

function rolesOf(claims: Claims, names: ClaimNames): readonly StaffRole[] {
  const given = claimOf(claims, names.roles);
  const texts = typeof given === 'string' ? given.split(/[\s,]+/) : Array.isArray(given) ? given : [];
  const ours = texts
    .filter((text): text is string => typeof text === 'string' && text.startsWith(names.rolePrefix))
    .map((text) => text.slice(names.rolePrefix.length));
  return STAFF_ROLES.filter((role) => ours.includes(role));
}

function nameOf(claims: Claims, otherwise: string): string {
  const { name } = claims;
  const text =
    typeof name === 'string'
      ? name
          .toWellFormed()
          .replaceAll(/\p{Cc}/gu, ' ')
          .trim()
      : '';
  return text === '' ? otherwise : text.slice(0, LONGEST_NAME).toWellFormed();
}

/** `ko` of `ko-KR`, where it is one of ours. */
export function localeOf(claims: Claims, known: readonly string[]): string | null {
  const language = typeof claims['locale'] === 'string' ? claims['locale'].split(/[-_]/)[0] : undefined;
  return known.find((one) => one === language) ?? null;
}

/** Throws `sign-in-refused` where they are nobody's staff. An owner's agency is not asked for: they stand above all. */
export function staffOf(
  claims: Claims,
  names: ClaimNames,
  given: { readonly isAgency: (id: string) => boolean; readonly locale: string },
): SignedInAs & { readonly kind: 'staff' } {
  const subject = subjectOf(claims);
  const roles = rolesOf(claims, names);
  const who = { kind: 'staff', subject, name: nameOf(claims, subject), locale: given.locale } as const;
  if (roles.length === 0) throw refused(`the claim "${names.roles}" names none of the roles here`);
  if (roles.includes('owner')) return { ...who, agency: null, roles: ['owner'] };
  const agency = claimOf(claims, names.agency);
  if (typeof agency !== 'string' || agency === '') throw refused(`the claim "${names.agency}" is missing`);
  if (!given.isAgency(agency)) throw refused(`the agency of the claim "${names.agency}" is not known here`);
  return { ...who, agency, roles };
}

/** Throws `sign-in-refused` where the claim is no citizen's id. */
export function citizenOf(
  claims: Claims,
  names: ClaimNames,
  locale: string,
): SignedInAs & { readonly kind: 'citizen' } {
  subjectOf(claims);
  const citizen = claimOf(claims, names.citizen);
  if (typeof citizen !== 'string' || !CITIZEN.test(citizen))
    throw refused(`the claim "${names.citizen}" is no citizen's id`);
  return { kind: 'citizen', citizen, locale };
}
