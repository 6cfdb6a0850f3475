/** Each role from the shared context: what starts, what stops, whether it is well. */
import { createDispatcher } from '../dispatcher/dispatcher.ts';
import { shippedFields } from '../rules/catalogue.ts';
import { createShardServer, type ShardServer } from '../rules/shard-server.ts';
import { createWorker } from '../workers/worker.ts';
import type { Context } from './context.ts';
import { createRulesStore } from './rules-store.ts';

export const ROLES = ['producers', 'dispatcher', 'rules', 'workers', 'web'] as const;
export type Role = (typeof ROLES)[number];

export type RunningRole = {
  readonly name: Role;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Rejects with what is wrong; part of readiness. */
  check(): Promise<void>;
};

function rulesRole(shards: ShardServer): RunningRole {
  return {
    name: 'rules',
    start: () => shards.start(),
    stop: () => shards.stop(),
    async check() {
      const { healthy, misplaced } = shards.status();
      if (!healthy) throw new Error('a shard does not follow its topics');
      if (misplaced.share > 0.01)
        throw new Error(
          `${Math.round(misplaced.share * 100)} % of the last 1,000 profiles are in the wrong partition: producers must partition by murmur2`,
        );
    },
  };
}

function dispatcherRole(context: Context): RunningRole {
  const dispatcher = createDispatcher({ ...context, pool: context.ledger });
  return {
    name: 'dispatcher',
    start: () => dispatcher.start(),
    stop: () => dispatcher.stop(),
    async check() {
      if (!dispatcher.healthy()) throw new Error('a consumer of the dispatcher does not follow its topic');
    },
  };
}

function workersRole(context: Context): RunningRole {
  const worker = createWorker({ ...context, pool: context.ledger, chance: Math.random });
  return {
    name: 'workers',
    start: () => worker.start(),
    stop: () => worker.stop(),
    check: async () => undefined,
  };
}

export function createShards(context: Context): ShardServer {
  return createShardServer({
    broker: context.broker,
    store: createRulesStore(context),
    clock: context.clock,
    logger: context.logger,
    fields: shippedFields(),
  });
}

/** The engine's roles in the order in which they start: whoever answers before whoever asks. */
export function createRoles(context: Context, names: readonly Role[], shards: ShardServer): RunningRole[] {
  const make: Partial<Record<Role, () => RunningRole>> = {
    rules: () => rulesRole(shards),
    workers: () => workersRole(context),
    dispatcher: () => dispatcherRole(context),
  };
  return Object.entries(make).flatMap(([name, create]) => (names.includes(name as Role) ? [create()] : []));
}
