import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { silentLogger } from '../../domain/logger.ts';
import { type BundledPostgres, startBundledPostgres } from '../../store/bundled.ts';
import { locatePackage } from '../../store/bundled-binaries.ts';
import { maxWalMb, renderSettings } from '../../store/bundled-settings.ts';
import { createPool } from '../../store/postgres.ts';
import { eventually } from '../support/eventually.ts';

const start = (dataDir: string, transport?: 'loopback') =>
  startBundledPostgres({ dataDir, logger: silentLogger, ...(transport === undefined ? {} : { transport }) });

async function one(server: BundledPostgres, text: string): Promise<Record<string, unknown>> {
  const pool = createPool({ url: server.url, max: 1, logger: silentLogger });
  try {
    return (await pool.query(text)).rows[0] ?? {};
  } finally {
    await pool.end();
  }
}

const homeOf = (server: BundledPostgres) => path.dirname(server.socketDir);

describe('the bundled Postgres', () => {
  let dataDir: string;
  const homes = new Set<string>();

  beforeAll(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'allim-bundled-'));
  });

  afterAll(async () => {
    for (const home of homes) await rm(home, { recursive: true, force: true });
    await rm(dataDir, { recursive: true, force: true });
  });

  test('starts, is durable, and listens only on a socket in a folder nobody else can enter', async () => {
    const server = await start(dataDir);
    homes.add(homeOf(server));
    try {
      expect(server.adopted).toBe(false);
      expect((await stat(server.socketDir)).mode & 0o777).toBe(0o700);
      const row = await one(
        server,
        `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit, current_setting('jit') AS jit,
                current_setting('listen_addresses') AS listen, current_setting('server_version_num')::int / 10000 AS major`,
      );
      expect(row).toEqual({ fsync: 'on', commit: 'on', jit: 'off', listen: '', major: 18 });
      expect((await server.pids()).length).toBeGreaterThan(3);
    } finally {
      await server.stop();
      await server.stop();
    }
    expect(await server.pids()).toEqual([]);
  });

  test('two that ask at once share one server, and the last to stop ends it', async () => {
    const [first, second] = await Promise.all([start(dataDir), start(dataDir)]);
    expect(first.url).toBe(second.url);
    expect(await first.pids()).toEqual(await second.pids());
    await first.stop();
    expect((await one(second, 'SELECT 1 AS one'))['one']).toBe(1);
    await second.stop();
    expect(await second.pids()).toEqual([]);
  });

  test('adopts the server of a process that was killed, with what it had committed', async () => {
    const script = `
      import { startBundledPostgres } from ${JSON.stringify(path.resolve('store/bundled.ts'))};
      import { createPool } from ${JSON.stringify(path.resolve('store/postgres.ts'))};
      import { silentLogger as logger } from ${JSON.stringify(path.resolve('domain/logger.ts'))};
      const server = await startBundledPostgres({ dataDir: ${JSON.stringify(dataDir)}, logger });
      const pool = createPool({ url: server.url, max: 1, logger });
      await pool.query('CREATE TABLE kept AS SELECT 42 AS answer');
      process.stdout.write('committed');
      setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const server = await start(dataDir);
    try {
      expect(server.adopted).toBe(true);
      expect((await one(server, 'SELECT answer FROM kept'))['answer']).toBe(42);
    } finally {
      await server.stop();
    }
  });

  test('starts again after the server itself was killed', async () => {
    const killed = await start(dataDir);
    const [postmaster] = await killed.pids();
    process.kill(postmaster!, 'SIGKILL');
    const server = await start(dataDir);
    try {
      expect(server.adopted).toBe(false);
      expect((await one(server, 'SELECT answer FROM kept'))['answer']).toBe(42);
    } finally {
      await server.stop();
      await killed.stop();
    }
  });

  test('is not stopped by a lock file whose pid now belongs to another program', async () => {
    const before = await start(dataDir);
    const cluster = path.join(homeOf(before), 'cluster');
    const lock = await readFile(path.join(cluster, 'postmaster.pid'), 'utf8');
    await before.stop();
    const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
      ...(process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}),
      cwd: '/',
    });
    await once(other, 'spawn');
    await writeFile(path.join(cluster, 'postmaster.pid'), lock.replace(/^\d+/, String(other.pid)));
    try {
      const server = await start(dataDir);
      expect(server.adopted).toBe(false);
      expect((await one(server, 'SELECT answer FROM kept'))['answer']).toBe(42);
      await server.stop();
    } finally {
      other.kill('SIGKILL');
    }
  });

  test('serves two data folders apart, one of them by loopback with a password', async () => {
    const another = await mkdtemp(path.join(tmpdir(), 'allim-bundled-'));
    const [first, second] = await Promise.all([start(dataDir), start(another, 'loopback')]);
    homes.add(homeOf(second));
    try {
      expect((await one(first, 'SELECT answer FROM kept'))['answer']).toBe(42);
      expect((await one(second, `SELECT to_regclass('kept') AS kept`))['kept']).toBeNull();
      expect(new URL(second.url).hostname).toBe('127.0.0.1');
      const wrong = second.url.replace(new URL(second.url).password, 'wrong');
      const pool = createPool({ url: wrong, max: 1, logger: silentLogger });
      await expect(pool.query('SELECT 1')).rejects.toThrow(/password authentication failed/);
      await pool.end();
    } finally {
      await Promise.all([first.stop(), second.stop()]);
      await rm(another, { recursive: true, force: true });
    }
  });

  test('a data folder made anew begins empty, and the old cluster is kept', async () => {
    if (process.getuid?.() !== 0) return;
    const before = await start(dataDir);
    await rm(path.join(dataDir, 'postgres-id'));
    const after = await start(dataDir);
    try {
      expect((await one(after, `SELECT to_regclass('kept') AS kept`))['kept']).toBeNull();
      const kept = (await eventually(() => readKept(homeOf(after))))!;
      homes.add(kept);
      expect(existsSync(path.join(kept, 'cluster', 'PG_VERSION'))).toBe(true);
    } finally {
      await after.stop();
      await before.stop();
    }
  });
});

async function readKept(home: string): Promise<string> {
  const name = (await readdir(path.dirname(home))).find((entry) =>
    entry.startsWith(`${path.basename(home)}.before-`),
  );
  if (name === undefined) throw new Error('nothing was set aside');
  return path.join(path.dirname(home), name);
}

test('a platform without a build is told to set DATABASE_URL', () => {
  expect(() => locatePackage('sunos-x64')).toThrow(/no build of it for sunos-x64.*DATABASE_URL/);
});

test('the log of a small disk is kept small', () => {
  expect(maxWalMb(500e9)).toBe(4096);
  expect(maxWalMb(10e9)).toBe(954);
  expect(maxWalMb(1e9)).toBe(256);
  expect(renderSettings({ socketDir: "/a'b", port: 5432, hasLz4: true, freeBytes: 1e9 })).toContain(
    "'/a''b'",
  );
});
