/**
 * The topics `agency-events.<agency>` beside the shared one. Their list is looked at every so often, and a consumer subscribes to those it
 * finds: kafkajs resolves a pattern only when it subscribes, so a new topic means a new consumer, and is read from its beginning. A topic
 * whose agency nobody knows is not read; it is as soon as the agency is.
 */
import type { Broker, Consumer, Subscription } from '../broker/broker.ts';
import { AllimError } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { AGENCY_TOPIC_PREFIX, agencyOfTopic } from '../domain/records.ts';
import type { Catalogue } from '../store/catalogue.ts';
import { createTask, type Task } from './task.ts';

export type AgencyTopicsParts = {
  readonly broker: Broker;
  readonly catalogue: Catalogue;
  readonly logger: Logger;
  readonly subscription: Omit<Subscription, 'group' | 'topics'>;
  /** Makes the topics that agencies lack, as outside production; null where that is the operator's. */
  readonly create: { readonly partitions: number } | null;
  /** 20 s unless told: a new topic is then read within 30 s, with the time that a group takes to settle. */
  readonly lookEveryMs?: number;
};

export type AgencyTopics = {
  start(): void;
  stop(): Promise<void>;
  healthy(): boolean;
};

/**
 * A group of its own: members that differ in what they subscribe to must not disturb the shared topic. While processes look at different
 * moments, a topic that only some know is given to those.
 */
const GROUP = 'allim-dispatcher-agency-events';
const LOOK_MS = 20_000;

export function createAgencyTopics(parts: AgencyTopicsParts): AgencyTopics {
  const { broker, catalogue, logger } = parts;
  const told = new Set<string>();
  let topics: readonly string[] = [];
  let consumer: Consumer | undefined;

  async function look(): Promise<boolean> {
    const { agencies } = await catalogue.refresh();
    let names = await broker.topics(AGENCY_TOPIC_PREFIX);
    if (parts.create !== null) {
      const { partitions } = parts.create;
      const missing = [...agencies.keys()]
        .map((agency) => AGENCY_TOPIC_PREFIX + agency)
        .filter((topic) => !names.includes(topic));
      if (missing.length > 0) {
        await broker.prepare(
          missing.map((topic) => ({ topic, partitions, compacted: false })),
          { create: true },
        );
        names = [...names, ...missing].toSorted();
      }
    }
    const known = names.filter((topic) => agencies.has(agencyOfTopic(topic) ?? ''));
    for (const topic of names)
      if (!known.includes(topic) && !told.has(topic)) {
        told.add(topic);
        logger.warn({ topic }, 'a topic of events is not read: no agency of that name is known');
      }
    if (known.join() !== topics.join()) await follow(known);
    return false;
  }

  async function follow(known: readonly string[]): Promise<void> {
    logger.info({ topics: known.length, before: topics.length }, "the list of agencies' topics changed");
    await consumer?.stop();
    consumer = undefined;
    // Until all of it is done: what fails here is done again at the next look.
    topics = [];
    if (known.length === 0) return;
    await tellCompacted(known);
    consumer = broker.subscribe({ ...parts.subscription, group: GROUP, topics: known });
    await consumer.start();
    topics = known;
  }

  /** Of two events with one key a compacted topic keeps the second: whoever made it has to change it, and until then we read what is left. */
  async function tellCompacted(known: readonly string[]): Promise<void> {
    for (const topic of known) {
      const partitions = (await broker.ends(topic)).length;
      await broker
        .prepare([{ topic, partitions, compacted: false }], { create: false })
        .catch((error: unknown) => {
          if (!(error instanceof AllimError) || error.code !== 'topic-invalid') throw error;
          logger.error({ topic, code: error.code }, `events of a topic may be lost: ${error.message}`);
        });
    }
  }

  const task: Task = createTask("agencies' topics", parts.lookEveryMs ?? LOOK_MS, look, logger);
  return {
    start: () => task.start(),
    async stop() {
      await task.stop();
      await consumer?.stop();
      consumer = undefined;
      topics = [];
    },
    healthy: () => consumer?.healthy() ?? true,
  };
}

/** Whoever may write to an agency's topic may say nothing for another agency. Throws `source-foreign`. */
export function needTopicOf(topic: string, agency: string): void {
  const owner = agencyOfTopic(topic);
  if (owner !== undefined && owner !== agency)
    throw new AllimError(
      'source-foreign',
      `the topic carries events of ${owner}, and this is one of ${agency}`,
      {
        faults: [{ pointer: '/type', message: `is an event type of ${agency}` }],
      },
    );
}
