/** Every variable that Allim reads, what it may hold, and which belong together. */
import { isIP } from 'node:net';
import { type Static, Type } from 'typebox';
import { MARKS } from '../domain/marks.ts';
import { PUSH_SERVICE } from '../domain/push-services.ts';
import { isWebhookSecret } from '../domain/webhook-signature.ts';

const isUrl = (protocols: readonly string[]) => (text: string) => {
  const url = URL.parse(text);
  return (
    url !== null && protocols.includes(url.protocol) && (url.hostname !== '' || url.searchParams.has('host'))
  );
};

/** 32 bytes as 64 hexadecimal or 43 base64 characters (with or without padding, either alphabet). */
export function decodeKey(text: string): Buffer | null {
  if (/^[0-9a-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(text) ? Buffer.from(text, 'base64') : null;
}

/** An address, or a network with the length of its prefix. */
function isNetwork(text: string): boolean {
  const [address = '', prefix, more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more !== undefined || address.includes('%')) return false;
  return (
    prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128))
  );
}

export const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  'postgres-url': isUrl(['postgres:', 'postgresql:']),
  'redis-url': isUrl(['redis:', 'rediss:']),
  'smtp-url': isUrl(['smtp:', 'smtps:']),
  'sms-url': isUrl(['smpp:', 'ssmpp:', 'https:', 'http:']),
  'http-url': isUrl(['http:', 'https:']),
  brokers: (text) => text.split(',').every((one) => /^[A-Za-z0-9.-]+:\d{1,5}$/.test(one.trim())),
  'own-host': (text) => text === 'auto' || (isIP(text) !== 0 && !/^(0\.0\.0\.0|::)$/.test(text)),
  networks: (text) => text.split(',').every((one) => isNetwork(one.trim())),
  weights: (text) => text.split(',').every((one) => /^[a-z][a-z0-9-]{0,31}:[1-9]\d{0,2}$/.test(one.trim())),
  'push-services': (text) => text.split(',').every((one) => PUSH_SERVICE.test(one.trim())),
  mark: (text) => {
    const [, name] = /^(?:kill|stop) ([a-z:-]+) [1-9]\d{0,6}$/.exec(text) ?? [];
    return name !== undefined && (MARKS as readonly string[]).includes(name);
  },
  'webhook-secret': isWebhookSecret,
  key: (text) => decodeKey(text) !== null,
  keys: (text) => text.split(',').every((one) => decodeKey(one.trim()) !== null),
};

/** The description completes "NAME must be …" and is all that a person reads. */
function text(description: string, options: object = {}) {
  return Type.Optional(Type.String({ description, ...options }));
}
const secret = (description: string, options: object = {}) =>
  text(description, { ...options, writeOnly: true });
const whole = (description: string, minimum: number, maximum: number) =>
  Type.Optional(Type.Integer({ description, minimum, maximum }));
const oneOf = <const Names extends readonly string[]>(names: Names) =>
  Type.Optional(
    Type.Unsafe<Names[number]>({ type: 'string', enum: names, description: `one of ${names.join(', ')}` }),
  );

const SASL = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
export type SaslMechanism = (typeof SASL)[number];

