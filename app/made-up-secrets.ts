/**
 * Secrets that are none: those of documents and examples, and those that a person typed to get past a check. Production refuses them.
 * No rule here tells a good secret; these only tell the ones that were certainly not drawn at random.
 */
import type { Fault } from '../domain/errors.ts';
import { decodeKey } from './environment.ts';

const URLS = ['DATABASE_URL', 'REDIS_URL', 'SMTP_URL', 'SMS_URL'] as const;
const PASSWORDS = ['KAFKA_SASL_PASSWORD', 'OIDC_CLIENT_SECRET', 'OIDC_CITIZEN_CLIENT_SECRET'] as const;
const TOKENS = ['ALLIM_ADMIN_TOKEN', 'ALLIM_METRICS_TOKEN', 'SMTP_BOUNCE_TOKEN'] as const;
const KEYS = ['ALLIM_ENCRYPTION_KEY', 'ALLIM_INDEX_KEY'] as const;

const KNOWN =
  /^(allim|admin|administrator|guest|kafka|pass(word)?|postgres|redis|root|secret|test|user|(please[-_ ]?)?change[-_ ]?(it|me|this)?.*|your[-_ ].*|example.*|(?<one>.)\k<one>*)$/i;
/** 32 random characters have fewer than ten different ones once in a thousand years. */
const FEWEST_DIFFERENT = 10;

/** Of a URL, decoded; empty where there is none. */
export function passwordIn(url: string | undefined): string {
  const password = URL.parse(url ?? '')?.password ?? '';
  try {
    return decodeURIComponent(password);
  } catch {
    // A lone per cent sign: then it is meant as it stands.
    return password;
  }
}

const different = (values: Iterable<unknown>): number => new Set(values).size;

export function madeUpSecrets(given: Readonly<Record<string, unknown>>): readonly Fault[] {
  const faults: Fault[] = [];
  const text = (name: string): string | undefined =>
    typeof given[name] === 'string' ? (given[name] as string) : undefined;
  const refuse = (name: string, why: string) =>
    faults.push({ pointer: `/${name}`, message: `${name} ${why}` });
  for (const name of URLS) {
    const password = passwordIn(text(name));
    if (password !== '' && KNOWN.test(password))
      refuse(name, 'has a password that everybody knows: give that account another one');
  }
  for (const name of PASSWORDS) {
    const password = text(name);
    if (password !== undefined && KNOWN.test(password))
      refuse(name, 'is one that everybody knows: draw another');
  }
  for (const name of TOKENS) {
    const token = text(name);
    if (token !== undefined && different(token) < FEWEST_DIFFERENT)
      refuse(name, 'was not drawn at random: openssl rand -base64 32 makes one');
  }
  for (const name of KEYS) {
    const key = decodeKey(text(name) ?? '');
    if (key !== null && different(key) < FEWEST_DIFFERENT)
      refuse(name, 'was not drawn at random: openssl rand -base64 32 makes one');
  }
  const [encryption, index] = KEYS.map((name) => decodeKey(text(name) ?? ''));
  if (encryption != null && index != null && encryption.equals(index))
    refuse('ALLIM_INDEX_KEY', 'must not be the encryption key: draw another');
  const [admin, metrics] = TOKENS.map(text);
  if (admin !== undefined && admin === metrics)
    refuse('ALLIM_METRICS_TOKEN', 'must not be the administrator’s token, which may do everything');
  return faults;
}
