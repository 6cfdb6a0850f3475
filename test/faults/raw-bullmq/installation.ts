/**
 * The same run with notices on bare BullMQ in the product's place: the same servers, sinks, faults, inputs and oracle. It has no ledger, so
 * nothing says when it is done: it is done when everything has arrived, or when nothing has for longer than BullMQ's longest wait
 * (a lock of 30 s, then two looks for stalled jobs 30 s apart).
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createKafkaBroker } from '../../../broker/kafka.ts';
import { dayOf } from '../../../domain/clock.ts';
import { silentLogger } from '../../../domain/logger.ts';
import { createInputs, makePeople } from '../inputs.ts';
import { type Installation, type InstallationOptions, openOracle, PARTITIONS } from '../installation.ts';
import { preparePeople } from '../oracle.ts';
import { LogTail, startSinks } from '../sinks.ts';
import { startSurroundings } from '../surroundings.ts';
import { createRawProcesses } from './processes.ts';

const QUIET_MS = 100_000;

export async function startRawInstallation(options: InstallationOptions): Promise<Installation> {
  const { folder, seed, notices, say } = options;
  const ending: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const end of ending.splice(0).toReversed())
      await end().catch((error: Error) => say(`could not be ended: ${error.message}`));
    return [];
  };
  try {
    const servers = await startSurroundings(folder, { brokers: 1 });
    ending.push(() => servers.stop());
    const sinks = await startSinks(folder, options.smsBy);
    ending.push(() => sinks.stop());
    const judging = await openOracle(folder);
    ending.push(() => judging.stop());
    const people = makePeople(seed, Math.max(240, Math.round(notices * 0.6)), null);
    await preparePeople(judging.pool, people);
    const known = path.join(folder, 'people.json');
    await writeFile(known, JSON.stringify(addresses(people)));
    const broker = createKafkaBroker({
      brokers: servers.env.KAFKA_BROKERS.split(','),
      clientId: 'faults',
      logger: silentLogger,
    });
    await broker.start();
    await broker.prepare([{ topic: 'agency-events', partitions: PARTITIONS, compacted: false }], {
      create: true,
    });
    await broker.stop();
    const product = createRawProcesses(folder, {
      ...servers.env,
      ...sinks.env,
      REDIS_PORT: new URL(servers.env.REDIS_URL).port,
      PEOPLE: known,
    });
    ending.push(() => product.stopAll());
    const log = new LogTail(sinks.logFile);
    ending.push(() => log.close());
    await product.startAll();
    say('a consumer and a worker on bare BullMQ run');
    const asOf = dayOf(Date.now());
    return {
      ...options,
      asOf,
      servers,
      sinks,
      product,
      inputs: createInputs({ seed, asOf, people, slices: [], plain: true }),
      oracle: judging.pool,
      log,
      token: '',
      // There is no ledger to ask.
      sql: async () => [],
      status: async () => null,
      async rest(from, expected) {
        let count = -1;
        let since = performance.now();
        for (;;) {
          const now = (await log.read()).length;
          if (now !== count) since = performance.now();
          count = now;
          // Copies may follow for a moment.
          const quietMs = performance.now() - since;
          if (quietMs > QUIET_MS || (quietMs > 5_000 && (await allHere(log, from.line, expected))))
            return null;
          await delay(200);
        }
      },
      // Nobody's address is ever marked.
      renewAddresses: async () => {},
      async mend() {
        for (const wire of Object.values({ ...servers.proxies, ...sinks.proxies })) wire.mend();
        for (const channel of ['push', 'email', 'sms'] as const) sinks.fail(channel, null);
        await servers.services.redis.start();
        servers.services.redis.thaw();
        await product.restore();
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The mailbox of each who has one. */
function addresses(people: ReturnType<typeof makePeople>): Readonly<Record<string, string>> {
  const known: Record<string, string> = {};
  for (const { id, contactPoints } of people)
    for (const point of contactPoints) if (point.channel === 'email') known[id] = point.address;
  return known;
}

/** Every amount is another notice's. */
async function allHere(log: LogTail, from: number, expected: number): Promise<boolean> {
  const texts = (await log.read()).slice(from).map(({ text }) => /(\d+)원/.exec(text)?.[1]);
  return new Set(texts).size >= expected;
}
