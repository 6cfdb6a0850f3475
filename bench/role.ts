/**
 * A process with some of our roles, as `app/main.ts ROLE` has them, that a bench drives over Node's IPC: its providers accept everything
 * at once, and roles can be started and stopped again while the process stays warm.
 * `node bench/role.ts ROLES CLAIM [FILE]`: roles by comma, rows a claim, and a file that takes `<delivery> <ms>` of each call. With
 * ALLIM_BENCH_GATEWAY, texts are handed to the gateway of that address.
 */
import { createWriteStream } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { loadConfig } from '../app/config.ts';
import { createContext } from '../app/context.ts';
import { keepHeapTight } from '../app/memory.ts';
import { createRoles, createShards, type Role, type RunningRole } from '../app/roles.ts';
import type { NewRecord } from '../broker/broker.ts';
import { CHANNELS, type Channel } from '../domain/statuses.ts';
import { createNullProvider } from '../workers/providers/null.ts';
import type { Provider } from '../workers/providers/provider.ts';
import { createSmsHttpProvider } from '../workers/providers/sms-http.ts';
import { driven } from './driven.ts';
import { nowMs, round, say } from './support.ts';

export type ToRole =
  | { readonly do: 'start' | 'stop' | 'exit' | 'lag' }
  | { readonly do: 'append'; readonly topic: string; readonly records: readonly NewRecord[] };

/** Jobs of both lanes that a worker has in hand: a provider's window is shared out between them. */
const JOBS = 8;

function recording(provider: Provider, file: string): Provider {
  const out = createWriteStream(file, { flags: 'a' });
  return {
    ...provider,
    async send(delivery, mayCall) {
      out.write(`${delivery.delivery} ${nowMs()}\n`);
      return provider.send(delivery, mayCall);
    },
    async stop() {
      await provider.stop();
    },
  };
}

async function main(): Promise<void> {
  const [names = '', claim = '100', file] = process.argv.slice(2);
  const gateway = process.env['ALLIM_BENCH_GATEWAY'];
  const providers = Object.fromEntries(
    CHANNELS.map((channel) => {
      const window = Number(claim) * JOBS;
      const provider =
        channel === 'sms' && gateway !== undefined
          ? createSmsHttpProvider({ url: gateway, source: '15771000', window })
          : createNullProvider({ channel, window });
      return [channel, file === undefined ? provider : recording(provider, file)];
    }),
  ) as Record<Channel, Provider>;
  const config = loadConfig(process.env);
  if (config.databaseUrl === null) keepHeapTight();
  const context = await createContext(config, { providers });
  let running: RunningRole[] = [];
  const lag = monitorEventLoopDelay({ resolution: 5 });
  lag.enable();
  const handle: Record<string, (message: ToRole) => Promise<void>> = {
    async start() {
      running = createRoles(context, names.split(',') as Role[], createShards(context));
      for (const role of running) await role.start();
    },
    async stop() {
      for (const role of running.splice(0).toReversed()) await role.stop();
    },
    /** Says for how long the event loop let others wait since it was last asked. */
    async lag() {
      const ms = (ns: number) => round(ns / 1e6);
      say(
        `${names}: event loop late by ms: p50 ${ms(lag.percentile(50))}, p90 ${ms(lag.percentile(90))}, p99 ${ms(lag.percentile(99))}, max ${ms(lag.max)}`,
      );
      lag.reset();
    },
    async append(message) {
      if (message.do === 'append') await context.broker.append(message.topic, message.records);
    },
    async exit() {
      await handle['stop']?.({ do: 'stop' });
      await context.stop();
    },
  };
  await driven<ToRole>(async (message) => handle[message.do]?.(message));
}

await main();