export const Environment = Type.Object({
  ALLIM_ENV: oneOf(['development', 'production']),
  ALLIM_DATA: text('a folder'),
  ALLIM_LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error', 'silent']),
  ALLIM_HOST: text('an address to listen on'),
  ALLIM_QUESTIONS_HOST: text('auto, or an address of this machine that web reaches', { format: 'own-host' }),
  ALLIM_QUESTIONS_PORT: whole('a port, or 0 for a free one', 0, 65_535),
  ALLIM_PARTITIONS: whole('a whole number from 1 to 1024', 1, 1024),
  ALLIM_KEEP_MONTHS: whole('a whole number from 2 to 120', 2, 120),
  ALLIM_AGENCY_WEIGHTS: text('a list like nts:4,nhis:2,shared:8', { format: 'weights' }),
  ALLIM_RATE_PUSH: whole('a whole number a second from 1 to 1,000,000', 1, 1_000_000),
  ALLIM_RATE_EMAIL: whole('a whole number a second from 1 to 1,000,000', 1, 1_000_000),
  ALLIM_RATE_SMS: whole('a whole number a second from 1 to 1,000,000', 1, 1_000_000),
  ALLIM_CALENDAR: text('a folder of calendars'),
  ALLIM_FEEDS: text('a file of feeds'),
  ALLIM_ADMIN_TOKEN: secret('at least 32 characters', { minLength: 32 }),
  ALLIM_ENCRYPTION_KEY: secret('32 bytes in base64 or hexadecimal', { format: 'key' }),
  ALLIM_ENCRYPTION_KEYS_OLD: secret('keys of 32 bytes in base64 or hexadecimal, by commas', {
    format: 'keys',
  }),
  ALLIM_INDEX_KEY: secret('32 bytes in base64 or hexadecimal', { format: 'key' }),
  ALLIM_SEAL: oneOf(['on', 'off']),
  ALLIM_PROFILE_RECORDS: oneOf(['json', 'binary']),
  ALLIM_SNAPSHOTS: text('a folder'),
  ALLIM_SNAPSHOT_SECONDS: whole('a whole number of seconds from 1 to 86400', 1, 86_400),
  ALLIM_METRICS_TOKEN: secret('at least 32 characters', { minLength: 32 }),
  ALLIM_PACE: Type.Optional(
    Type.Number({ description: 'a number above 0 and at most 1', exclusiveMinimum: 0, maximum: 1 }),
  ),
  ALLIM_MARK: text('kill or stop, the name of a marked point, and the how-manieth time it is reached', {
    format: 'mark',
  }),
  ALLIM_CLOCK_SHIFT: whole('a number of milliseconds, at most a day either way', -86_400_000, 86_400_000),
  ALLIM_PUSH_SERVICES: text('a list of hosts like push.example.kr,*.push.example.net', {
    format: 'push-services',
  }),
  ALLIM_PUSH_LOOPBACK: oneOf(['true', 'false']),
  ALLIM_WEBHOOK_LOOPBACK: oneOf(['true', 'false']),
  ALLIM_INBOX_DIR: text('a folder'),
  ALLIM_POPULATION_REGISTER: oneOf(['true', 'false']),
  ALLIM_TRUSTED_PROXIES: text('a list of addresses or networks like 10.0.0.5,10.1.0.0/16', {
    format: 'networks',
  }),
  PORT: whole('a port from 0 to 65535', 0, 65_535),
  PUBLIC_URL: text('a URL beginning with https:// or http://', { format: 'http-url' }),
  DATABASE_URL: secret('a URL like postgresql://user:password@host:5432/database', {
    format: 'postgres-url',
  }),
  REDIS_URL: secret('a URL like redis://host:6379', { format: 'redis-url' }),
  KAFKA_BROKERS: text('a list like host:9092,host:9092', { format: 'brokers' }),
  KAFKA_SSL: oneOf(['true', 'false']),
  KAFKA_SASL_MECHANISM: oneOf(SASL),
  KAFKA_SASL_USERNAME: text('a name'),
  KAFKA_SASL_PASSWORD: secret('a password'),
  SMTP_URL: secret('a URL like smtps://user:password@host:465', { format: 'smtp-url' }),
  SMTP_FROM: text('a mail address of at most 254 characters', {
    pattern: '^[^\\s@]{1,64}@[^\\s@]+$',
    maxLength: 254,
  }),
  SMTP_BOUNCE_DOMAIN: text('a domain', { pattern: '^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,185}[A-Za-z0-9])?$' }),
  SMTP_BOUNCE_TOKEN: secret('at least 32 characters', { minLength: 32 }),
  SMS_RECEIPT_SECRET: secret('whsec_ and 24 to 64 bytes in base64', { format: 'webhook-secret' }),
  SMS_URL: secret('a URL like smpp://user:password@host:2775 or https://user:password@host/path', {
    format: 'sms-url',
  }),
  SMS_FROM: text('a sender of up to 20 characters', { maxLength: 20 }),
  VAPID_SUBJECT: text('mailto: and an address, or an https:// URL', {
    pattern: '^(mailto:[^\\s@]+@[^\\s@]+|https://.+)$',
  }),
  VAPID_PUBLIC_KEY: text('a P-256 public key in base64url', { pattern: '^[A-Za-z0-9_-]{87}=?$' }),
  VAPID_PRIVATE_KEY: secret('a P-256 private key in base64url', { pattern: '^[A-Za-z0-9_-]{43}=?$' }),
  OIDC_ISSUER: text('a URL beginning with https:// or http://', { format: 'http-url' }),
  OIDC_CLIENT_ID: text('a name'),
  OIDC_CLIENT_SECRET: secret('a secret'),
  OIDC_SCOPE: text('scopes by blanks, openid among them', { pattern: '(^| )openid( |$)' }),
  OIDC_AGENCY_CLAIM: text('the name of a claim', { pattern: '^\\S{1,100}$' }),
  OIDC_ROLES_CLAIM: text('the name of a claim', { pattern: '^\\S{1,100}$' }),
  OIDC_ROLE_PREFIX: text('what stands in front of names of roles', { maxLength: 100 }),
  OIDC_CITIZEN_ISSUER: text('a URL beginning with https:// or http://', { format: 'http-url' }),
  OIDC_CITIZEN_CLIENT_ID: text('a name'),
  OIDC_CITIZEN_CLIENT_SECRET: secret('a secret'),
  OIDC_CITIZEN_SCOPE: text('scopes by blanks, openid among them', { pattern: '(^| )openid( |$)' }),
  OIDC_CITIZEN_CLAIM: text('the name of a claim', { pattern: '^\\S{1,100}$' }),
});

