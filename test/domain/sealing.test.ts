import { describe, expect, test } from '@jest/globals';
import { createSealer, SEAL_BYTES } from '../../domain/sealing.ts';

const index = Buffer.alloc(32, 9);
const [first, second, third] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer];

describe('sealed values', () => {
  test('open under the key that sealed them, also when it is an older one by now', () => {
    const sealed = createSealer(first, index).seal('purpose', 'text');
    expect(sealed).toHaveLength(4 + SEAL_BYTES);
    expect(createSealer(first, index).open('purpose', sealed).toString()).toBe('text');
    expect(createSealer(third, index, [second, first]).open('purpose', sealed).toString()).toBe('text');
    expect(() => createSealer(second, index).open('purpose', sealed)).toThrow('another key');
  });

  test('name their key, and only keys that are here are known', () => {
    const sealer = createSealer(second, index, [first]);
    expect(sealer.seal('p', '').toString('hex', 0, 4)).toBe(sealer.keyId);
    expect(sealer.knows(sealer.keyId)).toBe(true);
    expect(sealer.knows(createSealer(first, index).keyId)).toBe(true);
    expect(sealer.knows(createSealer(third, index).keyId)).toBe(false);
  });

  test('do not open where they were changed, cut or meant for something else', () => {
    const sealer = createSealer(first, index);
    const sealed = sealer.seal('address/sms', '+821012345678');
    expect(() => sealer.open('address/email', sealed)).toThrow();
    for (const at of [5, 20, sealed.length - 1]) {
      const changed = Buffer.from(sealed);
      changed[at]! ^= 1;
      expect(() => sealer.open('address/sms', changed)).toThrow();
    }
    expect(() => sealer.open('address/sms', sealed.subarray(0, SEAL_BYTES - 1))).toThrow('another key');
  });

  test('differ each time, while the index of a value stays', () => {
    const sealer = createSealer(first, index);
    expect(sealer.seal('p', 'x')).not.toEqual(sealer.seal('p', 'x'));
    expect(sealer.index('p', 'x')).toEqual(createSealer(second, index).index('p', 'x'));
  });

  test('keys of another length are refused', () => {
    expect(() => createSealer(first.subarray(1), index)).toThrow(RangeError);
    expect(() => createSealer(first, index, [Buffer.alloc(16)])).toThrow(RangeError);
  });
});
