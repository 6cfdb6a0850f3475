import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Config } from '../../app/config.ts';
import { adminTokenFile, loadSecrets } from '../../app/secrets.ts';
import { silentLogger } from '../../domain/logger.ts';

const NONE: Config['secrets'] = { adminToken: null, encryptionKey: null, indexKey: null };
let dataDir: string;

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'allim-secrets-'));
});

afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

const load = (secrets: Partial<Config['secrets']> = {}) =>
  loadSecrets({ dataDir, secrets: { ...NONE, ...secrets }, oldEncryptionKeys: [] }, silentLogger);
const folder = () => path.join(dataDir, 'secrets');
const modeOf = async (file: string) => (await stat(file)).mode & 0o777;

test('are generated once, for the owner alone, and stay', async () => {
  const first = await load();
  expect(first.adminToken).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(first.encryptionKey.bytes).toHaveLength(32);
  expect(first.encryptionKey.bytes).not.toEqual(first.indexKey.bytes);
  expect(first.encryptionKey.id).toMatch(/^[0-9a-f]{8}$/);
  expect(await load()).toEqual(first);
  expect((await readFile(adminTokenFile(dataDir), 'utf8')).trim()).toBe(first.adminToken);
  expect((await readdir(folder())).sort()).toEqual(['admin-token', 'encryption-key', 'index-key']);
  expect(await modeOf(folder())).toBe(0o700);
  for (const name of await readdir(folder())) expect(await modeOf(path.join(folder(), name))).toBe(0o600);
});

test('are the same for all who start at once', async () => {
  const all = await Promise.all(Array.from({ length: 8 }, () => load()));
  expect(new Set(all.map((one) => `${one.adminToken} ${one.encryptionKey.id} ${one.indexKey.id}`)).size).toBe(
    1,
  );
  expect(await readdir(folder())).toHaveLength(3);
});

test('given ones are used, and none is written for them', async () => {
  const key = Buffer.alloc(32, 9).toString('base64');
  const secrets = await load({ adminToken: 't'.repeat(32), encryptionKey: key, indexKey: key });
  expect(secrets.encryptionKey.bytes).toEqual(Buffer.alloc(32, 9));
  expect(await readdir(dataDir)).toEqual([]);
});

test('a file open to others is closed', async () => {
  await load();
  await chmod(adminTokenFile(dataDir), 0o644);
  await load();
  expect(await modeOf(adminTokenFile(dataDir))).toBe(0o600);
});

test('a broken key is named and not replaced', async () => {
  await load();
  const file = path.join(folder(), 'encryption-key');
  await writeFile(file, 'half a ke');
  await expect(load()).rejects.toMatchObject({
    code: 'config-invalid',
    message: expect.stringContaining(file),
  });
  expect(await readFile(file, 'utf8')).toBe('half a ke');
});
