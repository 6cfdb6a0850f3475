/**
 * A population as it stood at one position of its topics, as a file (sections.ts). What a snapshot says of itself decides whether it may
 * be used; what it holds is the shard's own arrays, so that reading it back costs what reading a file costs.
 */
import { endianness } from 'node:os';
import type { Sealer } from '../../domain/sealing.ts';
import type { Fields } from '../catalogue.ts';
import { catalogueHash } from './catalogue-hash.ts';
import { Population } from './population.ts';
import { invalid, openSections, writeSections } from './sections.ts';

export type Positions = {
  /** Every record of `citizen-profiles` below it is known. */
  readonly profiles: number;
  /** And of `citizen-overlays`. */
  readonly overlays: number;
};

export type SnapshotFacts = Positions & {
  readonly partition: number;
  readonly partitions: number;
  /** ms since the epoch. */
  readonly takenAt: number;
};

/** Where the topics begin and end now, and when that is. */
export type Bounds = {
  readonly begins: Positions;
  readonly ends: Positions;
  readonly nowMs: number;
};

/** Tombstones may be gone from the topics after fourteen days, and a snapshot would bring back whom they ended. */
const OLDEST_MS = 7 * 86_400_000;
/** By so much clocks may differ. */
const AHEAD_MS = 86_400_000;

const FACTS = ['partition', 'partitions', 'profiles', 'overlays', 'takenAt'] as const;

function factsOf(header: Readonly<Record<string, unknown>>): SnapshotFacts {
  for (const name of FACTS)
    if (!Number.isSafeInteger(header[name])) throw invalid(`the header has no ${name}`);
  return header as SnapshotFacts;
}

function check(
  facts: SnapshotFacts,
  partition: number,
  partitions: number,
  { begins, ends, nowMs }: Bounds,
): void {
  if (facts.partition !== partition) throw invalid(`it is of shard ${facts.partition}`);
  if (facts.partitions !== partitions)
    throw invalid(`it is of ${facts.partitions} partitions, and there are ${partitions}`);
  for (const topic of ['profiles', 'overlays'] as const) {
    if (facts[topic] > ends[topic])
      throw invalid(`it is from position ${facts[topic]} of the ${topic}, which end at ${ends[topic]}`);
    if (facts[topic] < begins[topic])
      throw invalid(`it is from position ${facts[topic]} of the ${topic}, which begin at ${begins[topic]}`);
  }
  const age = nowMs - facts.takenAt;
  if (age > OLDEST_MS) throw invalid('it is older than seven days');
  if (age < -AHEAD_MS) throw invalid('it is from tomorrow');
}

/** The population must be tidy and stay as it is until `written` was called. Returns the file's length. */
export function writeSnapshot(
  target: string,
  population: Population,
  facts: SnapshotFacts,
  options: Parameters<typeof writeSections>[3],
): Promise<number> {
  const header = { catalogue: catalogueHash(population.layout.fields), order: endianness(), ...facts };
  return writeSections(target, header, population.sections(), options);
}

export type Restored = { readonly population: Population; readonly facts: SnapshotFacts };

/** Reads a snapshot back. `snapshot-invalid` says why it cannot be used. */
export async function readSnapshot(
  source: string,
  given: {
    readonly fields: Fields;
    readonly partition: number;
    readonly partitions: number;
    readonly bounds: Bounds;
    readonly sealer: Sealer | null;
  },
): Promise<Restored> {
  const file = await openSections(source, given.sealer);
  try {
    const facts = factsOf(file.header);
    if (file.header['catalogue'] !== catalogueHash(given.fields))
      throw invalid('it is of another field catalogue');
    if (file.header['order'] !== endianness()) throw invalid('it is of a machine with another byte order');
    check(facts, given.partition, given.partitions, given.bounds);
    const population = new Population(given.fields);
    await population.restore(() => file.next());
    await file.end();
    return { population, facts };
  } finally {
    await file.close();
  }
}
