/**
 * How far the dispatcher has come with the pages of fan-outs: one question every 50 ms for all runs that wait for room, none when
 * nobody waits.
 */
import { AllimError } from '../../domain/errors.ts';

type Waiter = {
  readonly resolve: (planned: number | undefined) => void;
  readonly reject: (reason: unknown) => void;
};

export class PlannedPages {
  private readonly ask: (fanouts: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  private readonly pollMs: number;
  private waiting = new Map<string, Waiter[]>();
  private timer: NodeJS.Timeout | undefined;

  constructor(ask: (fanouts: readonly string[]) => Promise<ReadonlyMap<string, number>>, pollMs: number) {
    this.ask = ask;
    this.pollMs = pollMs;
  }

  /** Pages planned of a fan-out as of now; undefined where it is closed or unknown. */
  async now(fanout: string): Promise<number | undefined> {
    return (await this.ask([fanout])).get(fanout);
  }

  /** The same at the next poll. Rejects when it is stopped, or as the question does. */
  next(fanout: string): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const waiters = this.waiting.get(fanout) ?? [];
      waiters.push({ resolve, reject });
      this.waiting.set(fanout, waiters);
      this.timer ??= setTimeout(() => void this.poll(), this.pollMs);
    });
  }

  private async poll(): Promise<void> {
    const asked = this.waiting;
    this.waiting = new Map();
    this.timer = undefined;
    try {
      const planned = await this.ask([...asked.keys()]);
      for (const [fanout, waiters] of asked)
        for (const waiter of waiters) waiter.resolve(planned.get(fanout));
    } catch (error) {
      for (const waiters of asked.values()) for (const waiter of waiters) waiter.reject(error);
    }
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    for (const waiters of this.waiting.values())
      for (const waiter of waiters)
        waiter.reject(new AllimError('position-fenced', 'the shard server stops'));
    this.waiting = new Map();
  }
}
