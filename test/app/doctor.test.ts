/** A broken configuration and broken services: each fault is named, each with what mends it, and nothing secret is said. */
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { examine } from '../../app/commands/doctor.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { describeWith, kafkaBrokers, redisUrl } from '../support/services.ts';
import { createSilentServer, type SilentServer } from '../support/silent-server.ts';

let database: TestDatabase;
let folder: string;
let closed: SilentServer;

beforeAll(async () => {
  database = await createDatabase();
  folder = await mkdtemp(path.join(tmpdir(), 'allim-doctor-'));
  closed = await createSilentServer();
});
afterAll(async () => {
  await closed.stop();
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

type Environment = Record<string, string | undefined>;

async function faultsOf(environment: Environment, timeoutMs = 3_000): Promise<readonly string[]> {
  const { findings } = await examine(environment, timeoutMs);
  for (const { mend } of findings) expect(mend).toMatch(/^[^\n]{10,}$/);
  return findings.filter((one) => one.level === 'fault').map(({ at, says }) => `${at}: ${says}`);
}

const KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => i)).toString('base64');

describe('the doctor', () => {
  test('finds nothing where nothing is set', async () => {
    expect(await faultsOf({ ALLIM_DATA: folder })).toEqual([]);
  });

  test('names every fault of a broken production at once', async () => {
    await mkdir(path.join(folder, 'secrets'), { recursive: true });
    await writeFile(path.join(folder, 'secrets', 'admin-token'), 'x', { mode: 0o644 });
    const open = path.join(folder, 'sms-url');
    await writeFile(open, 'smpp://allim:allim@127.0.0.1:1\n');
    await chmod(open, 0o644);
    const faults = await faultsOf({
      ALLIM_ENV: 'production',
      ALLIM_DATA: folder,
      ALLIM_SEAL: 'off',
      ALLIM_PARTITIONS: 'eight',
      ALLIM_ENCRYPTION_KEY: KEY,
      ALLIM_INDEX_KEY: KEY,
      ALLIM_ADMIN_TOKEN: 'x'.repeat(40),
      PUBLIC_URL: 'http://allim.example.kr',
      DATABASE_URL: database.url,
      REDIS_URL: `redis://127.0.0.1:${closed.refusedPort}`,
      KAFKA_BROKERS: `127.0.0.1:${closed.refusedPort}`,
      KAFKA_SASL_USERNAME: 'allim',
      SMTP_URL: `smtps://notice:hunter2hunter2@127.0.0.1:${closed.refusedPort}`,
      SMS_URL_FILE: open,
      SMS_FROM: '15770000',
      VAPID_PUBLIC_KEY: 'short',
      OIDC_CLIENT_SECRET_FILE: path.join(folder, 'not-there'),
    });
    for (const expected of [
      /^ALLIM_PARTITIONS: .*whole number/,
      /^ALLIM_SEAL: is off/,
      /^ALLIM_ADMIN_TOKEN: .*random/,
      /^ALLIM_INDEX_KEY: .*must not be the encryption key/,
      /^PUBLIC_URL: .*https/,
      /^KAFKA_SASL_MECHANISM: .*missing/,
      /^KAFKA_SASL_PASSWORD: .*missing/,
      /^SMS_URL: .*password that everybody knows/,
      /^SMTP_FROM: .*needed/,
      /^PUBLIC_URL: is http:\/\/allim\.example\.kr, as the example/,
      /^VAPID_PUBLIC_KEY: must be a P-256 public key/,
      /^OIDC_CLIENT_SECRET_FILE: .*ENOENT/,
      /^Kafka: cannot be reached/,
      /^Redis: cannot be reached/,
      /^SMTP_URL: 127\.0\.0\.1:\d+ cannot be reached/,
      /^SMS_URL: 127\.0\.0\.1:1 cannot be reached/,
      /secrets\/admin-token: can be read by others/,
      /sms-url: can be read by others/,
      /^Postgres: writes no archive/,
    ])
      expect(faults).toContainEqual(expect.stringMatching(expected));
    expect(faults.join()).not.toContain('hunter2');
  });

  test('tells a service that takes the connection and says nothing from one that is well', async () => {
    const faults = await faultsOf({ ALLIM_DATA: folder, REDIS_URL: `redis://127.0.0.1:${closed.port}` }, 500);
    expect(faults).toContainEqual(expect.stringMatching(/^Redis: cannot be reached/));
  });

  test('knows an installation by the partitions it was made with, and a setting by its name', async () => {
    await database.pool.query(`INSERT INTO settings (name, value) VALUES ('partitions', '4')`);
    const { findings, seen } = await examine({
      DATABASE_URL: database.url,
      ALLIM_PARTITION: '4',
      ALLIM_ENCRYPTON_KEY: KEY,
    });
    expect(findings).toContainEqual(
      expect.objectContaining({ level: 'fault', at: 'ALLIM_PARTITIONS', mend: 'set ALLIM_PARTITIONS=4' }),
    );
    const strange = findings.filter((one) => one.says === 'is no setting of ours').map((one) => one.at);
    expect(strange).toEqual(['ALLIM_ENCRYPTON_KEY', 'ALLIM_PARTITION']);
    expect(seen).toContainEqual(
      expect.objectContaining({ at: 'Postgres', says: expect.stringMatching(/^PostgreSQL \d/) }),
    );
  });

  test('ends with 1 and one line of JSON', async () => {
    const child = spawn(
      process.execPath,
      [path.join(import.meta.dirname, '../../app/main.ts'), 'doctor', '--json'],
      { env: { PATH: process.env['PATH'], PORT: 'http' }, stdio: ['ignore', 'pipe', 'ignore'] },
    );
    let out = '';
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk.toString();
    });
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({ ok: false, findings: [expect.objectContaining({ at: 'PORT' })] });
  });
});

describeWith('redis', 'the doctor on Redis', () => {
  test('sees its version and settings', async () => {
    const { findings, seen } = await examine({ ALLIM_DATA: folder, REDIS_URL: redisUrl() });
    expect(seen).toContainEqual(
      expect.objectContaining({ at: 'Redis', says: expect.stringMatching(/^\d+\.\d+/) }),
    );
    expect(findings.filter((one) => one.at === 'Redis')).toEqual([]);
  });
});

describeWith('kafka', 'the doctor on Kafka', () => {
  test('sees brokers, and in production the topics that are missing', async () => {
    const { findings, seen } = await examine({
      ALLIM_ENV: 'production',
      ALLIM_PARTITIONS: '777',
      KAFKA_BROKERS: kafkaBrokers(),
    });
    expect(seen).toContainEqual(
      expect.objectContaining({ at: 'Kafka', says: expect.stringContaining('4.0 or later') }),
    );
    const topic = findings.filter((one) => one.at === 'topic citizen-profiles');
    expect(topic).toContainEqual(
      expect.objectContaining({
        says: expect.stringMatching(/^does not exist$|instead of 777$/),
      }),
    );
  });
});
