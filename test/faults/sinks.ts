/** The outside world of a run: push, mail and text message sinks in a process of their own, behind wires, and what stands in their log. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { FailurePlan, ReceiptPlan } from '../sinks/sink.ts';
import type { Arrival, Channel } from './fault.ts';
import type { FaultyProxy } from './proxy.ts';
import { createFaultyProxy } from './tcp.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
export const CHANNELS = ['push', 'email', 'sms'] as const;

/** How text messages go: over SMPP, where a repetition is another message, or to a gateway that knows our reference. */
export type SmsBy = 'smpp' | 'gateway';

export type Sinks = {
  readonly proxies: Readonly<Record<Channel, FaultyProxy>>;
  readonly env: { readonly SMTP_URL: string; readonly SMS_URL: string; readonly SMS_FROM: string };
  /** Below which subscriptions lie. */
  readonly pushUrl: string;
  readonly logFile: string;
  fail(channel: Channel, plan: FailurePlan | null): void;
  receipts(channel: Channel, plan: ReceiptPlan | null): void;
  /** Resolves to what they found wrong with what came, a line each. */
  stop(): Promise<readonly string[]>;
};

export async function startSinks(folder: string, smsBy: SmsBy): Promise<Sinks> {
  const smsSink = smsBy === 'gateway' ? 'gateway' : 'smsc';
  const sinkOf: Readonly<Record<Channel, string>> = { push: 'push', email: 'smtp', sms: smsSink };
  const logFile = path.join(folder, 'sinks.jsonl');
  await (await open(logFile, 'a')).close();
  const proxies = {
    push: await createFaultyProxy(9),
    email: await createFaultyProxy(9),
    sms: await createFaultyProxy(9),
  };
  const pushUrl = `http://127.0.0.1:${proxies.push.port}`;
  const args = [
    '--smtp',
    '0',
    '--push',
    '0',
    `--${smsSink}`,
    '0',
    '--log',
    logFile,
    '--push-origin',
    pushUrl,
  ];
  const child = spawn(
    path.join(ROOT, 'node_modules', '.bin', 'node'),
    [path.join(ROOT, 'test', 'sinks', 'main.ts'), ...args],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (value === undefined) throw new Error(`the sinks did not start: ${complaints}`);
  const listening = JSON.parse(value as string) as Record<string, { url: string; port: number }>;
  for (const channel of CHANNELS) proxies[channel].target(listening[sinkOf[channel]]!.port);
  const through = (channel: Channel) => {
    const url = new URL(listening[sinkOf[channel]]!.url);
    url.port = String(proxies[channel].port);
    return url.toString();
  };
  return {
    proxies,
    env: { SMTP_URL: through('email'), SMS_URL: through('sms'), SMS_FROM: '15990000' },
    pushUrl,
    logFile,
    fail(channel, plan) {
      child.stdin.write(`${JSON.stringify({ sink: sinkOf[channel], plan })}\n`);
    },
    receipts(channel, receipts) {
      child.stdin.write(`${JSON.stringify({ sink: sinkOf[channel], receipts })}\n`);
    },
    async stop() {
      for (const proxy of Object.values(proxies)) await proxy.close();
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGTERM');
        await gone;
      }
      return complaints.split('\n').filter((line) => line !== '');
    },
  };
}

/** A mail's page is most of its line, and nobody judges it. */
function slim(entry: Arrival): Arrival {
  const { subject } = entry.headers;
  return { ...entry, headers: subject === undefined ? {} : { subject } };
}

/** Reads what has been added to the sinks' log since it was last asked. */
export class LogTail {
  readonly #file: string;
  #handle: FileHandle | undefined;
  #at = 0;
  #rest = Buffer.alloc(0);
  /** It is asked a hundred times a second. */
  readonly #chunk = Buffer.alloc(1 << 20);
  #reading: Promise<readonly Arrival[]> = Promise.resolve([]);
  readonly entries: Arrival[] = [];
  readonly #known = new Set<string>();
  /** Of the entries, those that were the first of their words to their address; and when the last of them came. */
  firsts = 0;
  lastFirstAtMs = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** All entries so far. Whoever asks while another reads waits for it: nothing is read twice. */
  read(): Promise<readonly Arrival[]> {
    this.#reading = this.#reading.then(() => this.#readOn());
    return this.#reading;
  }

  async #readOn(): Promise<readonly Arrival[]> {
    this.#handle ??= await open(this.#file, 'r');
    const chunk = this.#chunk;
    for (;;) {
      const { bytesRead } = await this.#handle.read(chunk, 0, chunk.length, this.#at);
      if (bytesRead === 0) return this.entries;
      this.#at += bytesRead;
      const text = Buffer.concat([this.#rest, chunk.subarray(0, bytesRead)]);
      const end = text.lastIndexOf(10) + 1;
      this.#rest = text.subarray(end);
      for (const line of text.subarray(0, end).toString().split('\n'))
        if (line !== '') this.#add(slim(JSON.parse(line) as Arrival));
    }
  }

  #add(entry: Arrival): void {
    this.entries.push(entry);
    const key = createHash('sha1').update(`${entry.address}\n${entry.text}`).digest('base64');
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.firsts++;
    this.lastFirstAtMs = entry.atMs;
  }

  async close(): Promise<void> {
    await this.#handle?.close();
  }
}
