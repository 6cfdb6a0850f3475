/** What every queue promises, whatever lies beneath. Each test has queues of its own by a random prefix. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import type { BatchJob, Queue } from '../../queue/queue.ts';
import { eventually } from '../support/eventually.ts';
import type { TcpProxy } from '../support/proxy.ts';

export type QueueHarness = {
  /** A queue straight to the store, or by way of the proxy. */
  create(options: { prefix: string; by?: TcpProxy }): Queue;
  proxy(): Promise<TcpProxy>;
  /** Removes every job of this prefix behind the queue's back. */
  wipe(prefix: string): Promise<void>;
  /** Source of a module expression `await (…)` that gives a started queue, for a child process that will be killed. */
  childQueue(prefix: string): string;
};

/** Short, so that the tests of crashes are short. */
export const LOCK_MS = 1_000;
export const TIMEOUT_MS = 1_000;

const QUEUE = 'push-bulk';

export function conformance(harness: () => QueueHarness): void {
  const opened: { stop(): Promise<unknown> }[] = [];

  async function open(options: { prefix?: string; by?: TcpProxy } = {}): Promise<Queue> {
    const queue = harness().create({ prefix: randomUUID().slice(0, 8), ...options });
    opened.unshift(queue);
    await queue.start();
    return queue;
  }

  async function openProxy(): Promise<TcpProxy> {
    const proxy = await harness().proxy();
    opened.push({ stop: () => proxy.close() });
    return proxy;
  }

  afterEach(async () => {
    for (const thing of opened.splice(0)) await thing.stop();
  });

  const job = (generation = 1): BatchJob => ({ batch: randomUUID(), generation });
  const jobs = (count: number) => Array.from({ length: count }, () => job());

  test('a job is handled once, with its batch and generation, and is gone afterwards', async () => {
    const queue = await open();
    const handled: BatchJob[] = [];
    const given = jobs(25);
    queue.work(QUEUE, { concurrency: 4, handle: async (seen) => void handled.push(seen) });
    await queue.add(QUEUE, given);
    await eventually(() => expect(handled).toHaveLength(25));
    expect(new Set(handled.map((seen) => seen.batch))).toEqual(new Set(given.map((one) => one.batch)));
    expect(handled[0]?.generation).toBe(1);
    await eventually(async () =>
      expect(new Set(await queue.states(QUEUE, given))).toEqual(new Set(['missing'])),
    );
  });

  test('the same batch and generation is one job while it exists, another generation is another', async () => {
    const queue = await open();
    const one = job();
    await queue.add(QUEUE, [one, one]);
    await queue.add(QUEUE, [one]);
    await queue.add(QUEUE, [{ ...one, generation: 2 }]);
    const handled: number[] = [];
    queue.work(QUEUE, { concurrency: 1, handle: async (seen) => void handled.push(seen.generation) });
    await eventually(async () =>
      expect(await queue.states(QUEUE, [one, { ...one, generation: 2 }])).toEqual(['missing', 'missing']),
    );
    expect(handled.sort()).toEqual([1, 2]);
  });

  test('jobs that are added ahead go before those that wait, the last of them first', async () => {
    const queue = await open();
    const [first, second, third, fourth] = [job(), job(), job(), job()];
    await queue.add(QUEUE, [first, second]);
    await queue.add(QUEUE, [third, fourth], { ahead: true });
    const handled: string[] = [];
    queue.work(QUEUE, { concurrency: 1, handle: async ({ batch }) => void handled.push(batch) });
    await eventually(() => expect(handled).toHaveLength(4));
    expect(handled).toEqual([fourth, third, first, second].map(({ batch }) => batch));
  });

  test('states tell pending, active, failed and missing apart, in the order asked', async () => {
    const queue = await open();
    const [failing, holding, waiting, unknown] = [job(), job(), job(), job()];
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await queue.add(QUEUE, [failing, holding, waiting]);
    queue.work(QUEUE, {
      concurrency: 1,
      handle: async ({ batch }) => {
        if (batch === failing.batch) throw new Error('no');
        if (batch === holding.batch) await held;
      },
    });
    await eventually(async () =>
      expect(await queue.states(QUEUE, [unknown, waiting, holding, failing])).toEqual([
        'missing',
        'pending',
        'active',
        'failed',
      ]),
    );
    release();
    await eventually(async () => expect(await queue.states(QUEUE, [waiting])).toEqual(['missing']));
    expect(await queue.states(QUEUE, [failing])).toEqual(['failed']);
  });

  test('queues are apart: a worker of one never sees a job of another', async () => {
    const queue = await open();
    const seen: string[] = [];
    queue.work('sms-urgent', { concurrency: 1, handle: async () => void seen.push('sms-urgent') });
    queue.work('email-bulk', { concurrency: 1, handle: async () => void seen.push('email-bulk') });
    const one = job();
    await queue.add(QUEUE, [one]);
    await queue.add('email-bulk', [job()]);
    await eventually(() => expect(seen).toEqual(['email-bulk']));
    expect(await queue.states(QUEUE, [one])).toEqual(['pending']);
  });

  test('two workers share the jobs, each of which is handled once', async () => {
    const prefix = randomUUID().slice(0, 8);
    const [first, second] = [await open({ prefix }), await open({ prefix })];
    const seen: [string, string][] = [];
    const handle = (who: string) => async (one: BatchJob) => {
      seen.push([who, one.batch]);
      // Both must get their turn.
      await eventually(() => new Set(seen.map(([name]) => name)).size === 2);
    };
    first.work(QUEUE, { concurrency: 2, handle: handle('first') });
    second.work(QUEUE, { concurrency: 2, handle: handle('second') });
    await first.add(QUEUE, jobs(40));
    await eventually(() => expect(seen).toHaveLength(40));
    expect(new Set(seen.map(([, batch]) => batch)).size).toBe(40);
  });

  test('2,500 jobs are added whole', async () => {
    const queue = await open();
    const given = jobs(2_500);
    await queue.add(QUEUE, given);
    expect(
      new Set(await queue.states(QUEUE, [given[0]!, given[999]!, given[1_000]!, given[2_499]!])),
    ).toEqual(new Set(['pending']));
  });

  test('stop waits for running handlers and takes no new job', async () => {
    const queue = await open();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let started = 0;
    let ended = 0;
    const worker = queue.work(QUEUE, {
      concurrency: 1,
      handle: async () => {
        started++;
        await held;
        ended++;
      },
    });
    const given = jobs(3);
    await queue.add(QUEUE, given);
    await eventually(() => started === 1);
    const stopped = worker.stop(10_000);
    release();
    await stopped;
    await worker.stop(10_000);
    expect([started, ended]).toEqual([1, 1]);
    expect([...(await queue.states(QUEUE, given))].sort()).toEqual(['missing', 'pending', 'pending']);
  });

  test('stop is bounded, and what it let go of is handled by another', async () => {
    const prefix = randomUUID().slice(0, 8);
    const [first, second] = [await open({ prefix }), await open({ prefix })];
    let started = false;
    const worker = first.work(QUEUE, {
      concurrency: 1,
      handle: () => {
        started = true;
        return new Promise(() => {});
      },
    });
    await first.add(QUEUE, [job()]);
    await eventually(() => started);
    const before = performance.now();
    await worker.stop(100);
    expect(performance.now() - before).toBeLessThan(3_000);
    let again = false;
    second.work(QUEUE, {
      concurrency: 1,
      handle: async () => {
        again = true;
      },
    });
    await eventually(() => again, { timeoutMs: 10 * LOCK_MS });
  });

  test('the job of a killed worker is handled by another, also when two are killed', async () => {
    const prefix = randomUUID().slice(0, 8);
    const queue = await open({ prefix });
    const one = job();
    await queue.add(QUEUE, [one]);
    for (const _ of [1, 2]) {
      const script = `const queue = await (${harness().childQueue(prefix)});
        queue.work(${JSON.stringify(QUEUE)}, { concurrency: 1, handle: () => { process.stdout.write('taken'); return new Promise(() => {}); } });`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
        cwd: path.join(import.meta.dirname, '..', '..'),
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    const handled: BatchJob[] = [];
    queue.work(QUEUE, { concurrency: 1, handle: async (seen) => void handled.push(seen) });
    await eventually(() => expect(handled).toEqual([one]), { timeoutMs: 10 * LOCK_MS });
  });

  test('after the store was wiped its jobs are missing, and the queue goes on', async () => {
    const prefix = randomUUID().slice(0, 8);
    const queue = await open({ prefix });
    const given = jobs(50);
    await queue.add(QUEUE, given);
    await harness().wipe(prefix);
    expect(new Set(await queue.states(QUEUE, given))).toEqual(new Set(['missing']));
    const handled: BatchJob[] = [];
    queue.work(QUEUE, { concurrency: 4, handle: async (seen) => void handled.push(seen) });
    await queue.add(
      QUEUE,
      given.map((one) => ({ ...one, generation: 2 })),
    );
    await eventually(() => expect(handled).toHaveLength(50));
    // A worker that waits for work outlives a wipe as well.
    await harness().wipe(prefix);
    await queue.add(QUEUE, [job(3)]);
    await eventually(() => expect(handled).toHaveLength(51));
  });

  test.each(['cut', 'stall'] as const)(
    'a store that is gone (%s) is queue-unavailable soon, and heals',
    async (how) => {
      const proxy = await openProxy();
      const queue = await open({ by: proxy });
      const handled: BatchJob[] = [];
      queue.work(QUEUE, { concurrency: 1, handle: async (seen) => void handled.push(seen) });
      await queue.add(QUEUE, [job()]);
      await eventually(() => expect(handled).toHaveLength(1));
      await proxy[how]();
      const before = performance.now();
      const gone = { code: 'queue-unavailable', retryable: true };
      await expect(queue.add(QUEUE, [job()])).rejects.toMatchObject(gone);
      await expect(queue.states(QUEUE, [job()])).rejects.toMatchObject(gone);
      await expect(queue.ping()).rejects.toMatchObject(gone);
      expect(performance.now() - before).toBeLessThan(3 * TIMEOUT_MS + 500);
      await proxy.restore();
      await eventually(() => queue.ping());
      const last = job();
      await eventually(() => queue.add(QUEUE, [last]));
      await eventually(() => expect(handled.map((seen) => seen.batch)).toContain(last.batch), {
        timeoutMs: 15_000,
      });
    },
  );

  test('a store that is not there when starting is queue-unavailable, and a later start works', async () => {
    const proxy = await openProxy();
    await proxy.cut();
    const queue = harness().create({ prefix: randomUUID().slice(0, 8), by: proxy });
    await expect(queue.start()).rejects.toMatchObject({ code: 'queue-unavailable' });
    await expect(queue.add(QUEUE, [job()])).rejects.toMatchObject({ code: 'queue-unavailable' });
    await proxy.restore();
    await queue.start();
    await queue.add(QUEUE, [job()]);
    await queue.stop();
  });

  test('start and stop may be called twice, and nothing is accepted before and after', async () => {
    const queue = harness().create({ prefix: randomUUID().slice(0, 8) });
    await expect(queue.add(QUEUE, [job()])).rejects.toMatchObject({ code: 'queue-unavailable' });
    await queue.start();
    await queue.start();
    await queue.add(QUEUE, []);
    expect(await queue.states(QUEUE, [])).toEqual([]);
    expect(await queue.fill()).toBeLessThan(0.6);
    await queue.stop();
    await queue.stop();
    await expect(queue.states(QUEUE, [job()])).rejects.toMatchObject({ code: 'queue-unavailable' });
  });
}
