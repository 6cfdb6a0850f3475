/** The product as separate processes, as in production: started, killed, frozen, stopped one by one; their output goes to files of the run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '../../scripts/services/process.ts';
import type { Processes, ProcessName } from './fault.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const NODE = path.join(ROOT, 'node_modules', '.bin', 'node');
const MAIN = path.join(ROOT, 'app', 'main.ts');
/** A process reads three thousand modules; what one has compiled the next need not, and rounds start many. */
const RUNTIME = {
  PATH: process.env['PATH'] ?? '',
  HOME: process.env['HOME'] ?? '',
  NODE_COMPILE_CACHE: path.join(ROOT, '.cache', 'faults-compiled'),
};
/** A process starts in two seconds; a machine that others use as well may take a minute. */
const START_WITHIN_MS = 180_000;
const STOP_WITHIN_MS = 35_000;

export type RoleName = 'producers' | 'web' | 'dispatcher' | 'rules' | 'workers';
/** How many processes of each role. */
export type Topology = Readonly<Record<RoleName, number>>;
/** As few as will do: beside a product of two processes. */
export const LEAST: Topology = { producers: 1, web: 1, dispatcher: 1, rules: 1, workers: 1 };
export const SMALL: Topology = { producers: 1, web: 1, dispatcher: 2, rules: 2, workers: 2 };
export const LARGE: Topology = { producers: 1, web: 1, dispatcher: 2, rules: 3, workers: 4 };

export type Product = Processes & {
  startAll(): Promise<void>;
  /** Starts whatever is down and lets go whatever is frozen: a fault that failed half-way must not spoil the next. */
  restore(): Promise<void>;
  stopAll(): Promise<void>;
  /** Who ended when nobody asked, or did not when asked, since this was last called. */
  complaints(): readonly string[];
  /** Where a process serves HTTP. */
  url(name: ProcessName): string;
  pid(name: ProcessName): number;
};

type Running = {
  readonly child: ChildProcess;
  readonly ended: Promise<string>;
  frozen: boolean;
  /** It is to end: by us, or by a mark. */
  expected: boolean;
};

/**
 * Lets one process, which is given no role and ends at once, write down what it compiled. Node does that at the end: eight that all write the
 * same three thousand files, on a busy machine, do not end for half a minute.
 */
export async function compileProduct(): Promise<void> {
  const child = spawn(NODE, [MAIN], { cwd: ROOT, env: RUNTIME, stdio: 'ignore' });
  await once(child, 'exit');
}

export async function createProduct(
  folder: string,
  env: Readonly<Record<string, string>>,
  topology: Topology,
): Promise<Product> {
  const names = Object.entries(topology).flatMap(([role, count]) =>
    Array.from({ length: count }, (_, at) => `${role}-${at + 1}` as ProcessName),
  );
  const free = await freePorts(names.length);
  const ports = new Map(names.map((name, at) => [name, free[at]!]));
  const running = new Map<ProcessName, Running>();
  const complaints: string[] = [];

  function url(name: ProcessName): string {
    const port = ports.get(name);
    if (port === undefined) throw new RangeError(`there is no process ${name}: ${names.join(', ')}`);
    return `http://127.0.0.1:${port}`;
  }
  function get(name: ProcessName): Running {
    const found = running.get(name);
    if (found === undefined) throw new Error(`${name} does not run`);
    return found;
  }

  function launch(name: ProcessName, more: Readonly<Record<string, string>>): Running {
    const log = createWriteStream(path.join(folder, `${name}.log`), { flags: 'a' });
    const flags = ['--disable-warning=ExperimentalWarning'];
    const child = spawn(NODE, [...flags, MAIN, name.replace(/-\d+$/, '')], {
      cwd: ROOT,
      env: {
        ...RUNTIME,
        ...env,
        ...more,
        PORT: new URL(url(name)).port,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    const ended = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => {
        log.end();
        if (running.get(name)?.child === child) running.delete(name);
        const how = signal ?? String(code);
        if (!started.expected) complaints.push(`${name} ended by itself (${how}); see ${name}.log`);
        resolve(how);
      });
    });
    const started: Running = {
      child,
      ended,
      frozen: false,
      expected: more['ALLIM_MARK'] !== undefined,
    };
    running.set(name, started);
    return started;
  }

  async function ready(name: ProcessName, started: Running): Promise<void> {
    let gone = false;
    void started.ended.then(() => {
      gone = true;
    });
    const deadline = performance.now() + START_WITHIN_MS;
    while (!gone) {
      const answer = await fetch(`${url(name)}/healthz`, { signal: AbortSignal.timeout(2_000) }).catch(
        () => null,
      );
      await answer?.arrayBuffer().catch(() => null);
      if (answer?.ok) return;
      if (performance.now() > deadline)
        throw new Error(`${name} does not answer after ${START_WITHIN_MS / 1000} s; see ${name}.log`);
      await delay(25);
    }
  }

  const product: Product = {
    names: (role) => names.filter((name) => role === undefined || name.startsWith(`${role}-`)),
    url,
    isUp: (name) => running.has(name),
    arm(name, mark) {
      const one = running.get(name);
      if (one?.child.connected !== true) return;
      // Once armed it may have come there before it hears that it need not.
      if (mark !== null) one.expected = true;
      one.child.send({ mark }, () => {});
    },
    pid: (name) => get(name).child.pid!,
    async kill(name) {
      const victim = running.get(name);
      if (victim === undefined) return;
      victim.expected = true;
      victim.child.kill('SIGKILL');
      await victim.ended;
    },
    async start(name, more = {}) {
      await ready(name, running.get(name) ?? launch(name, more));
    },
    async stop(name) {
      const victim = get(name);
      const startedAt = performance.now();
      victim.expected = true;
      if (victim.frozen) product.thaw(name);
      victim.child.kill('SIGTERM');
      const late = setTimeout(() => {
        complaints.push(`${name} did not end within ${STOP_WITHIN_MS / 1000} s of SIGTERM`);
        victim.child.kill('SIGKILL');
      }, STOP_WITHIN_MS);
      await victim.ended;
      clearTimeout(late);
      return (performance.now() - startedAt) / 1000;
    },
    freeze(name) {
      const one = get(name);
      one.frozen = true;
      one.child.kill('SIGSTOP');
    },
    thaw(name) {
      const one = running.get(name);
      if (one === undefined) return;
      one.frozen = false;
      one.child.kill('SIGCONT');
    },
    async ended(name, withinMs) {
      const one = running.get(name);
      if (one === undefined) return 'already';
      const how = await Promise.race([one.ended, delay(withinMs, null, { ref: false })]);
      if (how === null) throw new Error(`${name} did not end by itself within ${withinMs} ms`);
      return how;
    },
    async startAll() {
      // The first one migrates; the others would only wait for it.
      const [first, ...others] = names;
      await ready(first!, launch(first!, {}));
      const rest = others.map((name) => ({ name, started: launch(name, {}) }));
      for (const { name, started } of rest) await ready(name, started);
      await product.restore();
    },
    async restore() {
      await Promise.all(
        names.map(async (name) => {
          if (running.get(name)?.frozen) product.thaw(name);
          if (!running.has(name)) await product.start(name);
          if (!running.has(name)) throw new Error(`${name} does not stay up: ${await tail(folder, name)}`);
        }),
      );
    },
    async stopAll() {
      await Promise.all([...running.keys()].map((name) => product.stop(name)));
    },
    complaints: () => complaints.splice(0),
  };
  return product;
}

async function tail(folder: string, name: string): Promise<string> {
  const text = await readFile(path.join(folder, `${name}.log`), 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-3).join('\n');
}
