/**
 * One process of the baseline of `pipeline`: raw BullMQ with one empty job per recipient, added in bulk or processed by a handler that
 * does nothing. `node bench/bullmq-process.ts add|work REDIS_URL CONCURRENCY`.
 */
import { Queue, Worker } from 'bullmq';

const NAME = 'one-job-per-recipient';
const BULK = 1_000;

const [part, url = '', concurrency = '100'] = process.argv.slice(2);
const connection = { url, maxRetriesPerRequest: null };

const tell = (done: string) => process.send?.({ done });

if (part === 'add') {
  const queue = new Queue(NAME, { connection, prefix: 'baseline' });
  await queue.waitUntilReady();
  process.on('message', async (message: { do: string; count: number }) => {
    if (message.do === 'exit') {
      await queue.close();
      process.exit(0);
    }
    const job = { name: 'job', data: {}, opts: { removeOnComplete: true, attempts: 1 } };
    for (let left = message.count; left > 0; left -= BULK)
      await queue.addBulk(Array.from({ length: Math.min(BULK, left) }, () => job));
    tell('add');
  });
} else {
  let left = 0;
  const worker = new Worker(NAME, async () => {}, {
    connection,
    prefix: 'baseline',
    concurrency: Number(concurrency),
  });
  worker.on('completed', () => {
    left--;
    if (left === 0) tell('processed');
  });
  await worker.waitUntilReady();
  process.on('message', async (message: { do: string; count: number }) => {
    if (message.do === 'exit') {
      await worker.close();
      process.exit(0);
    }
    left = message.count;
    tell('expect');
  });
}
process.on('disconnect', () => process.exit(1));
tell('ready');
