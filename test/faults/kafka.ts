/** What happens to the event log: its brokers, the wires to them, and what stands in it. */
import { TOPICS } from '../../domain/records.ts';
import type { Fault, Stage } from './fault.ts';
import { moveLeaders, repeatRecords, storm } from './kafka-hands.ts';
import { corruptRecords } from './kafka-rubbish.ts';
import { deleteUnread, remakeTopic } from './kafka-topics.ts';
import { outage, pick, shuffled, whole, within } from './outage.ts';
import type { FaultyProxy } from './proxy.ts';

function wires(stage: Stage): FaultyProxy[] {
  return Array.from({ length: stage.services.kafka.brokers }, (_, at) => stage.proxies[`kafka-${at + 1}`]!);
}
const nodes = (stage: Stage) => Array.from({ length: stage.services.kafka.brokers }, (_, at) => at + 1);

async function startAll(stage: Stage): Promise<void> {
  await Promise.all(nodes(stage).map((node) => stage.services.kafka.start(node)));
}

function wired(
  name: string,
  does: string,
  forMs: number,
  hurt: (wire: FaultyProxy, stage: Stage) => void,
): Fault {
  return {
    name,
    group: 'kafka',
    does,
    inflict: (stage) =>
      outage(stage, {
        between: [0.02, 0.5],
        forMs,
        hurt() {
          for (const wire of wires(stage)) hurt(wire, stage);
        },
        mend() {
          for (const wire of wires(stage)) wire.mend();
        },
      }),
  };
}

const killed = (stage: Stage): Promise<void> => {
  const node = pick(stage, nodes(stage));
  return outage(stage, {
    between: [0.02, 0.6],
    forMs: 10_000,
    hurt: () => stage.services.kafka.kill(node),
    mend: () => stage.services.kafka.start(node),
  });
};

async function restarted(stage: Stage): Promise<void> {
  await stage.arrived(within(stage, 0.02, 0.5));
  try {
    await Promise.all(nodes(stage).map((node) => stage.services.kafka.stop(node)));
  } finally {
    await startAll(stage);
  }
}

const QUESTIONS_AND_PAGES = [...Object.values(TOPICS.requests), ...Object.values(TOPICS.audiences)];

export const KAFKA_FAULTS: readonly Fault[] = [
  {
    name: 'kafka-killed',
    group: 'kafka',
    does: 'kill -9 of the broker, started again after ten seconds',
    inflict: killed,
  },
  {
    name: 'kafka-restarted',
    group: 'kafka',
    does: 'the broker is stopped in order and started again',
    inflict: restarted,
  },
  {
    name: 'kafka-paused',
    group: 'kafka',
    does: 'the broker stands still for twenty seconds (SIGSTOP)',
    inflict: (stage) =>
      outage(stage, {
        between: [0.02, 0.5],
        forMs: 20_000,
        hurt: () => stage.services.kafka.freeze(1),
        mend: () => stage.services.kafka.thaw(1),
      }),
  },
  wired(
    'kafka-cut',
    'connections to the brokers are reset, and for fifteen seconds each new one too',
    15_000,
    (wire) => wire.cut(),
  ),
  wired(
    'kafka-deaf',
    'requests reach the brokers and answers do not come back, for thirty seconds',
    30_000,
    (wire) => wire.silence('to-client'),
  ),
  wired(
    'kafka-network-gone',
    'the network to the brokers goes away for a minute, connections stay open',
    60_000,
    (wire) => wire.silence('both'),
  ),
  wired(
    'kafka-slow',
    'everything to and from the brokers takes 100 to 200 ms longer each way, at 1 MB a second, for thirty seconds',
    30_000,
    (wire, stage) => wire.slow(whole(stage, 100, 200), 1_000_000),
  ),
  {
    name: 'kafka-half-open',
    group: 'kafka',
    does: 'the brokers lose all connections, twice, and their clients are never told',
    async inflict(stage) {
      for (const from of [0.02, 0.4]) {
        await stage.arrived(within(stage, from, from + 0.3));
        for (const wire of wires(stage)) wire.forget();
      }
    },
  },
  {
    name: 'kafka-rebalances',
    group: 'kafka',
    does: "for thirty seconds, three at a time, strange members join the product's groups, hold partitions and leave",
    async inflict(stage) {
      await stage.arrived(within(stage, 0.01, 0.1));
      await storm(stage, 30_000);
    },
  },
  {
    name: 'kafka-duplicates',
    group: 'kafka',
    does: 'events, questions and pages are written once more, in another order, while they are worked on',
    async inflict(stage) {
      await stage.arrived(within(stage, 0.1, 0.5));
      await repeatRecords(stage, QUESTIONS_AND_PAGES, 50, false);
      await repeatRecords(stage, [TOPICS.events], 500, false);
      await stage.arrived(0.9);
      await repeatRecords(stage, QUESTIONS_AND_PAGES, 50, false);
    },
  },
  {
    name: 'kafka-reordered',
    group: 'kafka',
    does: 'events come once more on other partitions, early and late, so that any of two may be taken in first',
    async inflict(stage) {
      await repeatRecords(stage, [TOPICS.events], 1_000, true);
      await stage.arrived(within(stage, 0.05, 0.5));
      await repeatRecords(stage, [TOPICS.events], 1_000, true);
    },
  },
  {
    name: 'kafka-corrupt',
    group: 'kafka',
    does: 'rubbish among the records of every topic: bytes, broken JSON, sealed values that cannot be opened',
    async inflict(stage) {
      await stage.arrived(within(stage, 0.02, 0.5));
      await corruptRecords(stage);
    },
  },
  {
    name: 'kafka-topic-made-anew',
    group: 'kafka',
    does: "an agency's topic is deleted and made anew under its name: its partition stands still and says so until somebody moves the position",
    async inflict(stage) {
      await stage.arrived(within(stage, 0.02, 0.3));
      await remakeTopic(stage);
    },
  },
  {
    name: 'kafka-offsets-out-of-range',
    group: 'kafka',
    does: 'records are deleted before they are read: their partition stands still and says so until somebody moves the position',
    async inflict(stage) {
      await stage.arrived(within(stage, 0.02, 0.3));
      await deleteUnread(stage);
    },
  },
  {
    name: 'kafka-one-of-three-killed',
    group: 'kafka',
    brokers: 3,
    does: 'kill -9 of one broker of three, started again after ten seconds',
    inflict: killed,
  },
  {
    name: 'kafka-rolling-restart',
    group: 'kafka',
    brokers: 3,
    does: 'three brokers are restarted one after the other',
    async inflict(stage) {
      await stage.arrived(within(stage, 0.02, 0.3));
      for (const node of shuffled(stage, nodes(stage)))
        try {
          await stage.services.kafka.stop(node);
          await stage.pause(2_000);
        } finally {
          await stage.services.kafka.start(node);
        }
    },
  },
  {
    name: 'kafka-three-restarted',
    group: 'kafka',
    brokers: 3,
    does: 'kill -9 of all three brokers, and all are started again',
    async inflict(stage) {
      await stage.arrived(within(stage, 0.02, 0.5));
      try {
        await Promise.all(nodes(stage).map((node) => stage.services.kafka.kill(node)));
      } finally {
        await startAll(stage);
      }
    },
  },
  {
    name: 'kafka-leaders-moved',
    group: 'kafka',
    brokers: 3,
    does: 'every partition gets another leader, twice, under load',
    async inflict(stage) {
      for (const from of [0.02, 0.4]) {
        await stage.arrived(within(stage, from, from + 0.3));
        await moveLeaders(stage);
      }
    },
  },
];
