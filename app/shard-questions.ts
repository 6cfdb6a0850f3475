/** What the role `rules` has beside its shards so that they can be asked: a place where questions are taken, and what reaches whom. */

import { shippedFields } from '../rules/catalogue.ts';
import { createQuestionServer } from '../rules/run/question-server.ts';
import { answerQuestion } from '../rules/run/questions.ts';
import type { ShardServer } from '../rules/run/shard-server.ts';
import type { Context } from './context.ts';
import { createReachFeed } from './reach-feed.ts';

export type ShardQuestions = {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Where questions are taken; null before the start and after the stop. */
  url(): string | null;
};

export function createShardQuestions(context: Context, shards: ShardServer): ShardQuestions {
  const { config, sealer, clock, logger, pool } = context;
  const fields = shippedFields();
  const server = createQuestionServer({
    host: config.questions.host,
    port: config.questions.port,
    sealer,
    clock,
    logger,
    answer: (question, signal) =>
      answerQuestion(
        question,
        {
          fields,
          shards: () => shards.held(),
          partitions: () => shards.status().offsets.length,
          pseudonym: (agency, id) =>
            sealer.index(`sample/${agency}`, id).subarray(0, 9).toString('base64url'),
        },
        signal,
      ),
  });
  const reach = createReachFeed({
    pool,
    clock,
    logger,
    shards: () => shards.held(),
    partitions: () => shards.status().offsets.length,
  });
  let listening = false;
  return {
    async start() {
      await server.start();
      listening = true;
      reach.start();
    },
    async stop() {
      listening = false;
      await reach.stop();
      await server.stop();
    },
    url: () => (listening ? server.url() : null),
  };
}
