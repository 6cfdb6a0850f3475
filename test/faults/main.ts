/**
 * `npm run faults [-- --seed N] [--faults all|a,b|group:kafka] [--notices N] [--pace P] [--lanes N] [--brokers 1|3] [--large] [--keep] [--json] [--list] [--write-docs]`,
 * with `--mixture [--minutes N]` three faults a round, drawn from the chosen ones, until `--notices` in all, with `--figures recovery|throughput`, with `--product bullmq` (raw-bullmq/compare.ts):
 * breaks running systems in every way that is listed, one after the other in each of a few lanes, under load, and counts what is lost and what is doubled. Real Kafka,
 * Redis, Postgres and sinks behind wires of ours, the product as separate processes, an oracle that shares no code with it. The last line is
 * one JSON object. Exit code 0 when all holds, 1 when not, 2 for a wrong command line. The evidence stays where it does not hold.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { commandFor, readCommandLine, refuse } from './command-line.ts';
import type { Fault } from './fault.ts';
import { chooseFaults, FAULTS } from './faults.ts';
import { FIGURES } from './figures.ts';
import { type Installation, startInstallation } from './installation.ts';
import { throughLanes } from './lanes.ts';
import { clearLeftovers } from './leftovers.ts';
import { gathered } from './mark-rounds.ts';
import { mixtures } from './mixture.ts';
import { phaseText, sumOf } from './phases.ts';
import { LARGE, SMALL } from './product.ts';
import { compareWithBullmq } from './raw-bullmq/compare.ts';
import { type RoundResult, runRound } from './round.ts';
import { writeDown } from './written.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
/** Of one round of a mixture. */
const MIXTURE_NOTICES = 5_000;

const given = readCommandLine();
const { seed, notices, pace, smsBy } = given;
const figuresOf = given.figures === undefined ? undefined : FIGURES[given.figures];
const base = path.join(ROOT, '.cache', `faults-${process.pid}`);

const startedAt = performance.now();
/** With --json only the last line is on standard output. */
function say(line: string): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
  (given.json ? process.stderr : process.stdout).write(`${seconds} s  ${line}\n`);
}

type Run = {
  readonly results: RoundResult[];
  readonly unavailable: string[];
  readonly remarks: string[];
  readonly figures: Record<string, number>;
  /** A lane broke off. */
  crashed: boolean;
};

const current = new Set<Installation>();
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    if (interrupted) process.exit(130);
    interrupted = true;
    say(`${signal}: ending what was started`);
    void Promise.allSettled([...current].map((one) => one.stop())).then(() => process.exit(130));
  });

async function start(name: string, size: number, brokers: 1 | 3, prefix: string): Promise<Installation> {
  const folder = path.join(base, `${path.basename(base)}-${name}`);
  await mkdir(folder, { recursive: true });
  const installation = await startInstallation({
    folder,
    seed,
    notices: size,
    pace,
    brokers,
    topology: given.large || brokers === 3 ? LARGE : SMALL,
    smsBy,
    say: (line) => say(`${prefix}${line}`),
  });
  current.add(installation);
  return installation;
}

async function end(installation: Installation, run: Run): Promise<void> {
  run.remarks.push(...(await installation.stop()));
  current.delete(installation);
}

async function oneRound(installation: Installation, fault: Fault, size: number, run: Run): Promise<void> {
  const result = await runRound(installation, fault, Math.max(50, Math.round(size)));
  if (result.complaints.length > 0)
    await writeFile(
      path.join(installation.folder, `${fault.name.replaceAll(/[:+]/g, '-')}.json`),
      JSON.stringify(result, null, 2),
    );
  // The verdict of a round is the verdict on each of its faults.
  for (const { name } of fault.members ?? [fault]) run.results.push({ ...result, fault: name });
}

/** The night: rounds of three faults each, until everything is said or the time is over. */
async function throughMixture(
  installation: Installation,
  faults: readonly Fault[],
  size: number,
  run: Run,
): Promise<void> {
  const until = performance.now() + given.minutes * 60_000;
  let left = notices;
  for (const fault of mixtures(seed, faults)) {
    if (left <= 0 || performance.now() > until || interrupted) return;
    await oneRound(installation, fault, Math.min(size, left), run);
    left -= size;
  }
}

/** Figures and mixtures need one installation: that with one broker, unless three are asked for. */
async function throughOne(faults: readonly Fault[], run: Run): Promise<void> {
  const size = given.mixture ? Math.min(notices, MIXTURE_NOTICES) : notices;
  const brokers = given.brokers ?? 1;
  const installation = await start(String(brokers), size, brokers, '');
  try {
    if (figuresOf === undefined) return await throughMixture(installation, faults, size, run);
    const { results, figures } = await figuresOf(installation);
    run.results.push(...results);
    Object.assign(run.figures, figures);
  } finally {
    await end(installation, run);
  }
}

