/**
 * The body of `PUT /api/v1/citizens/{id}` (CONTRACTS, "A citizen's profile"): the schema that Fastify checks, and what a schema cannot
 * say: that a zone exists, that a number is one, in one normal form by which it is found again. Faults name places, never values.
 */
import { domainToASCII } from 'node:url';
import { type Static, Type } from 'typebox';
import { AllimError, type Fault } from '../domain/errors.ts';
import { ZONE } from '../domain/jurisdiction.ts';
import { holdsResidentNumber } from '../domain/kr/resident-number.ts';
import { isTextable, toE164 } from '../domain/kr/telephone.ts';
import { CHANNELS, type Channel } from '../domain/statuses.ts';
import type { Preferences, Relation } from '../store/citizens.ts';
import type { ContactPoint } from '../store/contact-points.ts';

const TIME = '^([01][0-9]|2[0-3]):[0-5][0-9]$';
/** No control characters: the separator of id keys is one. */
export const CITIZEN_ID = '^[^\\u0000-\\u001f\\u007f]{1,64}$';
const ID = new RegExp(CITIZEN_ID);
/** The pattern, and what it cannot say: events and shards count UTF-16 units as well, and nobody is called by their resident number. */
export function isCitizenId(id: string): boolean {
  return ID.test(id) && id.length <= 64 && id.isWellFormed() && !holdsResidentNumber(id);
}

/** What a citizen may switch off: emergencies and statutory notices only move to another channel. */
const SWITCHABLE = ['service', 'information'] as const;

const strict = { additionalProperties: false } as const;
const oneOf = (values: readonly string[]) => Type.String({ enum: [...values] });

const ContactPointBody = Type.Object(
  {
    channel: oneOf(CHANNELS),
    address: Type.Optional(Type.String({ minLength: 1, maxLength: 320 })),
    subscription: Type.Optional(
      Type.Object(
        {
          endpoint: Type.String({ minLength: 1, maxLength: 2_048 }),
          expirationTime: Type.Optional(Type.Unknown()),
          keys: Type.Object(
            { p256dh: Type.String({ maxLength: 128 }), auth: Type.String({ maxLength: 64 }) },
            strict,
          ),
        },
        strict,
      ),
    ),
    verified: Type.Optional(Type.Boolean()),
    remove: Type.Optional(Type.Literal(true)),
  },
  strict,
);

export const CitizenBody = Type.Object(
  {
    attributes: Type.Optional(
      Type.Record(Type.String({ maxLength: 64 }), Type.Unknown(), { minProperties: 1 }),
    ),
    locale: Type.Optional(Type.String({ pattern: '^[a-z]{2,3}(-[A-Z]{2})?$' })),
    zone: Type.Optional(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9_+/-]{1,63}$' })),
    contactPoints: Type.Optional(Type.Array(ContactPointBody, { maxItems: 50 })),
    preferences: Type.Optional(
      Type.Object(
        {
          channels: Type.Optional(
            Type.Union([Type.Array(oneOf(CHANNELS), { minItems: 1, uniqueItems: true }), Type.Null()]),
          ),
          quietHours: Type.Optional(
            Type.Union([
              Type.Object(
                { from: Type.String({ pattern: TIME }), to: Type.String({ pattern: TIME }) },
                strict,
              ),
              Type.Null(),
            ]),
          ),
          off: Type.Optional(Type.Array(oneOf(SWITCHABLE), { uniqueItems: true })),
        },
        strict,
      ),
    ),
    relations: Type.Optional(
      Type.Array(
        Type.Object(
          {
            of: Type.String({ pattern: CITIZEN_ID }),
            kind: Type.String({ pattern: '^[a-z][a-z-]{0,31}$' }),
            remove: Type.Optional(Type.Literal(true)),
          },
          strict,
        ),
        { maxItems: 50 },
      ),
    ),
  },
  { ...strict, minProperties: 1 },
);

/** Where it stood in the body. */
type Placed = { readonly place: number };

export type CitizenChange = {
  readonly attributes: Readonly<Record<string, unknown>> | undefined;
  readonly locale: string | undefined;
  readonly zone: string | undefined;
  readonly contactPoints: readonly (ContactPoint & Placed)[];
  readonly removedContactPoints: readonly (Pick<ContactPoint, 'channel' | 'address'> & Placed)[];
  readonly preferences: Preferences | undefined;
  readonly relations: readonly Relation[];
  readonly removedRelations: readonly Relation[];
};

export type CitizenBodyOptions = {
  /**
   * Faults of attributes by the field catalogue; pointers into the attributes (`/sido`). null takes one back. `agency` gives them: it may
   * write what it may use; null may write everything.
   */
  readonly checkAttributes: (
    attributes: Readonly<Record<string, unknown>>,
    agency: string | null,
  ) => readonly Fault[];
  /** For tests: a push service on this machine, by http. */
  readonly allowLoopbackPush?: boolean;
};

