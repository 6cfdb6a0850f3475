/**
 * Writes what comes one by one in few statements: what comes while a write is under way goes into the next one together. Each caller hears
 * of the write that its own item was in.
 */
const A_WRITE = 500;

export function createGatherer<T>(write: (items: readonly T[]) => Promise<void>): (item: T) => Promise<void> {
  let waiting: { readonly item: T; readonly done: PromiseWithResolvers<void> }[] = [];
  let writing = false;

  async function run(): Promise<void> {
    writing = true;
    // Lets the callers of this turn of the event loop get in line first.
    await Promise.resolve();
    while (waiting.length > 0) {
      const due = waiting.slice(0, A_WRITE);
      waiting = waiting.slice(A_WRITE);
      try {
        await write(due.map(({ item }) => item));
        for (const { done } of due) done.resolve();
      } catch (error) {
        for (const { done } of due) done.reject(error);
      }
    }
    writing = false;
  }

  return (item) => {
    const done = Promise.withResolvers<void>();
    waiting.push({ item, done });
    if (!writing) void run();
    return done.promise;
  };
}