async function throughList(faults: readonly Fault[], run: Run): Promise<void> {
  const several = given.lanes > 1 && faults.length > 1;
  await throughLanes({
    lanes: given.lanes,
    faults: gathered(faults),
    brokersOf: (fault) => given.brokers ?? fault.brokers ?? 1,
    start: (lane, brokers) => start(`${lane}-${brokers}`, notices, brokers, several ? `${lane} | ` : ''),
    round: (installation, fault) => oneRound(installation, fault, notices * (fault.notices ?? 1), run),
    end: (installation) => end(installation, run),
    brokeOff(lane, error) {
      run.crashed = true;
      say(`lane ${lane} broke off: ${error.stack ?? error.message}`);
    },
    over: () => interrupted,
  });
  const order = new Map(faults.map(({ name }, at) => [name, at]));
  run.results.sort((a, b) => order.get(a.fault)! - order.get(b.fault)!);
}

/** Those that can be had here; why not, of the others. */
async function available(chosen: readonly Fault[], run: Run): Promise<readonly Fault[]> {
  const faults: Fault[] = [];
  for (const fault of chosen) {
    const why = await fault.unavailable?.();
    if (why === undefined) faults.push(fault);
    else {
      run.unavailable.push(`${fault.name}: ${why}`);
      say(`${fault.name}: cannot be had here: ${why}`);
    }
  }
  return faults;
}

function lastLine({ results, unavailable, figures }: Run, holds: boolean) {
  const failed = results.filter(({ complaints }) => complaints.length > 0);
  // Several faults may share a round: its notices are counted once.
  const verdicts = new Set(results.flatMap(({ verdict }) => verdict ?? []));
  const sum = (of: (verdict: NonNullable<RoundResult['verdict']>) => number) =>
    [...verdicts].reduce((total, verdict) => total + of(verdict), 0);
  return {
    seed,
    faults: results.length,
    expected: sum((v) => v.expected),
    lost: sum((v) => v.lost + v.inboxMissing),
    unexpected: sum((v) => v.unexpected + v.inboxUnexpected + v.inboxDoubled),
    /** What people saw twice where the provider deduplicates. */
    duplicates: sum((v) => v.doubled),
    /** Never arrived, and shown as such in the ledger: nobody knows, and the policy is to leave it. */
    left: sum((v) => v.left),
    ambiguous: sum((v) => v.ambiguous),
    repeated: {
      push: sum((v) => v.repeated.push),
      email: sum((v) => v.repeated.email),
      sms: sum((v) => v.repeated.sms),
    },
    unflagged: sum((v) => v.unflagged),
    recovery_s: Number(Math.max(0, ...results.map(({ recoveryS }) => recoveryS)).toFixed(1)),
    seconds: Math.round((performance.now() - startedAt) / 1000),
    notices,
    pace,
    ...(figuresOf === undefined ? {} : { figures }),
    failed: failed.map(({ fault }) => fault),
    unavailable,
    holds,
  };
}

function compare(): Promise<boolean> {
  return compareWithBullmq({
    folder: base,
    seed,
    notices,
    faults: given.faults,
    writeDocs: given.writeDocs,
    keep: given.keep,
    say,
    using(installation) {
      current.clear();
      if (installation !== undefined) current.add(installation);
    },
  });
}

async function main(): Promise<boolean> {
  let chosen: readonly Fault[];
  try {
    chosen = given.product === 'bullmq' ? [] : chooseFaults(given.faults);
  } catch (error) {
    return refuse((error as Error).message);
  }
  if (given.list) {
    for (const { name, group, does, brokers } of chosen)
      process.stdout.write(`${group}\t${name}\t${does}${brokers === 3 ? ' (three brokers)' : ''}\n`);
    return true;
  }
  await clearLeftovers(say);
  if (given.product === 'bullmq') return compare();
  say(
    `seed ${seed}, ${chosen.length} of ${FAULTS.length} faults, ${notices} notices each, pace ${pace}, text messages by ${smsBy}`,
  );
  const run: Run = { results: [], unavailable: [], remarks: [], figures: {}, crashed: false };
  const faults = await available(chosen, run);
  if (figuresOf === undefined && !given.mixture) await throughList(faults, run);
  else
    await throughOne(faults, run).catch((error: Error) => {
      run.crashed = true;
      say(`the run broke off: ${error.stack ?? error.message}`);
    });
  const { results, remarks, unavailable } = run;
  const failed = results.filter(({ complaints }) => complaints.length > 0);
  const holds = failed.length === 0 && remarks.length === 0 && !run.crashed && results.length > 0;
  for (const remark of remarks) say(`WRONG: ${remark}`);
  const rounds = [...new Set(results.map(({ phases }) => phases))];
  if (rounds.length > 0) say(`${rounds.length} rounds, in all ${phaseText(sumOf(rounds))} s`);
  if (!holds) {
    say(`DOES NOT HOLD; evidence in ${path.relative(process.cwd(), base)}`);
    if (failed.length > 0) say(`again: ${commandFor(given, failed.map(({ fault }) => fault).join(','))}`);
  }
  if (holds && !given.keep) await rm(base, { recursive: true, force: true });
  const last = lastLine(run, holds);
  if (given.writeDocs && figuresOf === undefined && !given.mixture) {
    const command = commandFor(given, given.faults);
    for (const file of writeDown({ seed, command, pace, unavailable }, last.seconds, FAULTS, results))
      say(`${file} written`);
  }
  process.stdout.write(`${JSON.stringify(last)}\n`);
  return holds;
}

process.exit((await main()) ? 0 : 1);
