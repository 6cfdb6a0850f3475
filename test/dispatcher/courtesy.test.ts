import { expect, test } from '@jest/globals';
import { createCourtesy } from '../../dispatcher/courtesy.ts';

/** What has come to pass by the end of all that can without time passing. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let done = false;
  void promise.then(() => {
    done = true;
  });
  await new Promise(setImmediate);
  return done;
}

test('what is large waits for all that is small and under way, and not otherwise', async () => {
  const courtesy = createCourtesy(60_000);
  expect(await settled(courtesy.after())).toBe(true);
  const [one, two] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const first = courtesy.first(() => one.promise);
  const second = courtesy.first(() => two.promise);
  const large = courtesy.after();
  one.resolve('done');
  expect(await first).toBe('done');
  expect(await settled(large)).toBe(false);
  two.reject(new Error('gone'));
  await expect(second).rejects.toThrow('gone');
  expect(await settled(large)).toBe(true);
  expect(await settled(courtesy.after())).toBe(true);
});

test('it does not wait for ever', async () => {
  const courtesy = createCourtesy(1);
  const never = Promise.withResolvers<void>();
  void courtesy.first(() => never.promise);
  await courtesy.after();
});
