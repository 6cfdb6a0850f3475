import { describe, expect, test } from '@jest/globals';
import { createCombine } from '../../domain/combine.ts';

/** Groups as they were begun, each ended by hand. */
function recorder(options: { width: number; limit: number }) {
  const begun: { jobs: readonly number[]; end(): void; fail(error: Error): void }[] = [];
  const combine = createCombine<number>({
    ...options,
    weight: (job) => job,
    run(jobs) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      begun.push({ jobs, end: resolve, fail: reject });
      return promise;
    },
  });
  return { begun, combine, groups: () => begun.map(({ jobs }) => jobs) };
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('work of several partitions in one transaction', () => {
  test('begins at once, and what comes meanwhile goes together', async () => {
    const { begun, combine, groups } = recorder({ width: 1, limit: 100 });
    const all = Promise.all([combine(1), combine(2), combine(3)]);
    expect(groups()).toEqual([[1]]);
    begun[0]!.end();
    await turn();
    expect(groups()).toEqual([[1], [2, 3]]);
    begun[1]!.end();
    await all;
  });

  test('never more at a time than allowed', async () => {
    const { begun, combine, groups } = recorder({ width: 2, limit: 1 });
    const all = Promise.all([1, 1, 1].map(combine));
    expect(begun).toHaveLength(2);
    begun[1]!.end();
    await turn();
    expect(begun).toHaveLength(3);
    for (const { end } of begun) end();
    await all;
    expect(groups()).toEqual([[1], [1], [1]]);
  });

  test('a group stays within its limit, and what is heavier alone goes alone', async () => {
    const { begun, combine, groups } = recorder({ width: 1, limit: 10 });
    const all = Promise.all([1, 6, 4, 1, 50, 2].map(combine));
    for (let at = 0; at < 4; at++) {
      begun[at]!.end();
      await turn();
    }
    begun[4]?.end();
    await all;
    expect(groups()).toEqual([[1], [6, 4], [1], [50], [2]]);
  });

  test('where a group fails each of it is done alone, and only the one at fault is rejected', async () => {
    const { begun, combine, groups } = recorder({ width: 1, limit: 100 });
    const first = combine(1);
    const [good, bad, last] = [combine(2), combine(3), combine(4)];
    const rejected = expect(bad).rejects.toThrow('is bad');
    begun[0]!.end();
    await first;
    await turn();
    begun[1]!.fail(new Error('one of them is bad'));
    await turn();
    begun[2]!.end();
    await good;
    await turn();
    begun[3]!.fail(new Error('is bad'));
    await rejected;
    await turn();
    begun[4]!.end();
    await last;
    expect(groups()).toEqual([[1], [2, 3, 4], [2], [3], [4]]);
  });

  test('apart: a flood goes one group after the other, and what others have goes beside it', async () => {
    const begun: { jobs: readonly string[]; end(): void }[] = [];
    const combine = createCombine<string>({
      width: 2,
      limit: 2,
      apart: true,
      weight: () => 1,
      queueOf: (job) => job[0]!,
      run(jobs) {
        const { promise, resolve } = Promise.withResolvers<void>();
        begun.push({ jobs, end: resolve });
        return promise;
      },
    });
    const all = Promise.all(['a1', 'a2', 'a3', 'a4', 'b1'].map(combine));
    expect(begun.map(({ jobs }) => jobs)).toEqual([['a1'], ['b1']]);
    begun[1]!.end();
    await turn();
    // Only the flood is left, and some of it runs.
    expect(begun).toHaveLength(2);
    for (let at = 0; at < 4; at++) {
      begun[at]?.end();
      await turn();
    }
    await all;
    expect(begun.map(({ jobs }) => jobs)).toEqual([['a1'], ['b1'], ['a2', 'a3'], ['a4']]);
  });

  test('mixed: who has little goes without what another has much of, and little of several goes together', async () => {
    const begun: { jobs: readonly string[]; end(): void }[] = [];
    const combine = createCombine<string>({
      width: 1,
      limit: 500,
      mixed: 100,
      weight: (job) => Number(job.slice(1)),
      queueOf: (job) => job[0]!,
      run(jobs) {
        const { promise, resolve } = Promise.withResolvers<void>();
        begun.push({ jobs, end: resolve });
        return promise;
      },
    });
    const all = Promise.all(['a100', 'a200', 'a150', 'b1', 'c2', 'b3'].map(combine));
    for (let at = 0; at < 3; at++) {
      begun[at]?.end();
      await turn();
    }
    await all;
    expect(begun.map(({ jobs }) => jobs)).toEqual([['a100'], ['b1', 'c2', 'b3'], ['a200', 'a150']]);
  });
});
