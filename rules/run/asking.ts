/**
 * Asks every rules process and adds up what their shards say. Waits for none beyond the deadline: what has not answered by then is named, and
 * the whole is partial. Where two processes answer for one shard, as in a rebalance, the one that knows more counts.
 */
import { AllimError, messageOf } from '../../domain/errors.ts';
import type { Logger } from '../../domain/logger.ts';
import type { Sealer } from '../../domain/sealing.ts';
import { REACHES } from '../population/reachable.ts';
import type { Explanation } from '../say/explanation.ts';
import type {
  CellCounts,
  ProcessAnswer,
  Question,
  SampleRow,
  SetCounts,
  SetName,
  ShardAnswer,
} from './question.ts';
import {
  QUESTION_PATH,
  type Reply,
  SEALED_ANSWER,
  SEALED_QUESTION,
  type SealedQuestion,
} from './question-server.ts';
import { emptySketch, mixAll, type Sketch, sketchOf } from './sketch.ts';

export type WholeSet = {
  readonly count: number;
  /** Dimension → cell → citizens. */
  readonly cells: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** null where a shard does not know yet which channels lead to its citizens. */
  readonly reaches: readonly number[] | null;
  readonly sketch: Sketch;
};

export type WholeAnswer = {
  readonly sets: Readonly<Partial<Record<SetName, WholeSet>>>;
  readonly missing: Readonly<Record<string, number>>;
  readonly sample: readonly SampleRow[];
  readonly citizens: number;
  /** By shard: the answer counts every profile below it; null for those that did not answer. */
  readonly offsets: readonly (number | null)[];
  /** The same of disputes and deaths. */
  readonly overlayOffsets: readonly (number | null)[];
  /** The oldest of the shards'. */
  readonly reachAtMs: number | null;
  /** Some shard did not answer: counts are at least what they say. */
  readonly partial: boolean;
  /** undefined: nobody was asked about. null: nobody of that id is known to those who answered. */
  readonly explanation: Explanation | null | undefined;
};

export type Asking = (question: Question, options?: AskOptions) => Promise<WholeAnswer>;
export type AskOptions = { readonly signal?: AbortSignal; readonly deadlineMs?: number };

export type AskingParts = {
  /** Where the processes take questions, and how many shards there are in all. */
  readonly processes: () => Promise<{ readonly urls: readonly string[]; readonly shards: number }>;
  readonly sealer: Sealer;
  readonly clock: { nowMs(): number };
  readonly logger: Logger;
};

export const DEADLINE_MS = 2_000;

/**
 * Throws `shards-unavailable` where no shard answered, what a process found wrong with the question (`rule-invalid`, `request-invalid`), and
 * the reason of `signal` where that is aborted.
 */
export function createAsking(parts: AskingParts): Asking {
  return async (question, { signal, deadlineMs = DEADLINE_MS } = {}) => {
    const { urls, shards } = await parts.processes();
    const asked: SealedQuestion = { askedAtMs: parts.clock.nowMs(), question };
    const body = new Uint8Array(parts.sealer.seal(SEALED_QUESTION, JSON.stringify(asked)));
    const late = AbortSignal.timeout(deadlineMs);
    const until = signal === undefined ? late : AbortSignal.any([late, signal]);
    const replies = await Promise.allSettled(urls.map((url) => askOne(url, body, parts.sealer, until)));
    signal?.throwIfAborted();
    const answers: ProcessAnswer[] = [];
    for (const reply of replies) {
      if (reply.status === 'rejected') {
        parts.logger.warn({ error: messageOf(reply.reason) }, 'a rules process did not answer a question');
        continue;
      }
      if ('answer' in reply.value) answers.push(reply.value.answer);
      else {
        const { code, message, faults } = reply.value.error;
        throw new AllimError(code, message, { faults });
      }
    }
    return together(answers, shards);
  };
}

async function askOne(
  url: string,
  body: Uint8Array<ArrayBuffer>,
  sealer: Sealer,
  signal: AbortSignal,
): Promise<Reply> {
  const response = await fetch(`${url}${QUESTION_PATH}`, { method: 'POST', body, signal });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) throw new Error(`a rules process answered ${response.status}`);
  return JSON.parse(sealer.open(SEALED_ANSWER, bytes).toString('utf8')) as Reply;
}

function together(answers: readonly ProcessAnswer[], shards: number): WholeAnswer {
  const best = new Map<number, ShardAnswer>();
  for (const one of answers.flatMap((answer) => answer.shards))
    if ((best.get(one.shard)?.offset ?? -1) < one.offset) best.set(one.shard, one);
  const found = [...best.values()];
  if (found.length === 0)
    throw new AllimError('shards-unavailable', 'no shard answered; ask again in a moment');
  const known = Math.max(shards, ...answers.map((answer) => answer.partitions));
  const explanations = found.flatMap(({ explanation }) => (explanation === undefined ? [] : [explanation]));
  return {
    sets: sumSets(found),
    missing: sumRecords(found.map(({ missing }) => missing)),
    sample: found.flatMap(({ sample }) => sample),
    citizens: found.reduce((sum, { citizens }) => sum + citizens, 0),
    offsets: Array.from({ length: known }, (_, shard) => best.get(shard)?.offset ?? null),
    overlayOffsets: Array.from({ length: known }, (_, shard) => best.get(shard)?.overlayOffset ?? null),
    reachAtMs: found.some(({ reachAtMs }) => reachAtMs === null)
      ? null
      : Math.min(...found.map(({ reachAtMs }) => reachAtMs!)),
    partial: found.length < known,
    explanation: explanations.length === 0 ? undefined : (explanations.find((one) => one !== null) ?? null),
  };
}

function sumSets(found: readonly ShardAnswer[]): Partial<Record<SetName, WholeSet>> {
  const names = Object.keys(found[0]!.sets) as SetName[];
  return Object.fromEntries(names.map((name) => [name, sumSet(found.map(({ sets }) => sets[name]!))]));
}

function sumSet(sets: readonly SetCounts[]): WholeSet {
  const sketch = emptySketch();
  for (const one of sets) mixAll(sketch, sketchOf(Buffer.from(one.sketch, 'base64')));
  const reaches = sets.map((one) => one.reaches);
  const dimensions = Object.keys(sets[0]!.cells);
  return {
    count: sets.reduce((sum, { count }) => sum + count, 0),
    sketch,
    reaches: reaches.includes(null)
      ? null
      : Array.from({ length: REACHES }, (_, bits) => reaches.reduce((sum, one) => sum + one![bits]!, 0)),
    cells: Object.fromEntries(
      dimensions.map((name) => [name, sumCells(sets.flatMap(({ cells }) => cells[name] ?? []))]),
    ),
  };
}

function sumCells(cells: readonly CellCounts[]): Record<string, number> {
  const sums = new Map<string, number>();
  for (const { names, counts } of cells)
    names.forEach((name, at) => {
      sums.set(name, (sums.get(name) ?? 0) + counts[at]!);
    });
  return Object.fromEntries(sums);
}

function sumRecords(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  return sumCells(records.map((record) => ({ names: Object.keys(record), counts: Object.values(record) })));
}
