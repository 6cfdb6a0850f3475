/**
 * `npm run faults -- --product bullmq [--faults …] [--notices N] [--write-docs]`: the same faults, inputs, servers, sinks and oracle for
 * notices on bare BullMQ and for the product, each with one process that takes events in and one that sends, all waiting times as they
 * ship (pace 1). Only what both can do is asked: one notice an event, no rules, corrections or reminders.
 *
 * What it is not: a judgement of BullMQ, which promises at-least-once for jobs and leaves the rest to whoever builds on it. It shows what
 * building on its defaults alone, and on those of kafkajs, leaves open.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { dayOf } from '../../../domain/clock.ts';
import type { Comparison } from '../../../scripts/docs/bullmq.ts';
import { writeDocuments } from '../../../scripts/docs.ts';
import { chooseFaults } from '../faults.ts';
import { type Installation, type InstallationOptions, startInstallation } from '../installation.ts';
import { LEAST } from '../product.ts';
import { type RoundResult, runRound } from '../round.ts';
import { machine } from '../written.ts';
import { startRawInstallation } from './installation.ts';

const ROOT = path.join(import.meta.dirname, '..', '..', '..');
const COMPARED = 'kill-workers,kill-dispatcher,redis-flushed,redis-full,redis-killed';

export async function compareWithBullmq(options: {
  readonly folder: string;
  readonly seed: number;
  readonly notices: number;
  readonly faults: string;
  readonly writeDocs: boolean;
  readonly keep: boolean;
  readonly say: (line: string) => void;
  /** Told what runs, for whoever is interrupted. */
  readonly using: (installation: Installation | undefined) => void;
}): Promise<boolean> {
  const { folder, seed, notices, say } = options;
  const wanted = options.faults === 'all' ? COMPARED : options.faults;
  const faults = chooseFaults(wanted);
  const run = async (name: string, start: (with_: InstallationOptions) => Promise<Installation>) => {
    const place = path.join(folder, name);
    await mkdir(place, { recursive: true });
    const installation = await start({
      folder: path.join(place, `${path.basename(folder)}-${name}`),
      seed,
      notices,
      pace: 1,
      brokers: 1,
      topology: LEAST,
      smsBy: 'smpp',
      plain: true,
      say: (line) => say(`${name}: ${line}`),
    });
    options.using(installation);
    const results: RoundResult[] = [];
    try {
      for (const fault of faults) results.push(await runRound(installation, fault, notices));
    } finally {
      await installation.stop();
      options.using(undefined);
    }
    return results;
  };
  const bullmq = await run('bullmq', startRawInstallation);
  const allim = await run('allim', startInstallation);
  const command = `npm run faults -- --product bullmq --seed ${seed} --notices ${notices}${options.faults === 'all' ? '' : ` --faults ${options.faults}`}`;
  const comparison: Comparison = {
    command,
    machine: machine(),
    day: dayOf(Date.now()),
    rounds: faults.map((fault, at) => ({
      fault: fault.name,
      does: fault.does,
      expected: allim[at]!.verdict?.expected ?? 0,
      bullmq: figures(bullmq[at]!),
      allim: figures(allim[at]!),
    })),
  };
  if (options.writeDocs) {
    await writeFile(path.join(ROOT, 'docs', 'bullmq.json'), `${JSON.stringify(comparison, null, 2)}\n`);
    writeDocuments();
  }
  const holds = allim.every(({ complaints }) => complaints.length === 0);
  if (holds && !options.keep) await rm(folder, { recursive: true, force: true });
  process.stdout.write(`${JSON.stringify(comparison)}\n`);
  return holds;
}

function figures({ verdict, recoveryS, complaints }: RoundResult): Comparison['rounds'][number]['allim'] {
  if (verdict === null) throw new Error('a round was not judged');
  const { push, email, sms } = verdict.repeated;
  return {
    lost: verdict.lost + verdict.left,
    copies: push + email + sms,
    unflagged: verdict.unflagged,
    seconds: Number(recoveryS.toFixed(1)),
    stuck: complaints.some((line) => /had not arrived|not idle/.test(line)),
  };
}
