/** What happens to the ledger's server and to the wire before it. */
import type { Fault, Stage } from './fault.ts';
import { outage, whole, within } from './outage.ts';
import { holdLock, meetCrosswise, takeConnections } from './postgres-holds.ts';

const CUTS = 12;

/**
 * Cuts connections at the n-th chunk that holds `text`, n drawn anew each time; whether the chunk arrives is drawn too. In the first case it
 * was done and the product does not know, in the second it was not done and the product does not know either.
 */
async function cutAt(stage: Stage, text: string, upTo: number): Promise<void> {
  const proxy = stage.proxies.postgres;
  const bytes = Buffer.from(text, 'latin1');
  try {
    for (let cut = 0; cut < CUTS; cut++) {
      await stage.arrived((0.9 * cut) / CUTS);
      let left = whole(stage, 1, upTo);
      const matches = (chunk: Buffer) => chunk.includes(bytes) && --left <= 0;
      if (stage.random() < 0.5) proxy.cutAfter(matches);
      else proxy.cutBefore(matches);
    }
    await stage.arrived(0.95);
  } finally {
    proxy.mend();
  }
}

async function noDisk(): Promise<string | undefined> {
  if (process.platform === 'linux' && process.getuid?.() === 0) return undefined;
  return 'only root can mount a file system that fills up';
}

export const POSTGRES_FAULTS: readonly Fault[] = [
  {
    name: 'postgres-killed',
    group: 'postgres',
    does: 'kill -9 of Postgres with all its backends, and started again after five seconds',
    doubles: true,
    inflict: (stage) =>
      outage(stage, {
        between: [0.05, 0.6],
        forMs: 5_000,
        hurt: () => stage.services.postgres.kill(),
        mend: () => stage.services.postgres.start(),
      }),
  },
  {
    name: 'postgres-restarted-often',
    group: 'postgres',
    does: 'kill -9 of Postgres four times, started again at once',
    doubles: true,
    async inflict(stage) {
      for (let time = 0; time < 4; time++) {
        await stage.arrived(0.2 * time + within(stage, 0, 0.15));
        try {
          await stage.services.postgres.kill();
        } finally {
          await stage.services.postgres.start();
        }
      }
    },
  },
  {
    name: 'postgres-paused',
    group: 'postgres',
    does: 'Postgres stands still for thirty seconds (SIGSTOP)',
    doubles: true,
    inflict: (stage) =>
      outage(stage, {
        between: [0.05, 0.6],
        forMs: 30_000,
        hurt: () => stage.services.postgres.freeze(),
        mend: () => stage.services.postgres.thaw(),
      }),
  },
  {
    name: 'postgres-cut-at-commit',
    group: 'postgres',
    does: 'connections break at a COMMIT, twelve times, half of them after it has arrived: was it committed?',
    doubles: true,
    inflict: (stage) => cutAt(stage, 'COMMIT\0', 40),
  },
  {
    name: 'postgres-cut-at-turn',
    group: 'postgres',
    does: 'the same at the statement that takes results and claims, which commits by itself',
    doubles: true,
    inflict: (stage) => cutAt(stage, '\0turn\0', 10),
  },
  {
    name: 'postgres-cut-at-pump',
    group: 'postgres',
    does: 'the same at the statement that queues batches',
    doubles: true,
    inflict: (stage) => cutAt(stage, '\0pump\0', 6),
  },
  {
    name: 'postgres-network-gone',
    group: 'postgres',
    does: 'the network to Postgres goes away for a minute: connections stay open, nothing passes',
    doubles: true,
    inflict: (stage) =>
      outage(stage, {
        between: [0.05, 0.6],
        forMs: 60_000,
        hurt: () => stage.proxies.postgres.silence('both'),
        mend: () => stage.proxies.postgres.mend(),
      }),
  },
  {
    name: 'postgres-half-open',
    group: 'postgres',
    does: 'Postgres loses all connections, twice, and their clients are never told',
    doubles: true,
    async inflict(stage) {
      for (const from of [0.05, 0.4]) {
        await stage.arrived(within(stage, from, from + 0.3));
        stage.proxies.postgres.forget();
      }
    },
  },
  {
    name: 'postgres-deaf',
    group: 'postgres',
    does: 'statements reach Postgres and their answers do not come back, for twenty seconds',
    doubles: true,
    inflict: (stage) =>
      outage(stage, {
        between: [0.05, 0.6],
        forMs: 20_000,
        hurt: () => stage.proxies.postgres.silence('to-client'),
        mend: () => stage.proxies.postgres.mend(),
      }),
  },
  {
    name: 'postgres-no-connections',
    group: 'postgres',
    does: "somebody ends the product's sessions and holds every connection for twenty seconds",
    doubles: true,
    async inflict(stage) {
      await stage.arrived(within(stage, 0.05, 0.5));
      await takeConnections(stage, 20_000);
    },
  },
  {
    name: 'postgres-deadlocks',
    group: 'postgres',
    does: "for thirty seconds others lock the ledger's rows in the opposite order",
    doubles: true,
    async inflict(stage) {
      await stage.arrived(within(stage, 0.02, 0.3));
      await meetCrosswise(stage, 30_000);
    },
  },
  {
    name: 'postgres-lock-held',
    group: 'postgres',
    does: 'somebody holds a lock on rows or a table of the ledger for a minute',
    doubles: true,
    async inflict(stage) {
      await stage.arrived(within(stage, 0.02, 0.5));
      await holdLock(stage, 60_000);
    },
  },
  {
    name: 'postgres-disk-full',
    group: 'postgres',
    does: 'the disk of Postgres is full for ten seconds',
    doubles: true,
    unavailable: noDisk,
    async inflict(stage) {
      const { disk } = stage.services.postgres;
      await outage(stage, {
        between: [0.05, 0.4],
        forMs: 10_000,
        hurt: () => disk!.fill(0),
        async mend() {
          await disk!.mend();
          // It may have ended itself where the log could not be written.
          await stage.services.postgres.start();
        },
      });
    },
  },
  {
    name: 'postgres-slow',
    group: 'postgres',
    does: 'everything to and from Postgres takes 25 to 50 ms longer each way, at 2 MB a second, for thirty seconds',
    doubles: true,
    inflict: (stage) =>
      outage(stage, {
        between: [0.02, 0.2],
        forMs: 30_000,
        hurt: () => stage.proxies.postgres.slow(whole(stage, 25, 50), 2_000_000),
        mend: () => stage.proxies.postgres.mend(),
      }),
  },
];
