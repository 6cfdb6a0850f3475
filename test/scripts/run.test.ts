import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ask, end, freePorts, isRunning, launch } from '../../scripts/services/process.ts';
import { eventually } from '../support/eventually.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'allim-scripts-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: string[]) =>
  spawnSync(process.execPath, ['scripts/run.mjs', ...args], { cwd: ROOT, encoding: 'utf8' });

test('a script runs on the pinned Node, with its arguments and its exit code', () => {
  const file = path.join(folder, 'script.ts');
  writeFileSync(
    file,
    `const seen: string[] = process.argv.slice(2);
    process.stdout.write(JSON.stringify({ seen, version: process.version }));
    process.exitCode = 7;`,
  );
  const { status, stdout } = run(file, '--json', 'a b');
  expect(status).toBe(7);
  expect(JSON.parse(stdout)).toEqual({ seen: ['--json', 'a b'], version: process.version });
});

test('without a script it says how to call it', () => {
  expect(run()).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('usage') });
});

test('services refuses what it does not know', () => {
  expect(run('scripts/services.ts', 'frobnicate')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('usage'),
  });
  expect(run('scripts/services.ts', 'start', '--brokers', '0')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('--brokers takes a number from 1 to 9'),
  });
});

test('a recorded pid is ended only while it is the program that was started', async () => {
  const pid = await launch(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    cwd: folder,
    logFile: path.join(folder, 'child.log'),
  });
  await eventually(() => isRunning(pid, 'setInterval'));
  await end(pid, 'another-program');
  expect(isRunning(pid, 'setInterval')).toBe(true);
  await end(pid, 'setInterval');
  expect(isRunning(pid, 'setInterval')).toBe(false);
});

test('a service that is not there, or says nothing, gives no answer', async () => {
  const [port] = await freePorts(1);
  expect(await ask(port!, Buffer.from('PING'), 1)).toBeNull();
  const silent = createServer((socket) => socket.end());
  await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve));
  expect(await ask(port!, Buffer.from('PING'), 1)).toBeNull();
  silent.close();
});
