/**
 * Answers what staff ask of the shards of this process: how many, who, what is missing, what two rules share, why one citizen. Each answer
 * stands for one offset of its shard, and names it. It waits for nobody and holds up nobody (steady-scan.ts); it writes nothing, shows no id,
 * and hides no count: whoever asks for people does that (web/api/shown-counts.ts).
 */
import type { WorkingDays } from '../../domain/timeline.ts';
import { WORKING_DAYS } from '../../domain/working-days.ts';
import type { Fields } from '../catalogue.ts';
import { planned, plannedParts } from '../compile/columns.ts';
import { decidingFields } from '../compile/deciding.ts';
import type { Step } from '../compile/planes.ts';
import { BLOCK_WORDS } from '../population/columns.ts';
import type { Population } from '../population/population.ts';
import { REACHES } from '../population/reachable.ts';
import { explain } from '../say/explanation.ts';
import { everybodyOf } from './everybody.ts';
import { type BlockTally, cellAt, type Dimension, tally } from './groups.ts';
import type { ProcessAnswer, Question, SampleRow, SetCounts, SetName, ShardAnswer } from './question.ts';
import { headOf } from './question-head.ts';
import { type Tree, treeOf } from './question-tree.ts';
import type { Shard } from './shard.ts';
import { emptySketch, mixAll, sketchBytes } from './sketch.ts';
import { type ReadBlock, steadyScan } from './steady-scan.ts';
import { answerTargets } from './targets.ts';

export type QuestionParts = {
  readonly fields: Fields;
  /** The shards held here that have caught up. */
  readonly shards: () => readonly Shard[];
  readonly partitions: () => number;
  /** Of a citizen's id, the same for one agency's questions. */
  readonly pseudonym: (agency: string, id: string) => string;
  readonly calendar?: WorkingDays;
};

type BlockAnswer = {
  readonly sets: readonly (BlockTally | null)[];
  readonly missing: Uint16Array | null;
};
type Reading = {
  readonly names: readonly SetName[];
  readonly dimensions: readonly Dimension[];
  readonly missing: () => readonly string[];
  readonly plan: () => ReadBlock<BlockAnswer>;
};

/** Shard after shard. Gives up where `signal` is aborted: whoever asked has left, or asks something else by now. */
export async function answerQuestion(
  question: Question,
  parts: QuestionParts,
  signal: AbortSignal,
): Promise<ProcessAnswer> {
  const pause = async (): Promise<void> => {
    await new Promise((resume) => setImmediate(resume));
    signal.throwIfAborted();
  };
  const trees = treesOf(question, parts.fields, parts.calendar ?? WORKING_DAYS);
  const shards: ShardAnswer[] = [];
  for (const shard of parts.shards()) {
    await pause();
    shards.push(await ofShard(question, trees, shard, parts, pause));
  }
  return { partitions: parts.partitions(), shards };
}

function treesOf(question: Question, fields: Fields, calendar: WorkingDays): readonly Tree[] {
  return question.kind === 'pair'
    ? [treeOf(question.first, fields, calendar), treeOf(question.second, fields, calendar)]
    : [treeOf(question.asked, fields, calendar)];
}

async function ofShard(
  question: Question,
  trees: readonly Tree[],
  shard: Shard,
  parts: QuestionParts,
  pause: () => Promise<void>,
): Promise<ShardAnswer> {
  const calendar = parts.calendar ?? WORKING_DAYS;
  if (question.kind === 'citizen') return ofCitizen(question, trees[0]!, shard, calendar);
  if (question.kind === 'targets') return answerTargets(question, trees[0]!, shard, calendar, pause);
  const { population } = shard;
  const reading =
    question.kind === 'pair'
      ? pairReading(trees, population, calendar)
      : audienceReading(question, trees[0]!, population, calendar);
  return steadyScan(population, reading.plan, pause, (blocks) => ({
    ...headOf(shard),
    ...summed(blocks, reading, population),
    sample:
      question.kind === 'audience' && question.sample > 0
        ? sampled(blocks, reading, population, question.sample, (id) =>
            parts.pseudonym(question.asked.agency, id),
          )
        : [],
  }));
}

/** A plan's planes in buffers that its next block writes over. */
function certainAndPossible(
  tree: Tree,
  population: Population,
  calendar: WorkingDays,
): (block: number) => [certain: Uint32Array, possible: Uint32Array] {
  return planesOf(planned(tree.lowered, population, tree.given, calendar), population);
}

function planesOf(
  step: Step,
  population: Population,
): (block: number) => [certain: Uint32Array, possible: Uint32Array] {
  const yes = new Uint32Array(BLOCK_WORDS);
  const no = new Uint32Array(BLOCK_WORDS);
  return (block) => {
    step(block, yes, no);
    const alive = population.live[block]!;
    for (let w = 0; w < BLOCK_WORDS; w++) {
      no[w] = alive[w]! & ~yes[w]! & ~no[w]!;
      yes[w]! &= alive[w]!;
    }
    return [yes, no];
  };
}

