/**
 * The configuration: one schema over the environment, read once. With nothing set everything runs embedded on loopback. All that is
 * wrong is reported at once; a half-configured provider is wrong; production refuses every default that is only fit for a trial, and
 * secrets that somebody shipped or made up. `NAME_FILE` names a file that holds the value of `NAME`.
 * Values of secret settings never appear in a report.
 */
import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { Ajv } from 'ajv';
import { AllimError, type Fault } from '../domain/errors.ts';
import { PUSH_SERVICES } from '../domain/push-services.ts';
import { CHANNELS, type Channel } from '../domain/statuses.ts';
import {
  Environment,
  FORMATS,
  type Given,
  GROUPS,
  type Name,
  NEEDS,
  PRODUCTION,
  type SaslMechanism,
} from './environment.ts';
import { pickGiven } from './given.ts';
import { madeUpSecrets } from './made-up-secrets.ts';

export type Config = {
  readonly env: 'development' | 'production';
  /** Absolute. */
  readonly dataDir: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Where the shards of this process take questions (docs/adr/0022). */
  readonly questions: { readonly host: string; readonly port: number };
  /** Somebody said which: then roles without an API serve their health there. */
  readonly portGiven: boolean;
  /** Without a slash at the end; null where nobody said under which name we are reached. */
  readonly publicUrl: string | null;
  readonly partitions: number;
  /** Whether profiles that we publish ourselves are binary records (rules/population/profile-record.ts). */
  readonly binaryProfiles: boolean;
  /** Where shards keep themselves (absolute), and how often. */
  readonly snapshots: { readonly folder: string; readonly everyMs: number };
  /** Whole months before this one that stay attached to the ledger. */
  readonly keepMonths: number;
  /** Absolute; null: no calendar. */
  readonly calendarDir: string | null;
  /** Absolute; null: no feed. */
  readonly feedsFile: string | null;
  /** By agency, and `shared` for the shared topic. */
  readonly agencyWeights: ReadonlyMap<string, number>;
  /** Deliveries a second that may leave on a channel; one that is not named goes as fast as it can. */
  readonly channelRates: ReadonlyMap<Channel, number>;
  /** null: the bundled Postgres. */
  readonly databaseUrl: string | null;
  /** null: BullMQ on Postgres. */
  readonly redisUrl: string | null;
  /** null: the event log in Postgres. */
  readonly kafka: {
    readonly brokers: readonly string[];
    readonly ssl: boolean;
    readonly sasl: {
      readonly mechanism: SaslMechanism;
      readonly username: string;
      readonly password: string;
    } | null;
  } | null;
  /** null: the outbox. */
  readonly smtp: { readonly url: string; readonly from: string } | null;
  readonly sms: { readonly url: string; readonly from: string } | null;
  /** Where mail that bounces goes, and what the mail system that brings it to us shows; null: bounces go to the sender, and nobody reads them here. */
  readonly bounces: { readonly domain: string; readonly token: string } | null;
  /** What an SMS gateway signs its receipts with; null: receipts of none are taken. */
  readonly smsReceiptSecret: string | null;
  readonly vapid: {
    readonly subject: string;
    readonly publicKey: string;
    readonly privateKey: string;
  } | null;
  /** Whose word about the caller's address counts (X-Forwarded-For): addresses and networks of the proxies in front. */
  readonly trustedProxies: readonly string[];
  /** Push services on loopback http may be called: for tests and demonstrations. */
  /** Hosts of push services that may be called (domain/push-services.ts). */
  readonly pushServices: readonly string[];
  readonly pushLoopback: boolean;
  /** Agencies' webhooks on loopback http may be called: for tests and demonstrations. */
  readonly webhookLoopback: boolean;
  /** Absolute; null: no folder is watched for files of rows. */
  readonly inboxDir: string | null;
  /** Profiles come whole from a register: attributes by PUT are refused. */
  readonly populationRegister: boolean;
  /** null: the bundled provider, which production refuses. */
  readonly oidc: OidcConfig | null;
  /** null: generated into the data folder (app/secrets.ts). */
  readonly secrets: {
    readonly adminToken: string | null;
    readonly encryptionKey: string | null;
    readonly indexKey: string | null;
  };
  /** Keys that sealed before `encryptionKey` did and still open. */
  readonly oldEncryptionKeys: readonly string[];
  /** Whether profiles, questions and pages are sealed when they are written to the log. */
  readonly seal: boolean;
  /** null: `/metrics` answers callers on this machine alone. */
  readonly metricsToken: string | null;
};

