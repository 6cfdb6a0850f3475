import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { armMark, disarmMark, MARKS, mark } from '../../domain/marks.ts';
import { paced, setPace } from '../../domain/pace.ts';

describe('marked points', () => {
  test('nothing happens where nothing is armed', () => {
    expect(() => mark('plan:committed')).not.toThrow();
  });

  test('an armed point is hit the n-th time that it is reached, once, and no other is', () => {
    let hits = 0;
    armMark('plan:committed', 2, () => hits++);
    mark('plan:committed');
    mark('plan:before-commit');
    expect(hits).toBe(0);
    mark('plan:committed');
    mark('plan:committed');
    expect(hits).toBe(1);
  });

  test('a point that is no longer armed is not hit', () => {
    let hits = 0;
    armMark('plan:committed', 1, () => hits++);
    disarmMark();
    mark('plan:committed');
    expect(hits).toBe(0);
  });

  test('every name stands at some point of the product, and every point has a name', () => {
    const root = path.join(import.meta.dirname, '..', '..');
    const parts = ['broker', 'dispatcher', 'producers', 'queue', 'rules', 'store', 'web', 'workers'];
    const found = new Set<string>();
    for (const part of parts)
      for (const file of readdirSync(path.join(root, part), { recursive: true, encoding: 'utf8' }))
        if (file.endsWith('.ts'))
          for (const [, name] of readFileSync(path.join(root, part, file), 'utf8').matchAll(
            /\bmark\('([^']+)'\)/g,
          ))
            found.add(name!);
    expect([...found].sort()).toEqual([...MARKS].sort());
  });
});

test('a pace is a factor over waiting times, never down to nothing', () => {
  expect(paced(10_000)).toBe(10_000);
  setPace(0.1);
  expect([paced(10_000), paced(1)]).toEqual([1_000, 1]);
  setPace(1);
  for (const wrong of [0, -1, 2, Number.NaN]) expect(() => setPace(wrong)).toThrow(RangeError);
});
