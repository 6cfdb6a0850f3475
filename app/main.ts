/**
 * `npm run allim -- ROLE`: reads the configuration, builds the context, starts the role, waits for a signal, stops in reverse.
 * `npm run allim -- COMMAND …` is one of app/commands instead. Exit codes: 0 after a clean stop, 1 where it could not start or stop, 2 for a wrong command line.
 */
// First: it sets what other modules ask for when they are loaded.
import './trial-conditions.ts';

import { messageOf } from '../domain/errors.ts';
import { COMMANDS } from './commands/commands.ts';
import { loadConfig } from './config.ts';
import { createContext } from './context.ts';
import { keepHeapTight } from './memory.ts';
import { ROLES, type Role } from './roles.ts';
import { startRoles } from './start-roles.ts';

/** Work under way may take as long as its protocol wants, but not the patience of whoever stops us. */
const STOP_WITHIN_MS = 30_000;
const LEFT_OPEN_MS = 1_000;

async function main(given: string | undefined, rest: readonly string[]): Promise<number> {
  const names: readonly Role[] = given === 'all' ? ROLES : ROLES.filter((role) => role === given);
  const command = COMMANDS.get(given ?? '');
  // `rules` alone is the role, with something after it the command.
  if (command !== undefined && (names.length === 0 || rest.length > 0)) return await command.run(rest);
  if (names.length === 0) {
    const commands = [...COMMANDS].map(([name, { does }]) => `\n  ${name}: ${does}`);
    process.stderr.write(
      `allim: say which role: ${['all', ...ROLES].join(', ')}${commands.length > 0 ? `; or a command:${commands.join('')}` : ''}\n`,
    );
    return 2;
  }
  const stopping = Promise.withResolvers<string>();
  // Once: the second of a kind kills, as whoever sends it expects.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.resolve(signal));
  const config = loadConfig(process.env);
  if (config.databaseUrl === null) keepHeapTight();
  const context = await createContext(config);
  const { logger } = context;
  try {
    const running = await startRoles(context, names);
    logger.info({ roles: names, ...(running.url === null ? {} : { url: running.url }) }, 'started');
    const signal = await stopping.promise;
    logger.info({ signal }, 'stopping');
    const late = setTimeout(() => {
      logger.error(
        { withinMs: STOP_WITHIN_MS },
        'could not stop in time; what was in flight is looked after by the ledger',
      );
      process.exit(1);
    }, STOP_WITHIN_MS);
    await running.stop();
    await context.stop();
    clearTimeout(late);
    logger.info({}, 'stopped');
    // A connection that a library forgot must not keep a process that has stopped (kafkajs, after an outage).
    setTimeout(() => process.exit(0), LEFT_OPEN_MS).unref();
    return 0;
  } catch (error) {
    await context.stop();
    throw error;
  }
}

try {
  process.exitCode = await main(process.argv[2], process.argv.slice(3));
} catch (error) {
  process.stderr.write(`allim: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
