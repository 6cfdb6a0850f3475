/**
 * `npm run allim -- topics [--check]`: makes the topics that are missing and checks all of them; with `--check` it only checks. Production
 * makes none by itself, so that a mistyped broker does not become a second installation. Safe to run again, by several at once too.
 */
import { parseArgs } from 'node:util';
import { createKafkaBroker } from '../../broker/kafka.ts';
import { loadConfig } from '../config.ts';
import { createLogger, topicSpecs } from '../context.ts';
import type { Command } from './commands.ts';

export const topics: Command = {
  does: 'makes the Kafka topics that are missing and checks all; --check makes none',
  async run(argv) {
    const { values } = parseArgs({
      args: [...argv],
      options: { check: { type: 'boolean', default: false } },
    });
    const config = loadConfig(process.env);
    if (config.kafka === null) {
      process.stdout.write('no KAFKA_BROKERS: the event log is in Postgres, which makes its own topics\n');
      return 0;
    }
    const { brokers, ssl, sasl } = config.kafka;
    const broker = createKafkaBroker({
      brokers,
      clientId: 'allim-topics',
      ssl,
      ...(sasl === null ? {} : { sasl }),
      logger: createLogger(config),
    });
    const specs = topicSpecs(config.partitions);
    try {
      await broker.start();
      await broker.prepare(specs, { create: !values.check });
    } finally {
      await broker.stop();
    }
    for (const { topic, partitions, compacted } of specs)
      process.stdout.write(`${topic}: ${partitions} partitions${compacted ? ', compacted' : ''}\n`);
    return 0;
  },
};
