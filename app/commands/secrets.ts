/**
 * `npm run allim -- secrets FOLDER`: draws the secrets that docker-compose.yml mounts, one file each, readable by their owner alone. A file
 * that is there stays as it is: under another key what is sealed could not be read. Those that only others can give are made empty.
 */
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Command } from './commands.ts';

const draw = (): string => randomBytes(32).toString('base64url');

/** RFC 8292: an uncompressed P-256 point and its scalar, in base64url. */
function vapidKeys(): { readonly publicKey: string; readonly privateKey: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x = '', y = '', d = '' } = privateKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return { publicKey: point.toString('base64url'), privateKey: d };
}

/**
 * What BullMQ does, on our keys alone: no keys of others, no settings, nobody's connections. INFO tells the fill and the version.
 */
function redisAccounts(password: string): string {
  const hash = createHash('sha256').update(password).digest('hex');
  return `user default off\nuser allim on #${hash} ~allim:* &allim:* +@all -@admin -@dangerous +info\n`;
}

/** By name; null is for somebody else to give. */
export function drawSecrets(): Readonly<Record<string, string | null>> {
  const [database, redis] = [draw(), draw()];
  const vapid = vapidKeys();
  return {
    'admin-token': draw(),
    'metrics-token': draw(),
    'encryption-key': draw(),
    'encryption-keys-old': null,
    'index-key': draw(),
    'postgres-password': database,
    'database-url': `postgresql://allim:${database}@postgres:5432/allim`,
    'redis-acl': redisAccounts(redis),
    'redis-url': `redis://allim:${redis}@redis:6379`,
    'vapid-public-key': vapid.publicKey,
    'vapid-private-key': vapid.privateKey,
    'smtp-url': null,
    'sms-url': null,
    'oidc-client-secret': null,
    'oidc-citizen-client-secret': null,
  };
}

/** Belong together: drawn anew alone, one would not fit the other. */
const TOGETHER = [
  ['postgres-password', 'database-url'],
  ['redis-acl', 'redis-url'],
  ['vapid-public-key', 'vapid-private-key'],
] as const;

export const secrets: Command = {
  does: 'draws the secrets that docker-compose.yml mounts: secrets FOLDER',
  async run(argv) {
    const { positionals } = parseArgs({ args: [...argv], allowPositionals: true });
    const [folder, ...more] = positionals;
    if (folder === undefined || more.length > 0) {
      process.stderr.write('allim: say which folder: npm run allim -- secrets secrets\n');
      return 2;
    }
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const made: string[] = [];
    const kept: string[] = [];
    for (const [name, value] of Object.entries(drawSecrets()))
      await writeFile(path.join(folder, name), value === null ? '' : `${value.trimEnd()}\n`, {
        flag: 'wx',
        mode: 0o600,
      }).then(
        () => made.push(name),
        (error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw error;
          kept.push(name);
        },
      );
    process.stdout.write(`made: ${made.join(', ') || 'none'}\n`);
    if (kept.length > 0) process.stdout.write(`kept as they were: ${kept.join(', ')}\n`);
    const torn = TOGETHER.filter(([a, b]) => made.includes(a) !== made.includes(b));
    for (const pair of torn)
      process.stderr.write(`allim: ${pair.join(' and ')} do not belong together now\n`);
    process.stdout.write(
      `fill in: smtp-url (smtps://user:password@host:465), sms-url (smpp://user:password@host:2775), oidc-client-secret, oidc-citizen-client-secret (from the identity providers)\n`,
    );
    return torn.length === 0 ? 0 : 1;
  },
};
