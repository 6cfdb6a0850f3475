/**
 * `npm run faults [-- --seed N] [--faults all|a,b|group:kafka] [--notices N] [--pace P] [--brokers 1|3] [--large] [--keep] [--json] [--list] [--write-docs]`,
 * with `--mixture [--minutes N]` three faults a round, drawn from the chosen ones, until `--notices` in all, with `--figures recovery|throughput`, with `--product bullmq` (raw-bullmq/compare.ts):
 * breaks a running system in every way that is listed, one after the other, under load, and counts what is lost and what is doubled. Real Kafka,
 * Redis, Postgres and sinks behind wires of ours, the product as separate processes, an oracle that shares no code with it. The last line is
 * one JSON object. Exit code 0 when all holds, 1 when not, 2 for a wrong command line. The evidence stays where it does not hold.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { Fault } from './fault.ts';
import { chooseFaults, FAULTS } from './faults.ts';
import { FIGURES } from './figures.ts';
import { type Installation, startInstallation } from './installation.ts';
import { mixtures } from './mixture.ts';
import { LARGE, SMALL } from './product.ts';
import { compareWithBullmq } from './raw-bullmq/compare.ts';
import { type RoundResult, runRound } from './round.ts';
import type { SmsBy } from './sinks.ts';
import { writeDown } from './written.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    faults: { type: 'string', default: 'all' },
    notices: { type: 'string' },
    notifications: { type: 'string' },
    pace: { type: 'string', default: '0.2' },
    brokers: { type: 'string' },
    mixture: { type: 'boolean', default: false },
    minutes: { type: 'string' },
    figures: { type: 'string' },
    sms: { type: 'string', default: 'smpp' },
    large: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    product: { type: 'string', default: 'allim' },
    'write-docs': { type: 'boolean', default: false },
  },
});

function refuse(what: string): never {
  process.stderr.write(`faults: ${what}\n`);
  process.exit(2);
}
function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) refuse(`--${name} takes a whole number from ${least}`);
  return value;
}
const seed = whole('seed', values.seed, 0);
const notices = whole('notices', values.notices ?? values.notifications ?? '5000', 50);
// What a kill costs is asked at production's own times.
const pace = values.figures === undefined ? Number(values.pace) : 1;
if (!(pace > 0 && pace <= 1)) refuse('--pace takes a number above 0 and at most 1');
if (values.brokers !== undefined && !['1', '3'].includes(values.brokers)) refuse('--brokers takes 1 or 3');

const minutes = Number(values.minutes ?? Number.POSITIVE_INFINITY);
if (!(minutes > 0)) refuse('--minutes takes a number above 0');
const figuresOf = values.figures === undefined ? undefined : FIGURES[values.figures];
if (values.figures !== undefined && figuresOf === undefined)
  refuse(`--figures takes ${Object.keys(FIGURES).join(' or ')}`);
if (!['smpp', 'gateway'].includes(values.sms)) refuse('--sms takes smpp or gateway');
const smsBy = values.sms as SmsBy;
/** Of one round of a mixture. */
const MIXTURE_NOTICES = 5_000;
if (!['allim', 'bullmq'].includes(values.product)) refuse('--product takes allim or bullmq');

const startedAt = performance.now();
/** With --json only the last line is on standard output. */
function say(line: string): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
  (values.json ? process.stderr : process.stdout).write(`${seconds} s  ${line}\n`);
}

type Run = {
  readonly results: RoundResult[];
  readonly unavailable: string[];
  readonly remarks: string[];
  readonly figures: Record<string, number>;
};

let current: Installation | undefined;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    if (interrupted) process.exit(130);
    interrupted = true;
    say(`${signal}: ending what was started`);
    void current?.stop().finally(() => process.exit(130));
    if (current === undefined) process.exit(130);
  });

async function throughOne(folder: string, brokers: 1 | 3, faults: readonly Fault[], run: Run): Promise<void> {
  await mkdir(folder, { recursive: true });
  const topology = values.large || brokers === 3 ? LARGE : SMALL;
  const size = values.mixture ? Math.min(notices, MIXTURE_NOTICES) : notices;
  const installation = await startInstallation({
    folder,
    seed,
    notices: size,
    pace,
    brokers,
    topology,
    smsBy,
    say,
  });
  current = installation;
  try {
    if (figuresOf !== undefined) {
      const { results, figures } = await figuresOf(installation);
      run.results.push(...results);
      Object.assign(run.figures, figures);
      return;
    }
    if (values.mixture) return await throughMixture(installation, faults, size, run);
    for (const fault of faults) {
      if (interrupted) break;
      const why = await fault.unavailable?.();
      if (why !== undefined) {
        run.unavailable.push(`${fault.name}: ${why}`);
        say(`${fault.name}: cannot be had here: ${why}`);
        continue;
      }
      run.results.push(await oneRound(installation, fault, notices * (fault.notices ?? 1)));
    }
  } finally {
    run.remarks.push(...(await installation.stop()));
    current = undefined;
  }
}