function audienceReading(
  { detail, sample }: { readonly detail: boolean; readonly sample: number },
  tree: Tree,
  population: Population,
  calendar: WorkingDays,
): Reading {
  // Whole where a shard has one block, one of each where it has many.
  const keep = Math.ceil(sample / Math.max(1, population.live.length));
  const everybody = detail ? everybodyOf(population, tree.given.asOf, keep) : undefined;
  const dimensions = everybody?.dimensions ?? [];
  const tallied = (block: number, plane: Uint32Array): BlockTally | null =>
    everybody?.tally(block, plane) ?? tally(population, dimensions, block, plane, keep);
  let names: readonly string[] = [];
  return {
    names: ['certain', 'possible'],
    dimensions,
    missing: () => names,
    plan() {
      const stepOf = plannedParts(population, tree.given, calendar);
      const bothOf = planesOf(stepOf(tree.lowered), population);
      const deciding = detail ? decidingFields(tree.lowered, population, stepOf) : undefined;
      names = deciding?.names ?? [];
      return (block) => {
        const [certain, possible] = bothOf(block);
        const sets = [certain, possible].map((plane) => tallied(block, plane));
        if (deciding === undefined || sets[1] === null) return { sets, missing: null };
        const missing = new Uint16Array(names.length);
        deciding.count(block, possible, missing);
        return { sets, missing };
      };
    },
  };
}

function pairReading(trees: readonly Tree[], population: Population, calendar: WorkingDays): Reading {
  const told = (tree: Tree) => {
    const planesOf = certainAndPossible(tree, population, calendar);
    return (block: number): Uint32Array => {
      const [certain, possible] = planesOf(block);
      if (tree.reachesPossible) for (let w = 0; w < BLOCK_WORDS; w++) certain[w]! |= possible[w]!;
      return certain;
    };
  };
  const planes = () => {
    const [first, second] = [told(trees[0]!), told(trees[1]!)];
    return (block: number): readonly Uint32Array[] => {
      const [a, b] = [first(block), second(block)];
      const alive = population.live[block]!;
      return [
        a.map((word, w) => word & b[w]!),
        a.map((word, w) => word & ~b[w]!),
        b.map((word, w) => word & ~a[w]!),
        alive.map((word, w) => word & ~a[w]! & ~b[w]!),
      ];
    };
  };
  return {
    names: ['both', 'onlyFirst', 'onlySecond', 'neither'],
    dimensions: [],
    missing: () => [],
    plan() {
      const planesOf = planes();
      return (block) => ({
        sets: planesOf(block).map((plane) => tally(population, [], block, plane)),
        missing: null,
      });
    },
  };
}

function summed(
  blocks: readonly BlockAnswer[],
  reading: Reading,
  population: Population,
): Pick<ShardAnswer, 'sets' | 'missing'> {
  const sets = reading.names.map((name, at): [SetName, SetCounts] => [
    name,
    sumOf(
      blocks.flatMap(({ sets }) => sets[at] ?? []),
      reading.dimensions,
      population,
    ),
  ]);
  const missing = reading
    .missing()
    .map((name, at): [string, number] => [
      name,
      blocks.reduce((sum, block) => sum + (block.missing?.[at] ?? 0), 0),
    ]);
  return { sets: Object.fromEntries(sets), missing: Object.fromEntries(missing) };
}

function sumOf(
  tallies: readonly BlockTally[],
  dimensions: readonly Dimension[],
  population: Population,
): SetCounts {
  const sketch = emptySketch();
  const reaches = new Float64Array(REACHES);
  const cells = dimensions.map((dimension) => new Float64Array(dimension.cells.length));
  let count = 0;
  for (const one of tallies) {
    count += one.count;
    mixAll(sketch, one.sketch);
    addAll(reaches, one.reaches);
    one.cells.forEach((counts, at) => {
      addAll(cells[at]!, counts);
    });
  }
  return {
    count,
    cells: Object.fromEntries(
      // Cells that nobody is in stand there too, or their absence would tell.
      dimensions.map(({ name, cells: names }, at) => [name, { names, counts: Array.from(cells[at]!) }]),
    ),
    reaches: population.reachable.asOfMs === null ? null : Array.from(reaches),
    sketch: sketchBytes(sketch).toString('base64'),
  };
}

function addAll(sums: Float64Array, counts: Uint16Array): void {
  for (let at = 0; at < counts.length; at++) sums[at]! += counts[at]!;
}

/** Some of the matched, from all over the shard: of what the blocks kept, those with the smallest marks. */
function sampled(
  blocks: readonly BlockAnswer[],
  { names, dimensions }: Reading,
  population: Population,
  limit: number,
  pseudonym: (id: string) => string,
): SampleRow[] {
  const { marks } = population;
  const kept = names.flatMap((name, at) =>
    blocks.flatMap(({ sets }) =>
      (sets[at]?.lowest ?? []).map((slot) => ({ slot, mark: marks.of(slot), certain: name === 'certain' })),
    ),
  );
  return kept
    .sort((a, b) => a.mark - b.mark)
    .slice(0, limit)
    .map(({ slot, certain }) => ({
      pseudonym: pseudonym(population.idOf(slot)),
      certain,
      cells: Object.fromEntries(dimensions.map((one) => [one.name, cellAt(one, slot)])),
    }));
}

function ofCitizen(
  question: Extract<Question, { kind: 'citizen' }>,
  tree: Tree,
  shard: Shard,
  calendar: WorkingDays,
): ShardAnswer {
  const { population } = shard;
  const slot = population.slotOf(question.citizen);
  const overlay = population.overlayOf(question.citizen);
  return {
    ...headOf(shard),
    sets: {},
    missing: {},
    sample: [],
    explanation:
      slot === undefined
        ? null
        : explain(
            tree.condition,
            {
              layout: population.layout,
              given: tree.given,
              calendar,
              profile: population.profileAt(slot),
              disputed: new Set(overlay?.disputed),
              deceased: overlay?.deceased ?? null,
            },
            question.language,
          ),
  };
}
