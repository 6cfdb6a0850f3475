/**
 * From items to citizens: the planes of a condition over all items of a shard, reduced to planes over its citizens. The items of a citizen
 * stand side by side, at most 20, so theirs are bits of one word. Hot: branch-free, and only for citizens who have items.
 */
import { BLOCK_WORDS } from '../population/codes.ts';
import { COUNT_BITS, COUNT_MASK, type HeadBlock } from '../population/heads.ts';
import type { ListColumn } from '../population/lists.ts';
import { negated, type Step } from './planes.ts';

/**
 * `some`: true where the body is true of an item, false where it is false of all or there are none; `all`: true where it is true of all
 * and there are some, false where it is false of one or there are none. Unknown else, and where the list is.
 */
export function reduced(list: ListColumn, op: 'some' | 'all', body: Step): Step {
  const emptyFails = op === 'all';
  // `all` is that no item fails: its planes are read the other way round.
  const items = emptyFails ? negated(body) : body;
  const of = judgedLate(list, items);
  const filled = new Uint32Array(BLOCK_WORDS);
  if (!emptyFails)
    return (block, citizenYes, citizenNo) => {
      reduceBlock(list.heads.blocks[block]!, of, filled, citizenYes, citizenNo);
    };
  return (block, citizenYes, citizenNo) => {
    const heads = list.heads.blocks[block]!;
    reduceBlock(heads, of, filled, citizenNo, citizenYes);
    for (let w = 0; w < BLOCK_WORDS; w++) {
      const empty = heads.known[w]! & ~filled[w]!;
      citizenYes[w]! &= ~empty;
      citizenNo[w]! |= empty;
    }
  };
}

/** Planes of all items; those around a word hold once `need` was called for it. */
type OfItems = { readonly yes: Uint32Array; readonly no: Uint32Array; need(word: number): void };

/** Judges a block of items when somebody's stand in it: of a few citizens few are looked at. */
function judgedLate(list: ListColumn, items: Step): OfItems {
  // Room for the second word that a citizen's bits are taken from, even where there are no items.
  const yes = new Uint32Array(list.live.length * BLOCK_WORDS + 2);
  const no = new Uint32Array(list.live.length * BLOCK_WORDS + 2);
  const judged = new Uint8Array(list.live.length);
  const judge = (block: number): void => {
    if (block >= judged.length || judged[block] === 1) return;
    const at = block * BLOCK_WORDS;
    items(block, yes.subarray(at, at + BLOCK_WORDS), no.subarray(at, at + BLOCK_WORDS));
    judged[block] = 1;
  };
  return {
    yes,
    no,
    need(word) {
      judge(Math.floor(word / BLOCK_WORDS));
      judge(Math.floor((word + 1) / BLOCK_WORDS));
    },
  };
}

function reduceBlock(
  { known, slots, heads, count }: HeadBlock,
  of: OfItems,
  filled: Uint32Array,
  citizenYes: Uint32Array,
  citizenNo: Uint32Array,
): void {
  const { yes, no } = of;
  let needed = -1;
  citizenYes.fill(0);
  // False until an item is not.
  citizenNo.set(known);
  filled.fill(0);
  for (let entry = 0; entry < count; entry++) {
    const at = slots[entry]!;
    const place = heads[entry]! - 1;
    const first = place >>> COUNT_BITS;
    const mask = (1 << (place & COUNT_MASK)) - 1;
    const word = first >>> 5;
    const shift = first & 31;
    if (word !== needed) of.need(word);
    needed = word;
    // Two steps, because a shift by 32 is a shift by none.
    const found = ((yes[word]! >>> shift) | ((yes[word + 1]! << 1) << (31 - shift))) & mask;
    const lacking = ((no[word]! >>> shift) | ((no[word + 1]! << 1) << (31 - shift))) & mask;
    citizenYes[at >> 5]! |= (-found >>> 31) << (at & 31);
    // All of them false: what is left of the mask is nothing.
    citizenNo[at >> 5]! &= ~((-(lacking ^ mask) >>> 31) << (at & 31));
    filled[at >> 5]! |= 1 << (at & 31);
  }
}

export function listKnown(list: ListColumn): Step {
  return (block, yes, no) => {
    const { known } = list.heads.blocks[block]!;
    for (let w = 0; w < BLOCK_WORDS; w++) {
      yes[w] = known[w]!;
      no[w] = ~known[w]!;
    }
  };
}