/** Throws `profile-invalid` with every fault. `agency` is whose word it is, null where nobody's use of fields narrows it. */
export function readCitizenBody(
  citizen: string,
  body: Static<typeof CitizenBody>,
  agency: string | null,
  options: CitizenBodyOptions,
): CitizenChange {
  const faults: Fault[] = [];
  if (body.zone !== undefined && !zoneExists(body.zone))
    faults.push({ pointer: '/zone', message: `is not a time zone, for example ${ZONE}` });
  if (body.attributes !== undefined)
    for (const { pointer, message } of options.checkAttributes(body.attributes, agency))
      faults.push({ pointer: `/attributes${pointer}`, message });
  const quiet = body.preferences?.quietHours;
  if (quiet && quiet.from === quiet.to)
    faults.push({ pointer: '/preferences/quietHours/to', message: 'must differ from the beginning' });

  const points = new Map<string, ContactPoint & Placed & { readonly remove: boolean }>();
  for (const [index, given] of (body.contactPoints ?? []).entries()) {
    const read = readContactPoint(given, options.allowLoopbackPush === true);
    if ('fault' in read) {
      faults.push({ pointer: `/contactPoints/${index}${read.fault.pointer}`, message: read.fault.message });
      continue;
    }
    const key = `${read.channel}\n${read.address}`;
    if (points.has(key)) faults.push({ pointer: `/contactPoints/${index}`, message: 'is given twice' });
    points.set(key, { ...read, place: index, remove: given.remove === true });
  }
  for (const [index, relation] of (body.relations ?? []).entries())
    if (!isCitizenId(relation.of))
      faults.push({
        pointer: `/relations/${index}/of`,
        message: 'must have at most 64 UTF-16 units, and be no resident number',
      });
    else if (relation.of === citizen)
      faults.push({ pointer: `/relations/${index}/of`, message: 'must be another citizen' });
  if (faults.length > 0)
    throw new AllimError(
      'profile-invalid',
      `the profile is not valid: ${faults.map((f) => `${f.pointer} ${f.message}`).join('; ')}`,
      { faults, ids: { citizen } },
    );
  const all = [...points.values()];
  const relations = body.relations ?? [];
  return {
    attributes: body.attributes,
    locale: body.locale,
    zone: body.zone,
    contactPoints: all.filter((point) => !point.remove),
    removedContactPoints: all.filter((point) => point.remove),
    preferences: body.preferences,
    relations: relations.filter((relation) => relation.remove !== true),
    removedRelations: relations.filter((relation) => relation.remove === true),
  };
}

function zoneExists(zone: string): boolean {
  try {
    // An IANA name; the pattern has refused bare offsets, which know no daylight saving time.
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(zone);
    return true;
  } catch {
    return false;
  }
}

type Given = Static<typeof ContactPointBody>;

function readContactPoint(given: Given, allowLoopback: boolean): ContactPoint | { readonly fault: Fault } {
  const fault = (pointer: string, message: string) => ({ fault: { pointer, message } });
  if (given.channel === 'push') {
    if (given.address !== undefined) return fault('/address', 'is not of a push subscription');
    const { subscription } = given;
    if (subscription === undefined) return fault('/subscription', 'is missing');
    const endpoint = pushEndpoint(subscription.endpoint, allowLoopback);
    if (endpoint === null)
      return fault('/subscription/endpoint', 'must be an https address of a push service');
    const { p256dh, auth } = subscription.keys;
    // RFC 8291 §3.1-3.2: an uncompressed point on P-256, and 16 octets.
    const point = base64url(p256dh);
    if (point?.length !== 65 || point[0] !== 4)
      return fault('/subscription/keys/p256dh', 'must be an uncompressed P-256 point in base64url');
    if (base64url(auth)?.length !== 16)
      return fault('/subscription/keys/auth', 'must be 16 bytes in base64url');
    // Whoever subscribed was asked by their own browser, which is the verification.
    const content = JSON.stringify({ endpoint, keys: { p256dh, auth } });
    return { channel: 'push', address: endpoint, content, verified: given.verified ?? true };
  }
  if (given.subscription !== undefined) return fault('/subscription', `is not of ${given.channel}`);
  if (given.address === undefined) return fault('/address', 'is missing');
  if (given.channel === 'sms') {
    const number = toE164(given.address);
    if (number === null)
      return fault('/address', 'must be a telephone number in E.164, for example +821012345678');
    if (!isTextable(number)) return fault('/address', 'cannot receive text messages');
    return { channel: 'sms', address: number, content: number, verified: given.verified };
  }
  const mailbox = mailAddress(given.address);
  if (mailbox === null) return fault('/address', 'must be a mail address, for example name@example.kr');
  return { channel: 'email', address: mailbox, content: mailbox, verified: given.verified };
}

/** An address of a channel in the form by which contact points are found: E.164, a mailbox, the endpoint of a subscription. Null where it is none. */
export function normalAddress(channel: Channel, address: string): string | null {
  if (channel === 'sms') return toE164(address);
  return channel === 'email' ? mailAddress(address) : pushEndpoint(address, true);
}

const LOCAL_PART = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;
const DOMAIN = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** RFC 5321 as far as the open internet uses it, with the domain in lower case and as A-labels; null where it is none. */
function mailAddress(text: string): string | null {
  const at = text.lastIndexOf('@');
  const local = text.slice(0, at);
  const domain = domainToASCII(text.slice(at + 1));
  const address = `${local}@${domain}`;
  const fits = at > 0 && local.length <= 64 && address.length <= 254;
  return fits && LOCAL_PART.test(local) && DOMAIN.test(domain) ? address : null;
}

/** The endpoint as it was given, since it is compared and called as it is; null where it is none. Where it leads is judged when it is dialled (domain/public-endpoint.ts). */
function pushEndpoint(text: string, allowLoopback: boolean): string | null {
  const url = URL.parse(text);
  if (url === null || url.username !== '' || url.password !== '') return null;
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return url.protocol === 'https:' || (allowLoopback && loopback && url.protocol === 'http:') ? text : null;
}

function base64url(text: string): Buffer | null {
  return /^[A-Za-z0-9_-]+=*$/.test(text) ? Buffer.from(text, 'base64url') : null;
}
