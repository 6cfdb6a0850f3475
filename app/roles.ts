/** Each role from the shared context: what starts, what stops, whether it is well. */
import { randomUUID } from 'node:crypto';
import { createDispatcher } from '../dispatcher/dispatcher.ts';
import type { Repeats } from '../domain/ambiguity.ts';
import { messageOf } from '../domain/errors.ts';
import { CHANNELS, type Channel } from '../domain/statuses.ts';
import { unsubscribeToken } from '../domain/unsubscribe-tokens.ts';
import { shippedFields } from '../rules/catalogue.ts';
import { createShardServer, type ShardServer } from '../rules/run/shard-server.ts';
import { dropReport, reportPopulation } from '../store/rules-processes.ts';
import { createWorker } from '../workers/worker.ts';
import type { Context } from './context.ts';
import { producersRole } from './producers-role.ts';
import { createCrossingStore, createRulesStore } from './rules-store.ts';
import { createShardQuestions } from './shard-questions.ts';

export const ROLES = ['producers', 'dispatcher', 'rules', 'workers', 'web'] as const;
export type Role = (typeof ROLES)[number];

export type RunningRole = {
  readonly name: Role;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Rejects with what is wrong; part of readiness. */
  check(): Promise<void>;
};

const REPORT_MS = 1_000;
/** Of those made outside production; order is never relied on, so an operator may choose any number. */
const AGENCY_TOPIC_PARTITIONS = 2;

function rulesRole(context: Context, shards: ShardServer): RunningRole {
  const { pool, logger } = context;
  const id = randomUUID();
  const questions = createShardQuestions(context, shards);
  let timer: NodeJS.Timeout | undefined;
  let reporting: Promise<void> | undefined;

  function report(): void {
    reporting ??= reportPopulation(pool, id, shards.status(), questions.url())
      .catch((error: unknown) =>
        logger.warn({ err: messageOf(error) }, 'the population could not be reported'),
      )
      .finally(() => {
        reporting = undefined;
      });
  }

  return {
    name: 'rules',
    async start() {
      watchShards(context, shards);
      await shards.start();
      await questions.start();
      timer ??= setInterval(report, REPORT_MS);
    },
    async stop() {
      clearInterval(timer);
      timer = undefined;
      await reporting;
      await questions.stop();
      await shards.stop();
      await dropReport(pool, id).catch(() =>
        logger.info({}, 'the last report of the population stays until it is too old'),
      );
    },
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

function watchShards({ metrics }: Context, shards: ShardServer): void {
  const figures = {
    population_citizens: ['Citizens that this process holds.', () => shards.status().citizens],
    requests_outstanding: ['Questions taken and not answered yet.', () => shards.status().outstanding],
    profiles_misplaced: [
      'Profiles in the wrong partition since the start.',
      () => shards.status().misplaced.count,
    ],
    profiles_quarantined: [
      'Profiles and questions quarantined since the start.',
      () => shards.status().quarantined,
    ],
  } as const;
  for (const [name, [help, read]] of Object.entries(figures))
    metrics.watch(name, help, [], () => [{ value: read() }]);
}

function repeatsOf(providers: Context['providers']): Record<Channel, Repeats> {
  const entries = CHANNELS.map((channel) => [channel, providers[channel].repeats]);
  return Object.fromEntries(entries) as Record<Channel, Repeats>;
}

function dispatcherRole(context: Context): RunningRole {
  const dispatcher = createDispatcher({
    ...context,
    pool: context.ledger,
    repeats: repeatsOf(context.providers),
    chance: Math.random,
    webhooks: { allowLoopback: context.config.webhookLoopback },
    createAgencyTopics: context.config.env === 'production' ? null : { partitions: AGENCY_TOPIC_PARTITIONS },
    weights: context.config.agencyWeights,
    rates: context.config.channelRates,
    keepMonths: context.config.keepMonths,
  });
  return {
    name: 'dispatcher',
    start: () => dispatcher.start(),
    stop: () => dispatcher.stop(),
    async check() {
      if (!dispatcher.healthy()) throw new Error('a consumer of the dispatcher does not follow its topic');
    },
  };
}

function workersRole(context: Context, ownUrl: () => string | null): RunningRole {
  const { publicUrl } = context.config;
  const worker = createWorker({
    ...context,
    pool: context.ledger,
    chance: Math.random,
    // Without an address of its own the installation has no page to lead to.
    unsubscribeUrl: (delivery) => {
      const base = publicUrl ?? ownUrl();
      return base === null ? undefined : `${base}/unsubscribe/${unsubscribeToken(context.sealer, delivery)}`;
    },
  });
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
    crossings: createCrossingStore(context),
    clock: context.clock,
    logger: context.logger,
    fields: shippedFields(),
    snapshots: {
      folder: context.config.snapshots.folder,
      everyMs: context.config.snapshots.everyMs,
      sealer: context.sealer,
      seal: context.config.seal,
    },
  });
}

/**
 * The engine's roles in the order in which they start: whoever answers before whoever asks. `ownUrl` is where links in mails lead when no
 * PUBLIC_URL is set; null where nobody who reads the mail could follow them.
 */
export function createRoles(
  context: Context,
  names: readonly Role[],
  shards: ShardServer,
  ownUrl: () => string | null = () => null,
): RunningRole[] {
  const make: Partial<Record<Role, () => RunningRole>> = {
    rules: () => rulesRole(context, shards),
    workers: () => workersRole(context, ownUrl),
    dispatcher: () => dispatcherRole(context),
    producers: () => producersRole(context),
  };
  return Object.entries(make).flatMap(([name, create]) => (names.includes(name as Role) ? [create()] : []));
}
