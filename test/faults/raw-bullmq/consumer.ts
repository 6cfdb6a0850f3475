/**
 * The first half of notices on bare BullMQ, as the introductions of kafkajs and BullMQ would have one write it: each event becomes a job.
 * All defaults are theirs: offsets are committed by kafkajs when it sees fit, a job is tried once and stays after it is done. It is here
 * to be compared with, and is no part of the product.
 */
import { readFileSync } from 'node:fs';
import { Queue } from 'bullmq';
import { Kafka, logLevel } from 'kafkajs';
import type { Notice } from './worker.ts';

const { KAFKA_BROKERS = '', REDIS_PORT = '', PEOPLE = '' } = process.env;
/** Whom we know: the mailbox of each. */
const people = new Map(Object.entries(JSON.parse(readFileSync(PEOPLE, 'utf8')) as Record<string, string>));

const queue = new Queue<Notice>('notices', { connection: { host: '127.0.0.1', port: Number(REDIS_PORT) } });
queue.on('error', (error) => process.stderr.write(`queue: ${error.message}\n`));
const kafka = new Kafka({ clientId: 'notices', brokers: KAFKA_BROKERS.split(','), logLevel: logLevel.WARN });
const consumer = kafka.consumer({ groupId: 'notices' });

await consumer.connect();
await consumer.subscribe({ topics: ['agency-events'], fromBeginning: true });
await consumer.run({
  eachMessage: async ({ message }) => {
    const { subject, data } = JSON.parse(String(message.value)) as {
      subject: string;
      data: { amount: number };
    };
    const to = people.get(subject);
    if (to !== undefined)
      await queue.add('notice', { to, text: `재산세 ${data.amount}원이 고지되었습니다.` });
  },
});
process.stdout.write('ready\n');
