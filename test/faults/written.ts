/** Writes a run down: docs/faults.json holds the last of each seed, and the documents what follows from it (scripts/docs.ts). */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { dayOf } from '../../domain/clock.ts';
import type { Run } from '../../scripts/docs/promises.ts';
import { ROOT, writeDocuments } from '../../scripts/docs.ts';
import type { Fault } from './fault.ts';
import type { RoundResult } from './round.ts';

const FILE = path.join(ROOT, 'docs', 'faults.json');

/** The machine, as documents name it. */
export function machine(): string {
  return `${os.cpus().length} × ${os.cpus()[0]?.model ?? 'unknown'}, ${Math.round(os.totalmem() / 2 ** 30)} GB, Node ${process.versions.node}`;
}

/** Rounds of this run take the place of the same faults' under the same seed, so that one fault can be run again without the others. */
export function writeDown(
  run: Pick<Run, 'seed' | 'command' | 'pace' | 'unavailable'>,
  seconds: number,
  faults: readonly Fault[],
  results: readonly RoundResult[],
): readonly string[] {
  const known = existsSync(FILE) ? (JSON.parse(readFileSync(FILE, 'utf8')) as readonly Run[]) : [];
  const before = known.find(({ seed }) => seed === run.seed);
  const fresh = results.flatMap(({ fault: name, verdict, complaints, recoveryS }): Run['rounds'] => {
    const fault = faults.find((one) => one.name === name);
    if (fault === undefined || verdict === null) return [];
    const { expected, lost, left, doubled, unflagged, repeated } = verdict;
    return [
      {
        fault: name,
        group: fault.group,
        does: fault.does,
        expected,
        lost: lost + verdict.inboxMissing,
        left,
        unexpected: verdict.unexpected + verdict.inboxUnexpected + verdict.inboxDoubled,
        doubled,
        copies: repeated.push + repeated.email + repeated.sms,
        unflagged,
        seconds: Number(recoveryS.toFixed(1)),
        complaints,
      },
    ];
  });
  const replaced = new Set(fresh.map(({ fault }) => fault));
  const all = [...(before?.rounds.filter(({ fault }) => !replaced.has(fault)) ?? []), ...fresh];
  const order = new Map(faults.map(({ name }, at) => [name, at]));
  // What is listed no more has no place.
  const rounds = all
    .filter(({ fault }) => order.has(fault))
    .sort((a, b) => order.get(a.fault)! - order.get(b.fault)!);
  const one: Run = {
    ...run,
    machine: machine(),
    day: dayOf(Date.now()),
    minutes: Number((seconds / 60).toFixed(1)),
    holds: rounds.every(({ complaints }) => complaints.length === 0),
    rounds,
  };
  const runs = [...known.filter(({ seed }) => seed !== run.seed), one].sort((a, b) => a.seed - b.seed);
  writeFileSync(FILE, `${JSON.stringify(runs, null, 1)}\n`);
  return writeDocuments();
}
