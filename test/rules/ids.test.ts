import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { murmur2 } from '../../domain/murmur2.ts';
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
        for (const [id, slot] of slots) {
          expect([ids.idOf(slot), ids.slotOf(id)]).toEqual([id, slot]);
          expect(ids.hashed(slot, murmur2)).toBe(murmur2(Buffer.from(id)));
        }
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

  test('give room back once everybody came, while others come and go between two steps', () => {
    const texts = Array.from({ length: 40_000 }, (_, at) => `c-${at}`);
    const ids = idsOf(texts);
    const before = ids.bytes;
    let steps = 0;
    for (const _ of ids.tighten()) {
      steps++;
      expect(ids.remove(`c-${steps}`)).toBe(steps);
      ids.put(`new-${steps}`, steps);
    }
    expect(steps).toBeGreaterThan(1);
    expect(ids.bytes).toBeLessThan(before);
    const held = texts.map((text, slot) => (slot > 0 && slot <= steps ? `new-${slot}` : text));
    expect(held.filter((text, slot) => ids.slotOf(text) !== slot)).toEqual([]);
    const fitted = ids.bytes;
    expect([...ids.tighten()]).toEqual([]);
    expect(ids.bytes).toBe(fitted);
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

  test('take what their kind needs, and are read back whatever comes after them', () => {
    const widthOf = (texts: readonly string[]): number => {
      const ids = idsOf(texts);
      expect(texts.map((_, slot) => ids.idOf(slot))).toEqual(texts);
      expect(texts.map((text) => ids.slotOf(text))).toEqual(texts.map((_, slot) => slot));
      return Math.floor(ids.blocks[0]!.length / BLOCK_SLOTS);
    };
    const many = (of: (at: number) => string): string[] => Array.from({ length: 3_000 }, (_, at) => of(at));
    const base32 = (at: number): string =>
      `c-${(at * 2_654_435_761 + 1e12)
        .toString(32)
        .replaceAll(/[01890]/g, 'z')
        .replaceAll(
          /[^a-z2-7]/g,
          'y',
        )}${at.toString(2).replaceAll('0', 'a').replaceAll('1', 'b').padStart(12, 'a')}`.slice(0, 22);
    expect(widthOf(many((at) => `c${String(at).padStart(7, '0')}`))).toBeLessThanOrEqual(4);
    expect(widthOf(many(base32))).toBeLessThanOrEqual(13);
    const kinds = many((at) => ['é', 'A-b_', `${at}`, `c-${at}`, '가'.repeat(40)][at % 5]! + String(at));
    expect(widthOf(kinds)).toBeLessThanOrEqual(192);
  });

  test('leave nothing behind', () => {
    const ids = idsOf(['secret-person', 'other']);
    expect(ids.blocks[0]!.some((byte) => byte !== 0)).toBe(true);
    ids.remove('secret-person');
    ids.remove('other');
    expect(ids.blocks[0]!.every((byte) => byte === 0)).toBe(true);
    expect([ids.idOf(0), ids.byteAt(0, 0), ids.isHeld(0)]).toEqual(['', 0, false]);
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
