/**
 * What is promised about delivery, what holds each promise, which faults try it, and what was measured: the table in docs/sending.md, and
 * the last run of each seed in docs/faults.md. Figures come from docs/faults.json, which `npm run faults -- --write-docs` writes.
 */

/** One fault in one run. */
export type Round = {
  readonly fault: string;
  readonly group: string;
  readonly does: string;
  readonly expected: number;
  readonly lost: number;
  /** Never arrived, and the ledger says so. */
  readonly left: number;
  readonly unexpected: number;
  /** Seen twice though the provider deduplicates. */
  readonly doubled: number;
  /** Calls carried out once more. */
  readonly copies: number;
  readonly unflagged: number;
  /** From the end of the fault to the last arrival. */
  readonly seconds: number;
  readonly complaints: readonly string[];
};

export type Run = {
  readonly seed: number;
  readonly command: string;
  readonly machine: string;
  readonly day: string;
  readonly minutes: number;
  readonly pace: number;
  readonly holds: boolean;
  readonly unavailable: readonly string[];
  readonly rounds: readonly Round[];
};

export type Promise_ = {
  readonly promise: string;
  readonly by: string;
  /** Names of faults, or of whole groups with a star: `kill-web`, `redis*` (all of the group), `mark-call*` (all that begin so). */
  readonly faults: readonly string[];
};

export const PROMISES: readonly Promise_[] = [
  {
    promise: 'An acknowledged event is never lost',
    by: 'over HTTP it is committed before the 202, and the relay owes it until Kafka has it; on Kafka its position moves in T1’s transaction',
    faults: [
      'nothing',
      'kill-producers',
      'kill-web',
      'mark:http*',
      'mark:relay*',
      'mark:intake*',
      'group:kafka',
    ],
  },
  {
    promise: 'Whom it concerns is told: every page of one answer is planned, and the counts add up',
    by: 'runs and pages with keys, equations, questions that are repeated, answers at or beyond what was known',
    faults: [
      'kill-rules',
      'kill-all-rules',
      'freeze-rules',
      'kill-dispatcher',
      'kill-all-dispatchers',
      'freeze-dispatcher',
      'rebalances',
      'mark:questions*',
      'mark:answer*',
      'mark:crossing*',
      'mark:plan*',
      'kafka-rebalances',
      'mark:snapshot*',
      'snapshot-torn',
    ],
  },
  {
    promise: 'Nobody is planned twice',
    by: 'ids that are hashes of keys, `told`, obligations locked in T2, fenced positions',
    faults: [
      'kill-dispatcher',
      'kafka-duplicates',
      'kafka-reordered',
      'kafka-rebalances',
      'rebalances',
      'rolling-restart',
      'postgres-cut-at-commit',
      'postgres-deadlocks',
    ],
  },
  {
    promise: 'A call is repeated only where nobody knows how the first ended, and then flagged',
    by: 'sessions and attempts on the row, one look before each call, the table of domain/ambiguity.ts',
    faults: [
      'kill-workers',
      'kill-all-workers',
      'kill-everything',
      'freeze-worker*',
      'uneven-workers',
      'mark:claim*',
      'mark:call*',
      'mark:result*',
      'mark:sweep*',
      'postgres-cut-at-turn',
      'postgres-deaf',
      'postgres-network-gone',
      'clock*',
    ],
  },
  {
    promise: 'What is done, withdrawn, corrected or expired is not sent any more',
    by: 'T1 ends what is unsent, and the claim judges again',
    faults: ['nothing', 'kafka-reordered', 'clock-forward', 'clock-back', 'postgres-lock-held'],
  },
  {
    promise: 'The queue may forget, repeat or refuse whatever it likes',
    by: 'the window is counted in the ledger; batches with generations; what has no job is queued again',
    faults: [
      'group:redis',
      'mark:pump*',
      'mark:requeue*',
      'mark:regroup*',
      'mark:batch*',
      'mark:job*',
      'postgres-cut-at-pump',
    ],
  },
  {
    promise: 'The database may go away at any moment, also between a commit and its answer',
    by: 'one transaction a step; results are said until they are heard; what an answer was lost of is looked for',
    faults: ['group:postgres'],
  },
  {
    promise: 'Providers may refuse, hang and lie: one bad delivery or address costs itself alone',
    by: 'the table of outcomes, retries to the limit of the channel, a fan-out that fails is paused',
    faults: ['group:providers'],
  },
  {
    promise: 'A receipt counts once, never backwards, and a forged one not at all',
    by: 'receipts with keys, the transition table, signatures',
    faults: ['group:receipts'],
  },
  {
    promise: 'An agency that asked is told what became of each notice, at least once and with the same id',
    by: 'reports are written in the statement that ends a delivery, and taken out in order',
    faults: ['mark:status*'],
  },
  {
    promise: 'Who is urgent or quiet does not wait for who is not',
    by: 'lanes with room of their own, agencies in turn',
    faults: ['group:load'],
  },
  {
    promise: 'A machine that is full, torn or out of time costs time and nothing else',
    by: 'times of sessions are the database’s; what cannot be written is not acknowledged; snapshots are checked',
    faults: ['group:machine'],
  },
];

