/**
 * The two processes of notices on bare BullMQ, under the names that the faults use: `dispatcher-1` is the consumer, `workers-1` the worker.
 * As a container's restart policy would, whoever ends by itself is started again after a second.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessName } from '../fault.ts';
import type { Product } from '../product.ts';

const ROOT = path.join(import.meta.dirname, '..', '..', '..');
const NODE = path.join(ROOT, 'node_modules', '.bin', 'node');
const READY_WITHIN_MS = 60_000;
const AGAIN_MS = 1_000;
const FILES: Readonly<Partial<Record<ProcessName, string>>> = {
  'dispatcher-1': 'consumer.ts',
  'workers-1': 'worker.ts',
};
const NAMES = Object.keys(FILES) as ProcessName[];

export function createRawProcesses(folder: string, env: Readonly<Record<string, string>>): Product {
  const running = new Map<ProcessName, ChildProcess>();
  let stopping = false;

  function launch(name: ProcessName): ChildProcess {
    const log = createWriteStream(path.join(folder, `${name}.log`), { flags: 'a' });
    const flags = ['--disable-warning=ExperimentalWarning'];
    const child = spawn(NODE, [...flags, path.join(import.meta.dirname, FILES[name]!)], {
      cwd: ROOT,
      env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.pipe(log, { end: false });
    child.stderr.pipe(log, { end: false });
    child.once('exit', () => {
      log.end();
      // Killed by a fault: then it is no longer the one that runs.
      if (running.get(name) !== child || stopping) return;
      running.delete(name);
      void delay(AGAIN_MS).then(() => {
        if (!stopping && !running.has(name)) launch(name);
      });
    });
    running.set(name, child);
    return child;
  }

  async function start(name: ProcessName): Promise<void> {
    const child = launch(name);
    await Promise.race([
      once(child.stdout!, 'data'),
      once(child, 'exit'),
      delay(READY_WITHIN_MS, null, { ref: false }),
    ]);
  }

  async function end(name: ProcessName, signal: NodeJS.Signals): Promise<void> {
    const child = running.get(name);
    running.delete(name);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  const all = () => Promise.all(NAMES.filter((name) => !running.has(name)).map(start));
  return {
    names: (role) => NAMES.filter((name) => role === undefined || name.startsWith(`${role}-`)),
    kill: (name) => end(name, 'SIGKILL'),
    start: (name) => start(name),
    async stop(name) {
      const startedAt = performance.now();
      await end(name, 'SIGTERM');
      return (performance.now() - startedAt) / 1_000;
    },
    freeze: (name) => void running.get(name)?.kill('SIGSTOP'),
    thaw: (name) => void running.get(name)?.kill('SIGCONT'),
    ended: () => Promise.reject(new Error('it has no marks')),
    arm: () => {},
    isUp: (name) => running.has(name),
    url: () => '',
    pid: (name) => running.get(name)?.pid ?? 0,
    complaints: () => [],
    async startAll() {
      await all();
    },
    async restore() {
      await all();
    },
    async stopAll() {
      stopping = true;
      await Promise.all([...running.keys()].map((name) => end(name, 'SIGKILL')));
    },
  };
}
