/**
 * Work of several partitions in one transaction: while as many as allowed run, what comes waits, and goes together when one has ended.
 * So a quiet service answers at once, a busy one pays its round trips and its commit once for many partitions, and what is in memory
 * at a time is bounded. A group that fails is done again one by one, so nobody suffers for another's record.
 */
export type CombineOptions<Job> = {
  /** Groups that run at a time. */
  readonly width: number;
  /** A group's sum of `weight` stays below it, unless a single job is heavier. */
  readonly limit: number;
  weight(job: Job): number;
  /** Does all or nothing of the jobs. */
  run(jobs: readonly Job[]): Promise<void>;
};

/** Resolves, or rejects, with what became of the job given. */
export function createCombine<Job>(options: CombineOptions<Job>): (job: Job) => Promise<void> {
  type Waiting = { readonly job: Job; resolve(): void; reject(error: unknown): void };
  const { width, limit, weight, run } = options;
  const waiting: Waiting[] = [];
  let running = 0;

  function takeGroup(): Waiting[] {
    const group = waiting.splice(0, 1);
    let sum = weight(group[0]!.job);
    while (waiting.length > 0) {
      sum += weight(waiting[0]!.job);
      if (sum > limit) break;
      group.push(waiting.shift()!);
    }
    return group;
  }

  async function work(group: readonly Waiting[]): Promise<void> {
    try {
      await run(group.map(({ job }) => job));
      for (const { resolve } of group) resolve();
    } catch (error) {
      if (group.length === 1) group[0]!.reject(error);
      else for (const one of group) await work([one]);
    }
  }

  function next(): void {
    while (running < width && waiting.length > 0) {
      running++;
      void work(takeGroup()).finally(() => {
        running--;
        next();
      });
    }
  }

  return (job) =>
    new Promise((resolve, reject) => {
      waiting.push({ job, resolve, reject });
      next();
    });
}