export type Given = Static<typeof Environment>;
export type Name = keyof Given;

/** All or none: half of them is a mistake that would show only when the first notice is sent. */
export const GROUPS: readonly (readonly Name[])[] = [
  ['KAFKA_SASL_MECHANISM', 'KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'],
  ['VAPID_SUBJECT', 'VAPID_PUBLIC_KEY', 'VAPID_PRIVATE_KEY'],
  ['OIDC_ISSUER', 'OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET'],
  ['OIDC_CITIZEN_ISSUER', 'OIDC_CITIZEN_CLIENT_ID', 'OIDC_CITIZEN_CLIENT_SECRET'],
  ['SMTP_BOUNCE_DOMAIN', 'SMTP_BOUNCE_TOKEN'],
];

/** Means nothing without the other. */
export const NEEDS: readonly (readonly [name: Name, other: Name])[] = [
  ['KAFKA_SSL', 'KAFKA_BROKERS'],
  ['KAFKA_SASL_MECHANISM', 'KAFKA_BROKERS'],
  ['SMTP_FROM', 'SMTP_URL'],
  ['SMTP_BOUNCE_DOMAIN', 'SMTP_URL'],
  ['SMS_FROM', 'SMS_URL'],
  ['SMS_URL', 'SMS_FROM'],
  ['ALLIM_ENCRYPTION_KEYS_OLD', 'ALLIM_ENCRYPTION_KEY'],
  ['OIDC_SCOPE', 'OIDC_ISSUER'],
  ['OIDC_AGENCY_CLAIM', 'OIDC_ISSUER'],
  ['OIDC_ROLES_CLAIM', 'OIDC_ISSUER'],
  ['OIDC_ROLE_PREFIX', 'OIDC_ISSUER'],
  ['OIDC_CITIZEN_SCOPE', 'OIDC_CITIZEN_ISSUER'],
  ['OIDC_CITIZEN_CLAIM', 'OIDC_CITIZEN_ISSUER'],
  // One of two would leave the others with a provider that is only fit for a trial.
  ['OIDC_ISSUER', 'OIDC_CITIZEN_ISSUER'],
  ['OIDC_CITIZEN_ISSUER', 'OIDC_ISSUER'],
];

export const PRODUCTION: readonly (readonly [name: Name, why: string])[] = [
  ['DATABASE_URL', 'the bundled Postgres has no replica and no archive'],
  ['REDIS_URL', 'the queue on Postgres is for a small office'],
  ['KAFKA_BROKERS', 'agencies put their events on Kafka'],
  ['PUBLIC_URL', 'links, and TLS in front, depend on it'],
  ['ALLIM_ADMIN_TOKEN', 'every process needs the same, so none may be drawn at a start'],
  ['ALLIM_ENCRYPTION_KEY', 'addresses are unreadable without it, so it must be kept apart from one disk'],
  ['ALLIM_INDEX_KEY', 'addresses cannot be found without it, so it must not live on one disk'],
  ['SMTP_URL', 'the outbox sends nothing'],
  ['SMS_URL', 'the outbox sends nothing'],
  ['VAPID_PUBLIC_KEY', 'the outbox sends nothing'],
  ['OIDC_ISSUER', 'the bundled provider lets everybody in who knows one password'],
  ['OIDC_CITIZEN_ISSUER', 'the bundled provider lets everybody in who knows one password'],
];