async function oneRound(installation: Installation, fault: Fault, size: number): Promise<RoundResult> {
  const result = await runRound(installation, fault, Math.max(50, Math.round(size)));
  if (result.complaints.length > 0)
    await writeFile(
      path.join(installation.folder, `${fault.name.replaceAll(':', '-')}.json`),
      JSON.stringify(result, null, 2),
    );
  return result;
}

/** The night: rounds of three faults each, until everything is said or the time is over. */
async function throughMixture(
  installation: Installation,
  faults: readonly Fault[],
  size: number,
  run: Run,
): Promise<void> {
  const usable: Fault[] = [];
  for (const fault of faults) if ((await fault.unavailable?.()) === undefined) usable.push(fault);
  const until = performance.now() + minutes * 60_000;
  let left = notices;
  for (const fault of mixtures(seed, usable)) {
    if (left <= 0 || performance.now() > until || interrupted) return;
    run.results.push(await oneRound(installation, fault, Math.min(size, left)));
    left -= size;
  }
}

function commandFor(names: readonly string[]): string {
  if (values.figures !== undefined) return `npm run faults -- --seed ${seed} --figures ${values.figures}`;
  if (values.mixture)
    return `npm run faults -- --seed ${seed} --mixture --faults ${values.faults} --notices ${notices} --pace ${pace}`;
  return `npm run faults -- --seed ${seed} --faults ${names.join(',')} --notices ${notices} --pace ${pace}${values.brokers === undefined ? '' : ` --brokers ${values.brokers}`}${values.large ? ' --large' : ''}${values.sms === 'smpp' ? '' : ` --sms ${values.sms}`}`;
}

async function main(): Promise<boolean> {
  if (values.product === 'bullmq')
    return compareWithBullmq({
      folder: path.join(ROOT, '.cache', `faults-${process.pid}`),
      seed,
      notices,
      faults: values.faults,
      writeDocs: values['write-docs'],
      keep: values.keep,
      say,
      using(installation) {
        current = installation;
      },
    });
  let chosen: readonly Fault[];
  try {
    chosen = chooseFaults(values.faults);
  } catch (error) {
    return refuse((error as Error).message);
  }
  if (values.list) {
    for (const { name, group, does, brokers } of chosen)
      process.stdout.write(`${group}\t${name}\t${does}${brokers === 3 ? ' (three brokers)' : ''}\n`);
    return true;
  }
  say(
    `seed ${seed}, ${chosen.length} of ${FAULTS.length} faults, ${notices} notices each, pace ${pace}, text messages by ${smsBy}`,
  );
  const base = path.join(ROOT, '.cache', `faults-${process.pid}`);
  const run: Run = { results: [], unavailable: [], remarks: [], figures: {} };
  let crashed = false;
  // Figures and mixtures need one installation: that with one broker, unless three are asked for.
  const alone = figuresOf !== undefined || values.mixture ? Number(values.brokers ?? 1) : undefined;
  for (const brokers of [1, 3] as const) {
    if (alone !== undefined && alone !== brokers) continue;
    const faults = chosen.filter((fault) => Number(values.brokers ?? fault.brokers ?? 1) === brokers);
    if (faults.length === 0 || interrupted) continue;
    await throughOne(path.join(base, `${path.basename(base)}-${brokers}`), brokers, faults, run).catch(
      (error: Error) => {
        crashed = true;
        say(`the run broke off: ${error.stack ?? error.message}`);
      },
    );
  }
  const { results, unavailable, remarks } = run;
  const failed = results.filter(({ complaints }) => complaints.length > 0);
  const holds = failed.length === 0 && remarks.length === 0 && !crashed && results.length > 0;
  for (const remark of remarks) say(`WRONG: ${remark}`);
  if (!holds) {
    say(`DOES NOT HOLD; evidence in ${path.relative(process.cwd(), base)}`);
    if (failed.length > 0) say(`again: ${commandFor(failed.map(({ fault }) => fault))}`);
  }
  if (holds && !values.keep) await rm(base, { recursive: true, force: true });
  const sum = (of: (verdict: NonNullable<RoundResult['verdict']>) => number) =>
    results.reduce((total, { verdict }) => total + (verdict === null ? 0 : of(verdict)), 0);
  const last = {
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
    ...(figuresOf === undefined ? {} : { figures: run.figures }),
    failed: failed.map(({ fault }) => fault),
    unavailable,
    holds,
  };
  if (values['write-docs'] && figuresOf === undefined && !values.mixture) {
    const command = `npm run faults -- --seed ${seed} --faults ${values.faults} --notices ${notices} --pace ${pace}`;
    for (const file of writeDown({ seed, command, pace, unavailable }, last.seconds, FAULTS, results))
      say(`${file} written`);
  }
  process.stdout.write(`${JSON.stringify(last)}\n`);
  return holds;
}

process.exit((await main()) ? 0 : 1);
