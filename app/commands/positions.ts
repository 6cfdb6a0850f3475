/**
 * `positions`: where the consumers of the event log stand, and which cannot go on because the log no longer has what follows. `move` lets one go
 * on from somewhere else, on purpose: what lies between is never read.
 */
import type { Broker, TopicPartition } from '../../broker/broker.ts';
import { createEmbeddedBroker } from '../../broker/embedded.ts';
import { createKafkaBroker } from '../../broker/kafka.ts';
import { silentLogger } from '../../domain/logger.ts';
import { movePosition, readPositions, type StoredPosition } from '../../store/positions.ts';
import type { Command } from './commands.ts';
import { type Ledger, runCommand, say, UsageError, withLedger } from './ledger.ts';

const USAGE = `usage: npm run allim -- positions                                        those that are not in the log any more
       npm run allim -- positions all
       npm run allim -- positions move GROUP TOPIC PARTITION begin|end|OFFSET  go on from there; what lies between is never read`;

type Bounds = { readonly begin: number; readonly end: number };

/** Null where the topic is not there. */
export function judgePosition({ offset }: Pick<StoredPosition, 'offset'>, bounds: Bounds | null): string {
  if (bounds === null) return 'the topic is not there';
  const { begin, end } = bounds;
  if (offset < begin) return `${begin - offset} records were deleted before they were read`;
  if (offset > end) return 'the topic was made anew';
  return `${end - offset} to read`;
}

export function inLog({ offset }: Pick<StoredPosition, 'offset'>, bounds: Bounds | null): boolean {
  return bounds !== null && offset >= bounds.begin && offset <= bounds.end;
}

async function withBroker<T>({ config, pool }: Ledger, work: (broker: Broker) => Promise<T>): Promise<T> {
  const logger = silentLogger;
  const { kafka } = config;
  const broker =
    kafka === null
      ? createEmbeddedBroker({ pool, logger })
      : createKafkaBroker({
          brokers: kafka.brokers,
          clientId: 'allim-positions',
          ssl: kafka.ssl,
          ...(kafka.sasl === null ? {} : { sasl: kafka.sasl }),
          logger,
        });
  try {
    await broker.start();
    return await work(broker);
  } finally {
    await broker.stop();
  }
}

async function boundsOf(broker: Broker, { topic, partition }: TopicPartition): Promise<Bounds | null> {
  if (!(await broker.topics(topic)).includes(topic)) return null;
  const [begins, ends] = [await broker.begins(topic), await broker.ends(topic)];
  const [begin, end] = [begins[partition], ends[partition]];
  return begin === undefined || end === undefined ? null : { begin, end };
}

async function list(ledger: Ledger, broker: Broker, all: boolean): Promise<void> {
  let shown = 0;
  for (const position of await readPositions(ledger.pool)) {
    const bounds = await boundsOf(broker, position);
    if (!all && inLog(position, bounds)) continue;
    shown++;
    const range = bounds === null ? '' : `, the log has ${bounds.begin} to ${bounds.end}`;
    say(
      `${position.group} ${position.topic} ${position.partition}: at ${position.offset}${range}: ${judgePosition(position, bounds)}`,
    );
  }
  if (shown === 0) say(all ? 'no consumer has a position yet' : 'every position is in the log');
}

async function move(ledger: Ledger, broker: Broker, given: readonly string[]): Promise<void> {
  const [group = '', topic = '', number = '', to = ''] = given;
  const partition = Number(number);
  if (given.length !== 4 || !/^\d+$/.test(number))
    throw new UsageError('say GROUP TOPIC PARTITION and where to');
  const bounds = await boundsOf(broker, { topic, partition });
  if (bounds === null) throw new Error(`the log has no ${topic}/${partition}`);
  const offset =
    to === 'begin' ? bounds.begin : to === 'end' ? bounds.end : /^\d+$/.test(to) ? Number(to) : -1;
  if (offset < bounds.begin || offset > bounds.end)
    throw new UsageError(`${to} is not between ${bounds.begin} and ${bounds.end}, which the log has`);
  if (!(await movePosition(ledger.pool, group, { topic, partition }, offset)))
    throw new Error(`${group} has no position in ${topic}/${partition}`);
  say(`${group} goes on at ${offset} of ${topic}/${partition}, within seconds`);
}

export const positions: Command = {
  does: 'where consumers stand in the log, and how to move one that cannot go on',
  run: (argv) =>
    runCommand(USAGE, async () => {
      const [action = '', ...rest] = argv;
      if (!['', 'all', 'move'].includes(action)) throw new UsageError(`${action} is no action`);
      if (action !== 'move' && rest.length > 0) throw new UsageError(`${rest.join(' ')} is too many`);
      await withLedger(process.env, (ledger) =>
        withBroker(ledger, (broker) =>
          action === 'move' ? move(ledger, broker, rest) : list(ledger, broker, action === 'all'),
        ),
      );
    }),
};
