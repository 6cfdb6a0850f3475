/** What a fault has to work with, made of the installation and the round. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { randomStream } from '../../producers/population.ts';
import type { Fault, Stage } from './fault.ts';
import { BOUNCE_TOKEN, type Installation } from './installation.ts';

const ARRIVED_WITHIN_MS = 180_000;
const EVENTS = '/api/v1/events';

/** A stream of its own for each name: the same seed makes the same choices, whatever else a run goes through. */
export function streamOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32BE(0) >>> 1;
}

/** Where a round begins in the log of the sinks. */
export type From = { readonly line: number; readonly firsts: number };

/** Copies are not counted: a notice that was called twice has arrived once. */
export async function arrivals({ log }: Installation, from: From): Promise<number> {
  await log.read();
  return log.firsts - from.firsts;
}

export function createStage(
  installation: Installation,
  fault: Fault,
  notices: number,
  expected: number,
  from: From,
  produceNext: () => void,
): Stage {
  const { servers, sinks, product, pace, seed, token, say } = installation;
  const stage: Stage = {
    notices,
    random: randomStream(seed, streamOf(fault.name)),
    choicesOf: (name) => randomStream(seed, streamOf(name)),
    produceNext,
    pace,
    pause: (ms) => delay(Math.max(1, ms * pace)),
    async arrived(share) {
      const deadline = performance.now() + ARRIVED_WITHIN_MS;
      while ((await arrivals(installation, from)) < share * expected) {
        if (performance.now() > deadline)
          throw new Error(
            `${Math.round(share * 100)} % of ${expected} notices had not arrived after ${ARRIVED_WITHIN_MS / 1000} s, but ${await arrivals(installation, from)}`,
          );
        await delay(10);
      }
    },
    count: () => arrivals(installation, from),
    arrivals: async () => (await installation.log.read()).slice(from.line),
    processes: product,
    proxies: { ...servers.proxies, ...sinks.proxies },
    services: servers.services,
    sinks,
    url: product.url('web-1'),
    bounceToken: BOUNCE_TOKEN,
    async api(method, path, body) {
      const answer = await fetch(`${product.url('web-1')}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          // An empty body that says it is JSON is refused.
          ...(body === undefined
            ? {}
            : { 'content-type': path === EVENTS ? 'application/cloudevents+json' : 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(30_000),
      });
      const text = await answer.text();
      return { status: answer.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
    },
    sql: (text, values) => installation.sql(text, values),
    folder: installation.folder,
    say: (line) => say(`  ${line}`),
  };
  return stage;
}