export type OidcClient = {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string;
};
export type OidcConfig = {
  readonly staff: OidcClient;
  readonly citizen: OidcClient;
  readonly claims: {
    readonly agency: string;
    readonly roles: string;
    readonly rolePrefix: string;
    readonly citizen: string;
  };
};

export type ConfigResult =
  | { readonly config: Config }
  /** `pointer` is `/NAME` of the variable at fault. */
  | { readonly problems: readonly Fault[] };

const ajv = new Ajv({
  allErrors: true,
  coerceTypes: true,
  strict: true,
  strictTypes: false,
  formats: FORMATS,
});
const validate = ajv.compile<Given>(Environment);

function schemaFaults(raw: Record<string, unknown>): readonly Fault[] {
  const given = { ...raw };
  if (validate(given)) return [];
  const pointers = new Set((validate.errors ?? []).map((error) => error.instancePath));
  return [...pointers].map((pointer) => {
    const name = pointer.slice(1) as Name;
    const { description, writeOnly } = Environment.properties[name] as unknown as {
      description: string;
      writeOnly?: boolean;
    };
    const found = writeOnly ? '' : `, not "${String(raw[name])}"`;
    return { pointer, message: `${name} must be ${description}${found}` };
  });
}

/** In clear text only to this machine, and only where nothing is at stake. One that is no URL is a fault of its own. */
function smsFaults(text: string, production: boolean): readonly Fault[] {
  const url = URL.parse(text);
  if (url?.protocol !== 'http:') return [];
  if (!production && /^(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost)$/.test(url.hostname)) return [];
  const message = 'SMS_URL must begin with https:// where the gateway is elsewhere, and in production';
  return [{ pointer: '/SMS_URL', message }];
}

function crossFaults(given: Readonly<Record<string, unknown>>): readonly Fault[] {
  const faults: Fault[] = [];
  const has = (name: Name) => given[name] !== undefined;
  for (const group of GROUPS) {
    const set = group.filter(has);
    if (set.length === 0) continue;
    for (const name of group)
      if (!has(name))
        faults.push({
          pointer: `/${name}`,
          message: `${name} is missing, though ${set.join(' and ')} is set`,
        });
  }
  for (const [name, other] of NEEDS)
    if (has(name) && !has(other))
      faults.push({ pointer: `/${other}`, message: `${other} is missing, though ${name} is set` });
  const production = given['ALLIM_ENV'] === 'production';
  if (has('SMS_URL')) faults.push(...smsFaults(String(given['SMS_URL']), production));
  if (!production) return faults;
  faults.push(...madeUpSecrets(given));
  for (const [name, why] of PRODUCTION)
    if (!has(name)) faults.push({ pointer: `/${name}`, message: `${name} is needed in production: ${why}` });
  for (const name of ['ALLIM_PUSH_LOOPBACK', 'ALLIM_WEBHOOK_LOOPBACK'])
    if (given[name] === 'true')
      faults.push({ pointer: `/${name}`, message: `${name} must not be set in production` });
  for (const name of ['ALLIM_PACE', 'ALLIM_MARK', 'ALLIM_CLOCK_SHIFT'] as const)
    if (has(name))
      faults.push({ pointer: `/${name}`, message: `${name} is for tests and must not be set in production` });
  if (has('PUBLIC_URL') && !String(given['PUBLIC_URL']).startsWith('https://'))
    faults.push({ pointer: '/PUBLIC_URL', message: 'PUBLIC_URL must begin with https:// in production' });
  for (const name of ['OIDC_ISSUER', 'OIDC_CITIZEN_ISSUER'] as const)
    if (has(name) && !String(given[name]).startsWith('https://'))
      faults.push({ pointer: `/${name}`, message: `${name} must begin with https:// in production` });
  if (has('SMTP_URL') && !smtpEncrypted(String(given['SMTP_URL'])))
    faults.push({
      pointer: '/SMTP_URL',
      message:
        'SMTP_URL must begin with smtps://, or end with ?requireTLS=true, in production: else whoever is in between can read the mail and the password',
    });
  if (has('KAFKA_SASL_MECHANISM') && given['KAFKA_SSL'] !== 'true')
    faults.push({
      pointer: '/KAFKA_SSL',
      message: 'KAFKA_SSL must be true in production where KAFKA_SASL_MECHANISM is set: the password travels',
    });
  if (has('SMTP_URL') && !has('SMTP_FROM'))
    faults.push({
      pointer: '/SMTP_FROM',
      message: 'SMTP_FROM is needed in production: receivers check the sender',
    });
  return faults;
}

