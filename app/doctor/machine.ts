/** This machine: disk, the modes of files that hold secrets, and whether the providers' hosts take a connection. */
import { existsSync } from 'node:fs';
import { readdir, stat, statfs } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import type { Config } from '../config.ts';
import type { Notes } from './finding.ts';

const LEAST_FREE_BYTES = 5 * 2 ** 30;
const LEAST_FREE_SHARE = 0.05;

/** The nearest folder above that exists: the data folder is made at the first start. */
function existing(folder: string): string {
  return existsSync(folder) ? folder : existing(path.dirname(folder));
}

export async function examineDisk(config: Config, notes: Notes): Promise<void> {
  // With a database elsewhere nothing of size is written here.
  if (config.databaseUrl !== null) return;
  const { bavail, bsize, blocks } = await statfs(existing(config.dataDir));
  const free = bavail * bsize;
  const says = `${(free / 2 ** 30).toFixed(1)} GB free`;
  if (free < LEAST_FREE_BYTES || bavail / blocks < LEAST_FREE_SHARE)
    notes.fault(`disk of ${config.dataDir}`, says, 'make room, or move ALLIM_DATA to a larger disk');
  else notes.well(`disk of ${config.dataDir}`, says);
}

/** `/run/secrets` is what a container runtime mounts for one container alone; the modes there are the runtime's. */
export async function examineSecretFiles(
  config: Config,
  files: ReadonlyMap<string, string>,
  notes: Notes,
): Promise<void> {
  const folder = path.join(config.dataDir, 'secrets');
  const generated = (await readdir(folder).catch(() => [])).map((name) => path.join(folder, name));
  const given = [...files.values()].filter((file) => !path.resolve(file).startsWith('/run/secrets/'));
  for (const file of [...generated, ...given]) {
    const found = await stat(file).catch(() => undefined);
    if (found === undefined || process.platform === 'win32') continue;
    if ((found.mode & 0o077) !== 0)
      notes.fault(
        file,
        `can be read by others (mode ${(found.mode & 0o777).toString(8)})`,
        `chmod 600 ${file}`,
      );
  }
}

function reach(host: string, port: number, timeoutMs: number): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (why: string | null) => {
      socket.destroy();
      resolve(why);
    };
    socket.setTimeout(timeoutMs, () => end(`no answer within ${timeoutMs} ms`));
    socket.once('connect', () => end(null));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

const PORTS: Readonly<Record<string, number>> = {
  'smtp:': 587,
  'smtps:': 465,
  'smpp:': 2775,
  'ssmpp:': 3550,
  'https:': 443,
  'http:': 80,
};

/** Only that somebody listens: what they answer is seen with the first notice. */
export async function examineProviders(config: Config, notes: Notes, timeoutMs: number): Promise<void> {
  const hosts: readonly (readonly [name: string, url: string | undefined])[] = [
    ['SMTP_URL', config.smtp?.url],
    ['SMS_URL', config.sms?.url],
    ['OIDC_ISSUER', config.oidc?.staff.issuer],
    ['OIDC_CITIZEN_ISSUER', config.oidc?.citizen.issuer],
  ];
  await Promise.all(
    hosts.map(async ([name, text]) => {
      const url = URL.parse(text ?? '');
      if (url === null) return;
      const port = Number(url.port) || PORTS[url.protocol] || 0;
      const host = url.hostname.replace(/^\[|\]$/g, '');
      const why = await reach(host, port, timeoutMs);
      if (why === null) notes.well(name, `${host}:${port} takes connections`);
      else
        notes.fault(
          name,
          `${host}:${port} cannot be reached (${why})`,
          `look at ${name}, and at the firewall between`,
        );
    }),
  );
}
