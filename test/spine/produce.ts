/**
 * How the inputs get in, by hands that are not ours: kcat for profiles and events, HTTP for contact points. kcat sets the same headers on all
 * records of one run, and in binary mode every event has headers of its own: so each event is a run of kcat, several side by side.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { SyntheticCitizen } from '../../producers/population.ts';
import type { Said } from './plan.ts';

/** librdkafka's default is CRC32; Java, kafkajs and we use murmur2. */
const MURMUR2 = ['-X', 'topic.partitioner=murmur2_random'];

function ended(child: ReturnType<typeof spawn>, what: string): Promise<void> {
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = `${stderr}${chunk.toString()}`.slice(-2_000);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`${what} ended with ${code}: ${stderr}`)),
    );
  });
}

/** One kcat that takes `key TAB value` lines. Call `end` when all are written. */
export function openProfiles(brokers: string): {
  write(id: string, profile: object): Promise<void>;
  end(): Promise<void>;
} {
  const child = spawn('kcat', [
    '-P',
    '-b',
    brokers,
    '-t',
    'citizen-profiles',
    '-K',
    '\t',
    ...MURMUR2,
    '-X',
    'linger.ms=20',
    '-H',
    'allim-initial=1',
  ]);
  const done = ended(child, 'kcat');
  done.catch(() => {});
  let buffer: string[] = [];
  const flush = async () => {
    const text = buffer.join('');
    buffer = [];
    if (!child.stdin.write(text)) await Promise.race([once(child.stdin, 'drain'), done]);
  };
  return {
    async write(id, profile) {
      buffer.push(`${id}\t${JSON.stringify(profile)}\n`);
      if (buffer.length >= 2_000) await flush();
    },
    async end() {
      await flush();
      child.stdin.end();
      await done;
    },
  };
}

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** What an agency says; where it names no obligation, the rule does. */
export type Producible = Omit<Said, 'obligation' | 'data'> & {
  readonly obligation: string | null;
  readonly data: object;
};

function command(brokers: string, event: Producible, time: string): string {
  const headers: Record<string, string> = {
    ce_specversion: '1.0',
    ce_id: event.id,
    ce_source: event.source,
    ce_type: event.type,
    ce_time: time,
    ce_sequence: String(event.sequence),
    'content-type': 'application/json',
    ...(event.obligation === null ? {} : { ce_allimobligation: event.obligation }),
    ...(event.subject === null ? {} : { ce_subject: event.subject }),
  };
  const given = Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}=${value}`)}`);
  return `kcat -P -b ${brokers} -t agency-events ${MURMUR2.join(' ')} -X linger.ms=0 -k ${quote(event.subject ?? event.obligation ?? event.id)} ${given.join(' ')} <<< ${quote(JSON.stringify(event.data))} || exit 1; echo .`;
}

/** Produces each event by a kcat of its own, `lanes` at a time. `progress` gets how many are acknowledged. */
export async function produceEvents(
  brokers: string,
  events: readonly Producible[],
  folder: string,
  progress: (done: number) => void,
  nowMs: number,
  lanes = 8,
): Promise<void> {
  const time = new Date(nowMs).toISOString();
  let done = 0;
  const each = Math.max(1, Math.ceil(events.length / lanes));
  await Promise.all(
    Array.from({ length: Math.ceil(events.length / each) }, async (_, lane) => {
      const script = path.join(folder, `kcat-${events[0]?.act ?? 0}-${lane}.sh`);
      const mine = events.slice(lane * each, (lane + 1) * each);
      await writeFile(script, `${mine.map((event) => command(brokers, event, time)).join('\n')}\n`);
      const child = spawn('bash', [script], { stdio: ['ignore', 'pipe', 'pipe'] });
      child.stdout.on('data', (chunk: Buffer) => {
        done += chunk.toString().split('.').length - 1;
        progress(done);
      });
      await ended(child, script);
    }),
  );
}

/** Gives citizens their locale and contact points by PUT, `lanes` at a time; a failed call is made again, as a client does. */
export async function putCitizens(
  url: string,
  token: string,
  citizens: readonly SyntheticCitizen[],
  progress: (done: number) => void,
  lanes = 16,
): Promise<void> {
  let next = 0;
  let done = 0;
  const lane = async () => {
    while (next < citizens.length) {
      const citizen = citizens[next++]!;
      const contactPoints = citizen.contactPoints.map((point) =>
        point.channel === 'push' ? point : { ...point, verified: true },
      );
      const body = JSON.stringify({ locale: citizen.locale, contactPoints });
      const put = () =>
        fetch(`${url}/api/v1/citizens/${citizen.id}`, {
          method: 'PUT',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body,
        }).catch(() => null);
      let answer = await put();
      const patience = performance.now() + 30_000;
      while ((answer === null || answer.status >= 500) && performance.now() < patience) {
        await delay(200);
        answer = await put();
      }
      if (answer?.status !== 200)
        throw new Error(
          `PUT of a citizen: ${answer?.status ?? 'no answer'} ${(await answer?.text())?.slice(0, 500)}`,
        );
      await answer.arrayBuffer();
      progress(++done);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}
