/** The table of promises and the list of faults belong together: every fault tries a promise, and every promise is tried. */
import { expect, test } from '@jest/globals';
import { means, PROMISES } from '../../scripts/docs/promises.ts';
import { FAULTS } from './faults.ts';

test('every fault tries a promise', () => {
  const words = PROMISES.flatMap(({ faults }) => faults);
  expect(FAULTS.filter((fault) => !words.some((word) => means(word, fault))).map(({ name }) => name)).toEqual(
    [],
  );
});

/** A group may have none where somebody lists fewer. */
test('every name in a promise is that of a fault', () => {
  const empty = PROMISES.flatMap(({ faults }) => faults).filter(
    (word) => !word.startsWith('group:') && !FAULTS.some((fault) => means(word, fault)),
  );
  expect(empty).toEqual([]);
});
