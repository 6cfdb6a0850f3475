/** The roles as processes of their own, as in production: started, killed without warning, started again, stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const ROOT = path.join(import.meta.dirname, '..', '..');
const NODE = path.join(ROOT, 'node_modules', '.bin', 'node');

/** Two of the workers, one of each other role. */
export const PROCESSES = ['producers', 'dispatcher', 'rules', 'workers-1', 'workers-2', 'web'] as const;
export type ProcessName = (typeof PROCESSES)[number];

export type Processes = {
  start(): Promise<void>;
  /** kill -9, and started again after `downMs`. */
  kill(name: ProcessName, downMs: number): Promise<void>;
  /** Ends all of them as `stop` does and starts them again, with these settings beside the others. */
  restart(settings: Readonly<Record<string, string>>): Promise<void>;
  /** SIGTERM, then patience. Says who did not end by itself. */
  stop(): Promise<readonly string[]>;
};

export function createProcesses(
  folder: string,
  given: Readonly<Record<string, string>>,
  ports: Readonly<Partial<Record<ProcessName, number>>>,
): Processes {
  const running = new Map<ProcessName, ChildProcess>();
  const died: string[] = [];
  let stopping = false;
  let env = given;

  function launch(name: ProcessName): void {
    const log = createWriteStream(path.join(folder, `${name}.log`), { flags: 'a' });
    const child = spawn(NODE, [path.join(ROOT, 'app', 'main.ts'), name.replace(/-\d$/, '')], {
      cwd: ROOT,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: process.env['HOME'] ?? '',
        ...env,
        PORT: String(ports[name] ?? 0),
        ALLIM_LOG_LEVEL: 'info',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    child.on('exit', (code, signal) => {
      if (!stopping && signal !== 'SIGKILL') died.push(`${name} ended by itself (${code ?? signal})`);
    });
    running.set(name, child);
  }

  async function ready(name: ProcessName): Promise<void> {
    const port = ports[name];
    if (port === undefined) return;
    const deadline = performance.now() + 60_000;
    for (;;) {
      const answer = await fetch(`http://127.0.0.1:${port}/healthz`).catch(() => null);
      if (answer?.ok) return;
      if (performance.now() > deadline) throw new Error(`${name} does not answer; see its log in ${folder}`);
      await delay(50);
    }
  }

  async function start(): Promise<void> {
    for (const name of PROCESSES) {
      launch(name);
      // The first one migrates; the others would only wait for it.
      if (name === 'producers') await ready(name);
    }
    for (const name of PROCESSES) await ready(name);
  }

  /** Says in `died` who had to be killed. */
  async function end(): Promise<void> {
    stopping = true;
    await Promise.all(
      [...running].map(async ([name, child]) => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        const ended = await Promise.race([gone.then(() => true), delay(20_000, false, { ref: false })]);
        if (ended) return;
        died.push(`${name} did not stop within 20 s of SIGTERM`);
        child.kill('SIGKILL');
        await gone;
      }),
    );
  }

  return {
    start,
    async restart(settings) {
      await end();
      env = { ...env, ...settings };
      stopping = false;
      await start();
    },
    async kill(name, downMs) {
      const child = running.get(name);
      if (child === undefined) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
      await delay(downMs);
      if (!stopping) launch(name);
    },
    async stop() {
      await end();
      return died;
    },
  };
}
