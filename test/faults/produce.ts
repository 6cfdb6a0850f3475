/**
 * How inputs get in, by hands that are not ours: profiles and two thirds of the events by kcat onto the brokers themselves, the rest by HTTP in
 * batches. Senders do what senders must: what was not acknowledged is sent again, so an event may come twice and never is forgotten.
 */
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Said } from './inputs.ts';

/** librdkafka's default is CRC32; Java, kafkajs and we use murmur2. */
const MURMUR2 = ['-X', 'topic.partitioner=murmur2_random'];
const PATIENCE_MS = 120_000;
const BATCH = 100;

function structured(event: Said, time: string): string {
  const { id, source, type, subject, obligation, sequence, data } = event;
  return JSON.stringify({
    specversion: '1.0',
    id,
    source,
    type,
    time,
    ...(subject === null ? {} : { subject }),
    sequence: String(sequence),
    allimobligation: obligation,
    datacontenttype: 'application/json',
    data,
  });
}

/** Writes `key TAB value` lines; repeats all of them where kcat could not deliver. */
export async function kcat(
  brokers: string,
  topic: string,
  header: string,
  lines: readonly string[],
): Promise<void> {
  if (lines.length === 0) return;
  const deadline = performance.now() + PATIENCE_MS;
  const args = ['-P', '-b', brokers, '-t', topic, '-K', '\t', ...MURMUR2, '-X', 'linger.ms=5', '-H', header];
  for (;;) {
    const child = spawn('kcat', args, { stdio: ['pipe', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr = `${stderr}${chunk.toString()}`.slice(-2_000);
    });
    child.stdin.on('error', () => {});
    child.stdin.end(`${lines.join('\n')}\n`);
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
    if (code === 0) return;
    if (performance.now() > deadline) throw new Error(`kcat ended with ${code}: ${stderr}`);
    await delay(200);
  }
}

async function post(
  urls: readonly string[],
  token: string,
  events: readonly Said[],
  time: string,
): Promise<void> {
  const body = `[${events.map((event) => structured(event, time)).join(',')}]`;
  const deadline = performance.now() + PATIENCE_MS;
  for (let attempt = 0; ; attempt++) {
    const answer = await fetch(`${urls[attempt % urls.length]}/api/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/cloudevents-batch+json' },
      body,
      signal: AbortSignal.timeout(10_000),
    }).catch(() => null);
    const text = await answer?.text().catch(() => null);
    if (answer?.status === 202 && text) {
      const { accepted, rejected } = JSON.parse(text) as { accepted: unknown[]; rejected?: unknown[] };
      if (accepted.length === events.length) return;
      throw new Error(`of ${events.length} events ${JSON.stringify(rejected).slice(0, 500)} were rejected`);
    }
    if (answer && answer.status < 500 && answer.status !== 429 && answer.status !== 202)
      throw new Error(`POST of events: ${answer.status} ${text?.slice(0, 500)}`);
    if (performance.now() > deadline)
      throw new Error(`POST of events: ${answer?.status ?? 'no answer'} for ${PATIENCE_MS / 1000} s`);
    await delay(200);
  }
}

/** All events of a round; resolves when every one is acknowledged. All by Kafka where nobody serves HTTP. */
export async function produceEvents(
  to: { readonly brokers: string; readonly urls: readonly string[]; readonly token: string },
  events: readonly Said[],
): Promise<void> {
  const time = new Date().toISOString();
  const http = (at: number) => to.urls.length > 0 && at % 3 === 2;
  const byHttp = events.filter((_event, at) => http(at));
  const byKafka = events.filter((_event, at) => !http(at));
  const lines = byKafka.map((event) => `${event.subject ?? event.obligation}\t${structured(event, time)}`);
  const batches: Said[][] = [];
  for (let at = 0; at < byHttp.length; at += BATCH) batches.push(byHttp.slice(at, at + BATCH));
  await Promise.all([
    kcat(to.brokers, 'agency-events', 'content-type=application/cloudevents+json', lines),
    (async () => {
      for (const [at, batch] of batches.entries())
        await post([to.urls[at % to.urls.length]!, ...to.urls], to.token, batch, time);
    })(),
  ]);
}
