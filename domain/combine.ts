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
  /** Whose it is; jobs of one queue stay in order, and queues take turns. One queue unless told. */
  queueOf?(job: Job): string;
  /**
   * Groups that run at a time share no queue: whoever has much to do does it one group after the other, and what others have goes beside it
   * at once. Without it jobs of one queue may run at a time.
   */
  readonly apart?: boolean;
  /**
   * Jobs of several queues go together only up to this sum of weights: a group of more is one queue's alone, so that who has little never waits
   * for the end of what another has much of. No bound unless told.
   */
  readonly mixed?: number;
  /** Weight that a queue may have done for each one of a queue whose share is 1, while both have some. 1 unless told. */
  shareOf?(queue: string): number;
  /** Whether a group that failed so is done again one by one; where everybody's would fail it only takes longer. Always unless told. */
  redo?(error: unknown): boolean;
  /** Does all or nothing of the jobs. */
  run(jobs: readonly Job[]): Promise<void>;
};

/** Resolves, or rejects, with what became of the job given. */
export function createCombine<Job>(options: CombineOptions<Job>): (job: Job) => Promise<void> {
  type Waiting = { readonly job: Job; resolve(): void; reject(error: unknown): void };
  const { width, limit, weight, run } = options;
  /**
   * Queues that have something, by name. `done` is what each was given, in shares: whoever has least is next (stride scheduling). A queue
   * that comes back begins where the least of the others stands, so that nobody saves turns up; and behind them
   * by what it was given last, a group of it at most: else a flood that is taken as it comes would be new each time, and as soon on as who has next to nothing.
   */
  const queues = new Map<string, { readonly jobs: Waiting[]; readonly share: number; done: number }>();
  /** What a queue stood at when it ran empty. */
  const left = new Map<string, number>();
  let running = 0;
  let reached = 0;
  /** With `apart`: of the groups that run. */
  const busy = new Set<string>();
  const free = () => [...queues].filter(([name]) => !busy.has(name));

  /** Whether a group of `names` may take a job of `name` and weigh `sum` then. */
  function fits(names: ReadonlySet<string>, name: string, sum: number): boolean {
    const alone = names.size === 0 || (names.size === 1 && names.has(name));
    return alone || sum <= (options.mixed ?? Number.POSITIVE_INFINITY);
  }

  function takeGroup(names: Set<string>): Waiting[] {
    const group: Waiting[] = [];
    for (let sum = 0; ; ) {
      const open = free().filter(([name, { jobs }]) => fits(names, name, sum + weight(jobs[0]!.job)));
      if (open.length === 0) break;
      const [name, queue] = open.reduce((least, one) => (one[1].done < least[1].done ? one : least));
      const cost = weight(queue.jobs[0]!.job);
      sum += cost;
      if (group.length > 0 && sum > limit) break;
      group.push(queue.jobs.shift()!);
      names.add(name);
      reached = queue.done;
      queue.done += cost / queue.share;
      if (queue.jobs.length > 0) continue;
      queues.delete(name);
      left.set(name, queue.done);
    }
    return group;
  }

  function begin(name: string) {
    const share = options.shareOf?.(name) ?? 1;
    const done = Math.max(reached, Math.min(left.get(name) ?? 0, reached + limit / share));
    left.delete(name);
    return { jobs: [], share, done };
  }

  function put(one: Waiting): void {
    const name = options.queueOf?.(one.job) ?? '';
    const queue = queues.get(name) ?? begin(name);
    queue.jobs.push(one);
    queues.set(name, queue);
  }

  async function work(group: readonly Waiting[]): Promise<void> {
    try {
      await run(group.map(({ job }) => job));
      for (const { resolve } of group) resolve();
    } catch (error) {
      if (group.length === 1 || options.redo?.(error) === false)
        for (const { reject } of group) reject(error);
      else for (const one of group) await work([one]);
    }
  }

  function next(): void {
    while (running < width && free().length > 0) {
      running++;
      const names = new Set<string>();
      const group = takeGroup(names);
      if (options.apart) for (const name of names) busy.add(name);
      void work(group).finally(() => {
        running--;
        for (const name of names) busy.delete(name);
        next();
      });
    }
  }

  return (job) =>
    new Promise((resolve, reject) => {
      put({ job, resolve, reject });
      next();
    });
}