/** One that is no URL is a fault of its own. */
function smtpEncrypted(text: string): boolean {
  const url = URL.parse(text);
  return url === null || url.protocol === 'smtps:' || url.searchParams.get('requireTLS') === 'true';
}

/** A container has an address that nobody can write down beforehand: `auto` is its first that leads outside, else loopback. */
function questionsHost(given = '127.0.0.1'): string {
  if (given !== 'auto') return given;
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return own.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
}

function oidcOf(given: Given): OidcConfig | null {
  if (given.OIDC_ISSUER === undefined || given.OIDC_CITIZEN_ISSUER === undefined) return null;
  return {
    staff: {
      issuer: given.OIDC_ISSUER,
      clientId: given.OIDC_CLIENT_ID ?? '',
      clientSecret: given.OIDC_CLIENT_SECRET ?? '',
      scope: given.OIDC_SCOPE ?? 'openid profile',
    },
    citizen: {
      issuer: given.OIDC_CITIZEN_ISSUER,
      clientId: given.OIDC_CITIZEN_CLIENT_ID ?? '',
      clientSecret: given.OIDC_CITIZEN_CLIENT_SECRET ?? '',
      scope: given.OIDC_CITIZEN_SCOPE ?? 'openid',
    },
    claims: {
      agency: given.OIDC_AGENCY_CLAIM ?? 'agency',
      roles: given.OIDC_ROLES_CLAIM ?? 'roles',
      rolePrefix: given.OIDC_ROLE_PREFIX ?? '',
      citizen: given.OIDC_CITIZEN_CLAIM ?? 'sub',
    },
  };
}

