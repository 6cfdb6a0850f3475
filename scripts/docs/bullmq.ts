/** The comparison with bare BullMQ as the README shows it, from docs/bullmq.json (test/faults/raw-bullmq/compare.ts). */

type Compared = {
  readonly lost: number;
  /** Copies beyond the first. */
  readonly copies: number;
  readonly unflagged: number;
  /** From the end of the fault until the last that ever came. */
  readonly seconds: number;
  /** What the run complained of beyond what is counted: not idle, a share that never came. */
  readonly stuck: boolean;
};

export type Comparison = {
  readonly command: string;
  readonly machine: string;
  readonly day: string;
  readonly rounds: readonly {
    readonly fault: string;
    readonly does: string;
    readonly expected: number;
    readonly bullmq: Compared;
    readonly allim: Compared;
  }[];
};

const cell = ({ lost, copies, unflagged, seconds }: Compared) =>
  `${lost} | ${copies}${copies === 0 || unflagged > 0 ? '' : ' (flagged)'} | ${seconds.toFixed(0)} s`;

export function comparisonTable(comparison: Comparison | null): string {
  if (comparison === null) return 'Not measured yet.';
  const { command, machine, day, rounds } = comparison;
  return [
    '| fault | notices | BullMQ: lost | sent again | complete after | Allim: lost | sent again | complete after |',
    '|---|--:|--:|--:|--:|--:|--:|--:|',
    ...rounds.map((r) => `| ${r.does} | ${r.expected} | ${cell(r.bullmq)} | ${cell(r.allim)} |`),
    '',
    `\`${command}\` (${machine}, ${day}).`,
  ].join('\n');
}
