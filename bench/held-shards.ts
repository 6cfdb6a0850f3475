/** Where the shards of `audience` are while questions come: in this process, as in the embedded mode, or in processes of their own. */
import type { Context } from '../app/context.ts';
import { startRoles } from '../app/start-roles.ts';
import { type Loaded, serveShards } from './loaded-shards.ts';
import { type Child, start } from './processes.ts';
import type { Rested } from './shards-process.ts';
import { updating } from './updating.ts';

export type Held = {
  readonly url: string;
  readonly citizens: number;
  /** Ends it; what the updates beside it came to. */
  stop(): Promise<Rested>;
};
/** Takes questions, and applies so many profiles a second. */
export type Holding = (context: Context, updates: number) => Promise<Held>;

export function inThisProcess(loaded: Loaded): Holding {
  return async (context, updates) => {
    const { url, citizens, stop } = await serveShards(context, loaded.shards);
    const beside = updating(loaded, updates);
    return {
      url,
      citizens,
      async stop() {
        beside.stop();
        await stop();
        return { perSecond: beside.perSecond(), longestMs: beside.longestMs() };
      },
    };
  };
}

/** Each reads the population and keeps its part. */
export function inProcesses(
  count: number,
  processes: number,
  env: Readonly<Record<string, string>>,
): Holding {
  return async (context, updates) => {
    const children = await Promise.all(
      Array.from({ length: processes }, (_, rest) =>
        start('shards-process.ts', [count, processes, rest], { env, name: `shards-${rest}` }),
      ),
    );
    const all = <Told>(message: Parameters<Child['ask']>[0]) =>
      Promise.all(children.map((child) => child.ask(message) as Promise<Told>));
    const citizens = await all<number>({ do: 'serve', updates: updates / processes });
    const web = await startRoles(context, ['web']);
    return {
      url: web.url!,
      citizens: citizens.reduce((sum, some) => sum + some, 0),
      async stop() {
        await web.stop();
        const rested = await all<Rested>({ do: 'rest' });
        for (const child of children) await child.exit();
        return {
          perSecond: rested.reduce((sum, { perSecond }) => sum + perSecond, 0),
          longestMs: Math.max(...rested.map(({ longestMs }) => longestMs)),
        };
      },
    };
  };
}