function build(given: Given): Config {
  const publicUrl = given.PUBLIC_URL?.replace(/\/+$/, '') ?? null;
  const domain = publicUrl === null ? 'localhost' : new URL(publicUrl).hostname;
  return {
    env: given.ALLIM_ENV ?? 'development',
    dataDir: path.resolve(given.ALLIM_DATA ?? 'data'),
    logLevel: given.ALLIM_LOG_LEVEL ?? 'info',
    host: given.ALLIM_HOST ?? '127.0.0.1',
    questions: { host: questionsHost(given.ALLIM_QUESTIONS_HOST), port: given.ALLIM_QUESTIONS_PORT ?? 0 },
    port: given.PORT ?? 8080,
    portGiven: given.PORT !== undefined,
    publicUrl,
    partitions: given.ALLIM_PARTITIONS ?? 8,
    binaryProfiles: given.ALLIM_PROFILE_RECORDS === 'binary',
    snapshots: {
      folder: path.resolve(given.ALLIM_SNAPSHOTS ?? path.join(given.ALLIM_DATA ?? 'data', 'snapshots')),
      everyMs: (given.ALLIM_SNAPSHOT_SECONDS ?? 600) * 1_000,
    },
    keepMonths: given.ALLIM_KEEP_MONTHS ?? 14,
    calendarDir: given.ALLIM_CALENDAR === undefined ? null : path.resolve(given.ALLIM_CALENDAR),
    feedsFile: given.ALLIM_FEEDS === undefined ? null : path.resolve(given.ALLIM_FEEDS),
    agencyWeights: new Map(
      (given.ALLIM_AGENCY_WEIGHTS?.split(',') ?? []).map((one) => {
        const [agency, weight] = one.trim().split(':');
        return [agency!, Number(weight)];
      }),
    ),
    channelRates: new Map(
      CHANNELS.flatMap((channel) => {
        const rate = given[`ALLIM_RATE_${channel.toUpperCase() as Uppercase<Channel>}`];
        return rate === undefined ? [] : [[channel, rate] as const];
      }),
    ),
    databaseUrl: given.DATABASE_URL ?? null,
    redisUrl: given.REDIS_URL ?? null,
    kafka:
      given.KAFKA_BROKERS === undefined
        ? null
        : {
            brokers: given.KAFKA_BROKERS.split(',').map((one) => one.trim()),
            ssl: given.KAFKA_SSL === 'true',
            sasl:
              given.KAFKA_SASL_MECHANISM === undefined
                ? null
                : {
                    mechanism: given.KAFKA_SASL_MECHANISM,
                    username: given.KAFKA_SASL_USERNAME ?? '',
                    password: given.KAFKA_SASL_PASSWORD ?? '',
                  },
          },
    smtp:
      given.SMTP_URL === undefined
        ? null
        : { url: given.SMTP_URL, from: given.SMTP_FROM ?? `no-reply@${domain}` },
    bounces:
      given.SMTP_BOUNCE_DOMAIN === undefined
        ? null
        : { domain: given.SMTP_BOUNCE_DOMAIN.toLowerCase(), token: given.SMTP_BOUNCE_TOKEN ?? '' },
    smsReceiptSecret: given.SMS_RECEIPT_SECRET ?? null,
    sms: given.SMS_URL === undefined ? null : { url: given.SMS_URL, from: given.SMS_FROM ?? '' },
    vapid:
      given.VAPID_PUBLIC_KEY === undefined
        ? null
        : {
            subject: given.VAPID_SUBJECT ?? '',
            publicKey: given.VAPID_PUBLIC_KEY,
            privateKey: given.VAPID_PRIVATE_KEY ?? '',
          },
    inboxDir: given.ALLIM_INBOX_DIR === undefined ? null : path.resolve(given.ALLIM_INBOX_DIR),
    populationRegister: given.ALLIM_POPULATION_REGISTER === 'true',
    trustedProxies: given.ALLIM_TRUSTED_PROXIES?.split(',').map((one) => one.trim()) ?? [],
    webhookLoopback: given.ALLIM_WEBHOOK_LOOPBACK === 'true',
    pushServices: [
      ...PUSH_SERVICES,
      ...(given.ALLIM_PUSH_SERVICES?.split(',').map((one) => one.trim()) ?? []),
    ],
    pushLoopback: given.ALLIM_PUSH_LOOPBACK === 'true',
    oidc: oidcOf(given),
    secrets: {
      adminToken: given.ALLIM_ADMIN_TOKEN ?? null,
      encryptionKey: given.ALLIM_ENCRYPTION_KEY ?? null,
      indexKey: given.ALLIM_INDEX_KEY ?? null,
    },
    oldEncryptionKeys: given.ALLIM_ENCRYPTION_KEYS_OLD?.split(',').map((one) => one.trim()) ?? [],
    seal: given.ALLIM_SEAL === undefined ? given.ALLIM_ENV === 'production' : given.ALLIM_SEAL === 'on',
    metricsToken: given.ALLIM_METRICS_TOKEN ?? null,
  };
}

/** Everything that is wrong, and the configuration that what is right makes: for whoever looks at a broken one. */
export function inspectConfig(environment: Readonly<Record<string, string | undefined>>): {
  readonly config: Config;
  readonly problems: readonly Fault[];
} {
  const { given: raw, faults } = pickGiven(environment, Object.keys(Environment.properties));
  const problems = [...faults, ...schemaFaults(raw), ...crossFaults(raw)];
  const wrong = new Set(schemaFaults(raw).map((fault) => fault.pointer.slice(1)));
  const given = Object.fromEntries(Object.entries(raw).filter(([name]) => !wrong.has(name)));
  // Turns the digits of numbers into numbers.
  validate(given);
  return { config: build(given as Given), problems };
}

/** The configuration, or everything that is wrong with it. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): ConfigResult {
  const { config, problems } = inspectConfig(environment);
  return problems.length > 0 ? { problems } : { config };
}

/** Throws `config-invalid` with all faults; for whoever starts and ends with exit code 1. */
export function loadConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const result = readConfig(environment);
  if ('config' in result) return result.config;
  const lines = result.problems.map((fault) => `  ${fault.message}`).join('\n');
  throw new AllimError('config-invalid', `the configuration cannot be used:\n${lines}`, {
    faults: result.problems,
  });
}
