/**
 * Which missing fields keep a condition from being decided, for those of a block for whom it is only possible. A field decides for a citizen
 * where it is missing and stands in a leaf that is unknown, under nothing that has settled the matter: giving it could change the answer.
 * Only blocks with possible citizens are looked at, and what judged them is asked for what it found.
 */
import type { Field } from '../catalogue.ts';
import { fieldsOf } from '../language.ts';
import type { Lowered } from '../lower/lowered.ts';
import { BLOCK_WORDS } from '../population/columns.ts';
import type { Population } from '../population/population.ts';
import { ones } from './columns.ts';
import { known, type Step } from './planes.ts';

/** What stands in the place of a field where the event's data is what is missing. */
export const OF_EVENT = 'event';

type Look = (block: number, mask: Uint32Array) => void;

/** Counts, by name, the possible citizens of a block for whom a field decides, each once a field. `possible` is the block's plane. */
export type Deciding = {
  readonly names: readonly string[];
  count(block: number, possible: Uint32Array, into: Uint16Array): void;
};

/** `stepOf` judges any node of the condition (columns.ts, `plannedParts`). */
export function decidingFields(
  condition: Lowered,
  population: Population,
  stepOf: (node: Lowered) => Step,
): Deciding {
  const found = new Map<string, Uint32Array>();
  const planeOf = (name: string): Uint32Array => {
    const plane = found.get(name) ?? new Uint32Array(BLOCK_WORDS);
    found.set(name, plane);
    return plane;
  };
  const look = lookOf(condition, { population, stepOf, planeOf });
  return {
    names: [...found.keys()],
    count(block, possible, into) {
      for (const plane of found.values()) plane.fill(0);
      look(block, possible);
      [...found.values()].forEach((plane, at) => {
        let sum = 0;
        for (let w = 0; w < BLOCK_WORDS; w++) sum += ones(plane[w]!);
        into[at] = sum;
      });
    },
  };
}

type Parts = {
  readonly population: Population;
  readonly stepOf: (node: Lowered) => Step;
  readonly planeOf: (name: string) => Uint32Array;
};

/** `mask`: those for whom the node above is unknown, and could be settled by this one. */
function lookOf(node: Lowered, parts: Parts): Look {
  switch (node.kind) {
    case 'constant': {
      if (!Number.isNaN(node.truth)) return () => {};
      const plane = parts.planeOf(OF_EVENT);
      return (_, mask) => add(plane, mask);
    }
    case 'and':
    case 'or':
      return each(node.of, parts);
    case 'choice':
      return each([node.when, node.then, node.otherwise], parts);
    default:
      return leaf(fieldsIn(node), parts);
  }
}

/** What is unknown above has no part that settles it, so whatever is unknown below could. */
function each(nodes: readonly Lowered[], parts: Parts): Look {
  const looks = nodes.map((node) => ({ step: parts.stepOf(node), look: lookOf(node, parts) }));
  const yes = new Uint32Array(BLOCK_WORDS);
  const no = new Uint32Array(BLOCK_WORDS);
  const unknown = looks.map(() => new Uint32Array(BLOCK_WORDS));
  return (block, mask) => {
    looks.forEach(({ step, look }, at) => {
      const inner = unknown[at]!;
      step(block, yes, no);
      let any = 0;
      for (let w = 0; w < BLOCK_WORDS; w++) any |= inner[w] = mask[w]! & ~yes[w]! & ~no[w]!;
      if (any !== 0) look(block, inner);
    });
  };
}

function leaf(fields: readonly Field[], { population, planeOf }: Parts): Look {
  const there = new Uint32Array(BLOCK_WORDS);
  const absent = new Uint32Array(BLOCK_WORDS);
  const looks = fields.map((field) => ({
    plane: planeOf(field.name),
    // Of a list that is there something of an item is missing.
    step: field.type === 'list' ? undefined : known(population.column(field)),
  }));
  return (block, mask) => {
    for (const { plane, step } of looks) {
      if (step === undefined) add(plane, mask);
      else {
        step(block, there, absent);
        for (let w = 0; w < BLOCK_WORDS; w++) plane[w]! |= mask[w]! & absent[w]!;
      }
    }
  };
}

function add(plane: Uint32Array, mask: Uint32Array): void {
  for (let w = 0; w < BLOCK_WORDS; w++) plane[w]! |= mask[w]!;
}

function fieldsIn(node: Lowered): readonly Field[] {
  switch (node.kind) {
    case 'list':
      return [node.list];
    case 'slot':
      return [...fieldsOf(node.node)];
    case 'range':
    case 'span':
    case 'table':
    case 'texts':
    case 'known':
      return [node.field];
    default:
      return [];
  }
}
