/** What every bench needs: options, medians, a description of the machine, sampling of /proc, and the one line of JSON at the end. */
import { readFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

export type Options = {
  /** A number given as `--name N`, else the default. */
  number(name: string, otherwise: number): number;
  has(name: string): boolean;
};

/** `ratio` above 1 is in our favour. */
export type Report = {
  readonly figures: Readonly<Record<string, number>>;
  /** What was measured beside it in the same run, in its own words. */
  readonly baseline: Readonly<Record<string, number>>;
  readonly ratio: Readonly<Record<string, number>>;
};

export type Bench = (options: Options) => Promise<Report>;

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

export function readOptions(args: readonly string[]): Options {
  return {
    has: (name) => args.includes(`--${name}`),
    number(name, otherwise) {
      const at = args.indexOf(`--${name}`);
      if (at < 0) return otherwise;
      const value = Number(args[at + 1]);
      if (!(Number.isFinite(value) && value > 0))
        throw new Error(`--${name} takes a number above zero, not ${args[at + 1] ?? 'nothing'}`);
      return value;
    },
  };
}

export function machine(): Readonly<Record<string, string | number>> {
  const [first] = cpus();
  return {
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    os: `${process.platform} ${process.arch}`,
    node: process.versions.node,
  };
}

/** The value below which a share of `quantile` lies (nearest rank); NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Three significant digits, or whole numbers above 100: more would claim more than was measured. */
export function round(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

/** Wall clock with fractions of a millisecond: comparable between processes of one machine. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Looks every `everyMs` until `look` says yes; fails after `timeoutMs` with what it was that did not come. */
export async function until(
  what: string,
  look: () => Promise<boolean>,
  { everyMs = 25, timeoutMs = 300_000 } = {},
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${timeoutMs / 1000} s`);
    await delay(everyMs);
  }
}

const TICKS_A_SECOND = 100;

/** CPU that a process and its children that have ended have used, user and system, in seconds. 0 once it is gone. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the command in parentheses and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_A_SECOND;
}

/** Groups of processes by name, for telling apart who used the CPU. */
export type Groups = Readonly<Record<string, readonly number[]>>;

/**
 * Says what `work` cost, in ms of CPU a thousand of `count`, by group. Unlike a rate it hardly depends on what else the machine does.
 */
export async function sayCpu<T>(
  what: string,
  count: number,
  groups: () => Promise<Groups>,
  work: () => Promise<T>,
): Promise<T> {
  const read = async () => {
    const seconds = new Map<string, number>();
    for (const [name, pids] of Object.entries(await groups())) {
      const each = await Promise.all(pids.map(cpuSeconds));
      seconds.set(
        name,
        each.reduce((sum, one) => sum + one, 0),
      );
    }
    return seconds;
  };
  const before = await read();
  const result = await work();
  const parts = [...(await read())].map(([name, seconds]) => ({
    name,
    ms: ((seconds - (before.get(name) ?? 0)) * 1_000_000) / count,
  }));
  const all = parts.reduce((sum, { ms }) => sum + ms, 0);
  say(
    `${what}: CPU ${round(all)} ms a thousand (${parts.map(({ name, ms }) => `${name} ${round(ms)}`).join(', ')})`,
  );
  return result;
}

async function kilobytes(file: string, name: string): Promise<number> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? 0);
}

/** Resident size in MB. */
export async function residentMb(pid: number): Promise<number> {
  return (await kilobytes(`/proc/${pid}/status`, 'VmRSS')) / 1024;
}

/** Proportional size in MB: pages that processes share are counted once between them. */
export async function proportionalMb(pids: readonly number[]): Promise<number> {
  const sizes = await Promise.all(pids.map((pid) => kilobytes(`/proc/${pid}/smaps_rollup`, 'Pss')));
  return sizes.reduce((sum, size) => sum + size, 0) / 1024;
}
