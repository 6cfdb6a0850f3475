/** Starts the processes that a bench drives and talks to them over Node's IPC. */
import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import type { NewRecord } from '../broker/broker.ts';

export type Child = {
  readonly pid: number;
  /** Sends a message, waits for `{ done: NAME }` and gives what that has as `told`. */
  ask(message: { readonly do: string } & Readonly<Record<string, unknown>>): Promise<unknown>;
  /** Waits for a message of the child's own accord. */
  hear(name: string): Promise<unknown>;
  exit(): Promise<void>;
};

export type ChildOptions = {
  readonly env: Readonly<Record<string, string>>;
  /** Folder for a CPU profile, written when the process exits. */
  readonly profile?: string | undefined;
  /** Names the profile. */
  readonly name?: string;
};

type Answer = { readonly done?: string; readonly told?: unknown; readonly failed?: string };

/** Forks a file of this folder and waits until it says that it is ready. */
export async function start(
  file: string,
  args: readonly (string | number)[],
  options: ChildOptions,
): Promise<Child> {
  const name = options.name ?? path.basename(file, '.ts');
  const profiling =
    options.profile === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`, `--cpu-prof-name=${name}.cpuprofile`];
  const env = { ...process.env, ...options.env };
  // As scripts/bootstrap.mjs starts processes, this one too: with less memory where the database is the bundled one.
  const flags = process.execArgv.filter((flag) => !env['DATABASE_URL'] || !flag.includes('semi-space'));
  const child: ChildProcess = fork(path.join(import.meta.dirname, file), args.map(String), {
    env,
    execArgv: [...flags, ...profiling],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    serialization: 'advanced',
  });
  const heard = new Map<string, unknown[]>();
  const waiting: { name: string; resolve: (told: unknown) => void; reject: (error: Error) => void }[] = [];
  const settle = () => {
    for (const waiter of [...waiting]) {
      const answers = heard.get(waiter.name);
      if (answers === undefined || answers.length === 0) continue;
      waiting.splice(waiting.indexOf(waiter), 1);
      waiter.resolve(answers.shift());
    }
  };
  const fail = (error: Error) => {
    for (const waiter of waiting.splice(0)) waiter.reject(error);
  };
  child.on('message', (message: Answer) => {
    if (message.failed !== undefined) fail(new Error(`${name}: ${message.failed}`));
    if (message.done === undefined) return;
    const answers = heard.get(message.done) ?? [];
    heard.set(message.done, answers);
    answers.push(message.told);
    settle();
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      fail(new Error(`${name} ended (${signal ?? code})`));
      resolve();
    });
  });
  const hear = (what: string) =>
    new Promise<unknown>((resolve, reject) => {
      waiting.push({ name: what, resolve, reject });
      settle();
      if (child.exitCode !== null) fail(new Error(`${name} ended (${child.exitCode})`));
    });
  await hear('ready');
  return {
    pid: child.pid!,
    hear,
    ask: (message) => {
      const answered = hear(message.do);
      child.send(message);
      return answered;
    },
    async exit() {
      if (child.exitCode === null && child.connected) child.send({ do: 'exit' });
      await exited;
    },
  };
}

export type RoleOptions = ChildOptions & {
  /** Rows of one claim. */
  readonly claim?: number;
  /** Takes `<delivery> <ms>` of each call to a provider. */
  readonly record?: string;
};

/** A process of bench/role.ts; its roles are not started yet. */
export function startRoles(names: readonly string[], options: RoleOptions): Promise<Child> {
  const { claim = 100, record } = options;
  return start('role.ts', [names.join(','), claim, ...(record === undefined ? [] : [record])], {
    name: names.join('-'),
    ...options,
  });
}

export async function append(child: Child, topic: string, records: readonly NewRecord[]): Promise<void> {
  await child.ask({ do: 'append', topic, records });
}
