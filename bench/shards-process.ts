/**
 * A process with some of the shards of the synthetic population, as a rules process holds them, that a bench drives over Node's IPC.
 * `node bench/shards-process.ts CITIZENS OF REST`: of OF such processes the one with the number REST. `serve` takes questions and applies
 * `updates` profiles a second; `rest` ends both and tells how it went.
 */
import { loadConfig } from '../app/config.ts';
import { createContext } from '../app/context.ts';
import { silentLogger } from '../domain/logger.ts';
import { driven } from './driven.ts';
import { type Answering, answerFrom, load, NO_QUEUE } from './loaded-shards.ts';
import { type Updating, updating } from './updating.ts';

export type ToShards =
  | { readonly do: 'serve'; readonly updates: number }
  | { readonly do: 'rest' }
  | { readonly do: 'exit' };
export type Rested = { readonly perSecond: number; readonly longestMs: number };

async function main(): Promise<void> {
  const [count, of, rest] = process.argv.slice(2).map(Number) as [number, number, number];
  const loaded = load(count, { of, rest });
  const context = await createContext(loadConfig(process.env), { logger: silentLogger, queue: NO_QUEUE });
  let answering: Answering | undefined;
  let beside: Updating | undefined;

  async function handle(message: ToShards): Promise<unknown> {
    switch (message.do) {
      case 'serve':
        answering = await answerFrom(context, loaded.shards);
        beside = updating(loaded, message.updates);
        return answering.citizens;
      case 'rest': {
        beside?.stop();
        await answering?.stop();
        return { perSecond: beside?.perSecond() ?? 0, longestMs: beside?.longestMs() ?? 0 } satisfies Rested;
      }
      case 'exit':
        await context.stop();
        return undefined;
    }
  }

  await driven(handle);
}

await main();