type Named = { readonly name: string; readonly group: string };

/** Whether a word of a promise means this fault. */
export function means(word: string, { name, group }: Named): boolean {
  if (word.startsWith('group:')) return word === `group:${group}`;
  return word.endsWith('*') ? name.startsWith(word.slice(0, -1)) : word === name;
}

const sum = (rounds: readonly Round[], of: (round: Round) => number) =>
  rounds.reduce((total, round) => total + of(round), 0);
const spoken = (n: number) => n.toLocaleString('en');

function measured(promise: Promise_, runs: readonly Run[]): string {
  const rounds = runs
    .flatMap((run) => run.rounds)
    .filter(({ fault, group }) => promise.faults.some((word) => means(word, { name: fault, group })));
  if (rounds.length === 0) return 'not measured yet';
  const left = sum(rounds, (r) => r.left);
  const copies = sum(rounds, (r) => r.copies);
  const unflagged = sum(rounds, (r) => r.unflagged);
  const parts = [
    `${rounds.length} rounds, ${spoken(sum(rounds, (r) => r.expected))} notices`,
    `lost ${sum(rounds, (r) => r.lost)}, unexpected ${sum(rounds, (r) => r.unexpected)}, doubled ${sum(rounds, (r) => r.doubled)}`,
    `${copies} calls repeated${copies === 0 ? '' : `, ${unflagged === 0 ? 'all flagged' : `${unflagged} NOT FLAGGED`}`}`,
    ...(left === 0 ? [] : [`${left} left to a person, as the policy says`]),
    `complete at most ${Math.max(...rounds.map((r) => r.seconds)).toFixed(1)} s after the fault`,
  ];
  return parts.join('; ');
}

export function promisesTable(runs: readonly Run[]): string {
  const rows = PROMISES.map((promise) => {
    const faults = promise.faults.map((word) => `\`${word.replace('group:', '').replace(/\*$/, '…')}\``);
    return `| ${promise.promise} | ${promise.by} | ${faults.join(' ')} | ${measured(promise, runs)} |`;
  });
  const seeds = runs.map((run) => run.seed);
  const head =
    runs.length === 0
      ? 'No run of the whole list has been written down yet.'
      : `Seeds ${seeds.join(', ')}; docs/faults.md has every round. A group in the third column means all of its faults. Outages and the product’s own waiting times ran at ${[...new Set(runs.map((run) => run.pace))].join(', ')} of what they are in production.`;
  return [head, '', '| promise | held by | tried by | measured |', '|---|---|---|---|', ...rows].join('\n');
}

export function faultRuns(runs: readonly Run[]): string {
  if (runs.length === 0) return 'None yet.';
  return runs.map(oneRun).join('\n\n');
}

function oneRun(run: Run): string {
  const rows = run.rounds.map(
    (r) =>
      `| \`${r.fault}\` | ${r.does} | ${r.expected} | ${r.lost}${r.left === 0 ? '' : ` (and ${r.left} left)`} | ${r.unexpected} | ${r.doubled} | ${r.copies}${r.unflagged === 0 ? '' : ` (${r.unflagged} unflagged)`} | ${r.seconds.toFixed(1)} | ${r.complaints.length === 0 ? 'holds' : '**does not hold**'} |`,
  );
  const complaints = run.rounds.flatMap((r) => r.complaints.map((line) => `- \`${r.fault}\`: ${line}`));
  return [
    `## Seed ${run.seed}: ${run.holds ? 'holds' : 'does not hold'}`,
    '',
    `Command: \`${run.command}\`. ${run.machine}, ${run.day}; ${run.minutes.toFixed(1)} minutes at pace ${run.pace}.`,
    '',
    '| fault | does | notices | lost | unexpected | doubled | calls repeated | complete after (s) | |',
    '|---|---|--:|--:|--:|--:|--:|--:|---|',
    ...rows,
    ...(complaints.length === 0 ? [] : ['', ...complaints]),
    ...(run.unavailable.length === 0 ? [] : ['', `Could not be had there: ${run.unavailable.join('; ')}.`]),
  ].join('\n');
}
