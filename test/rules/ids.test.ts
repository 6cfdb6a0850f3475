import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BLOCK_SLOTS } from '../../rules/population/columns.ts';
import { Ids } from '../../rules/population/ids.ts';
import { sortSlots } from '../../rules/population/sort-slots.ts';

function idsOf(texts: readonly string[]): Ids {
  const ids = new Ids();
  texts.forEach((text, slot) => {
    if (slot % BLOCK_SLOTS === 0) ids.grow();
    ids.put(text, slot);
  });
  return ids;
}
const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Few of them, so that they are put, found and removed again and again; alike, long, wide, and beyond the basic plane. */
const someId = fc.oneof(
  fc.integer({ min: 0, max: 30 }).map((n) => `c-${n}`),
  fc.integer({ min: 0, max: 3 }).map((n) => `${'가'.repeat(63)}${n}`),
  fc.constantFrom('a', 'aa', '😀', '\uffee', 'é', 'c-', 'x'.repeat(64)),
);

describe('ids', () => {
  test('are found, named and forgotten as in a Map', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(someId, fc.boolean()), { maxLength: 200 }), (steps) => {
        const ids = new Ids();
        ids.grow();
        const slots = new Map<string, number>();
        const free = Array.from({ length: 300 }, (_, slot) => slot);
        for (const [id, stays] of steps) {
          const slot = slots.get(id);
          expect(ids.slotOf(id)).toBe(slot);
          if (stays && slot === undefined) {
            slots.set(id, free.pop()!);
            ids.put(id, slots.get(id)!);
          } else if (!stays) {
            expect(ids.remove(id)).toBe(slot);
            slots.delete(id);
            if (slot !== undefined) free.unshift(slot);
          }
        }
        expect(ids.size).toBe(slots.size);
        for (const [id, slot] of slots) expect([ids.idOf(slot), ids.slotOf(id)]).toEqual([id, slot]);
      }),
    );
  });

  test('of thousands stay apart while half of them go', () => {
    const texts = Array.from({ length: 30_000 }, (_, at) => `c-${(at * 7_919) % 30_000}`);
    const ids = idsOf(texts);
    texts.forEach((text, slot) => {
      if (slot % 2 === 0) expect(ids.remove(text)).toBe(slot);
    });
    expect(texts.filter((text, slot) => ids.slotOf(text) !== (slot % 2 === 0 ? undefined : slot))).toEqual(
      [],
    );
    expect(ids.size).toBe(15_000);
  });

  test.each(['', '\0', 'c\0', 'c-1\0', '\ud800', 'x\udc00', 'x'.repeat(193), '가'.repeat(65)])(
    '%j is nobody',
    (id) => {
      const ids = idsOf(['c', 'c-1', '\ufffd', 'x\ufffd']);
      expect(ids.slotOf(id)).toBeUndefined();
      expect(ids.remove(id)).toBeUndefined();
      expect(() => ids.put(id, 5)).toThrow(RangeError);
      expect(ids.size).toBe(4);
    },
  );

  test('leave nothing behind', () => {
    const ids = idsOf(['secret-person', 'other']);
    ids.remove('secret-person');
    expect(ids.blocks[0]!.includes('secret')).toBe(false);
  });

  test('sort by their bytes, whatever they have in common', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(
          fc.oneof(
            someId,
            fc.string({ minLength: 1, maxLength: 20 }).filter((t) => !t.includes('\0')),
          ),
          {
            maxLength: 300,
          },
        ),
        (texts) => {
          const ids = idsOf(texts);
          const slots = Int32Array.from(texts.keys());
          for (const _ of sortSlots(slots, ids));
          expect(Array.from(slots, (slot) => texts[slot])).toEqual(texts.toSorted(byBytes));
        },
      ),
    );
    const many = Array.from({ length: 20_000 }, (_, at) => `citizen-${((at * 7_919) % 20_000) * 100_003}`);
    const slots = Int32Array.from(many.keys());
    for (const _ of sortSlots(slots, idsOf(many)));
    expect(Array.from(slots, (slot) => many[slot])).toEqual(many.toSorted(byBytes));
  });
});
