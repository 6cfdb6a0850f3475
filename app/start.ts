/**
 * `npm start`: everything in one process on the embedded default, with a demonstration that can be looked at afterwards. Options: `--exit`
 * ends when the demonstration is over; `--json` puts its summary as one JSON object on the last line of standard output; `--port N`,
 * `--data DIR`, `--citizens N`. Exit code 1 where somebody was missed, or told what did not concern them; 130 where a signal came before the end.
 */
import { parseArgs } from 'node:util';
import { messageOf } from '../domain/errors.ts';
import { readSimulatedSends } from '../store/simulated-sends.ts';
import { readStatus } from '../web/api/status.ts';
import type { Progress } from '../web/demonstration/overview.ts';
import { loadConfig } from './config.ts';
import { createContext } from './context.ts';
import { rememberStory, runDemonstration, type Summary } from './demonstration.ts';
import { layOnDesks } from './demonstration-desk.ts';
import type { Left } from './demonstration-oracle.ts';
import { demonstrationPage } from './demonstration-page.ts';
import { DEMONSTRATION_SEED } from './demonstration-week.ts';
import { populationOf } from './http.ts';
import { keepHeapTight } from './memory.ts';
import { ROLES } from './roles.ts';
import { seedCatalogue } from './seed.ts';
import { seedPopulation } from './seed-population.ts';
import { startRoles } from './start-roles.ts';

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

function options() {
  const { values } = parseArgs({
    options: {
      exit: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      port: { type: 'string' },
      data: { type: 'string' },
      citizens: { type: 'string', default: '50000' },
    },
  });
  const citizens = Number(values.citizens);
  if (!Number.isInteger(citizens) || citizens < 1_000 || citizens > 5_000_000)
    throw new Error(`--citizens takes a number from 1,000 to 5,000,000, not ${values.citizens}`);
  return { ...values, citizens };
}

/** What a person would read of one sending. The link that stops such mails is none of it: chance may spell anything there. */
function textOf(content: Readonly<Record<string, unknown>>): string {
  const said = ['title', 'subject', 'body', 'text']
    .map((part) => content[part])
    .filter((part) => typeof part === 'string')
    .join('\n');
  const stop = content['unsubscribe'];
  return typeof stop === 'string' ? said.replace(stop, '') : said;
}

function report(summary: Summary): string {
  const { sent } = summary;
  return [
    '',
    `  ${summary.events} events about ${summary.citizens.toLocaleString('en')} citizens`,
    `  ${summary.matched.toLocaleString('en')} matches, ${summary.notifications.toLocaleString('en')} notices in inboxes`,
    `  sent: ${sent.push.toLocaleString('en')} push, ${sent.email.toLocaleString('en')} email, ${sent.sms.toLocaleString('en')} SMS (to the outbox: nothing left this machine)`,
    `  held ${summary.held}, suppressed ${summary.suppressed}, failed ${summary.failed}`,
    `  lost ${summary.lost}, unexpected ${summary.unexpected}, doubled ${summary.doubled}: counted by SQL over the seed against the outbox`,
    `  ${summary.seconds} s`,
    '',
  ].join('\n');
}

/** What a shell gives to those whom Ctrl-C ended. */
const INTERRUPTED = 130;

class Interrupted extends Error {}

async function main(): Promise<number> {
  const startedMs = performance.now();
  const given = options();
  const stopping = Promise.withResolvers<void>();
  // Once: the second of a kind kills, as whoever sends it expects.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.resolve());
  /** The work, or `Interrupted` as soon as a signal came; what the work still does ends with the context under it. */
  const orInterrupted = <T>(work: Promise<T>): Promise<T> =>
    Promise.race([work, stopping.promise.then(() => Promise.reject(new Interrupted()))]);
  const config = loadConfig({
    ALLIM_LOG_LEVEL: 'warn',
    ...process.env,
    ...(given.port === undefined ? {} : { PORT: given.port }),
    ...(given.data === undefined ? {} : { ALLIM_DATA: given.data }),
  });
  if (config.env === 'production')
    throw new Error('npm start is the demonstration; in production start roles: npm run allim -- ROLE');
  say('starting Postgres, the event log and the queue');
  if (config.databaseUrl === null) keepHeapTight();
  const context = await createContext(config);
  try {
    const { pool, broker, sealer, clock, logger } = context;
    await seedCatalogue(pool, logger);
    await context.catalogue.refresh();
    const remembered = await rememberStory(pool, given.citizens, clock.nowMs());
    if (remembered.citizens !== given.citizens)
      say(
        `this data folder has a demonstration of ${remembered.citizens} citizens; --data DIR makes another`,
      );
    let saidAt = performance.now();
    const seeded = await orInterrupted(
      seedPopulation(context, DEMONSTRATION_SEED, remembered.citizens, remembered.atMs, (done) => {
        if (performance.now() - saidAt < 1_000) return;
        saidAt = performance.now();
        say(`  ${done} of ${remembered.citizens} citizens`);
      }),
    );
    say(
      seeded > 0
        ? `${seeded} synthetic citizens seeded`
        : `${remembered.citizens} synthetic citizens are there already`,
    );
    let progress: Progress = { state: 'running', line: '', counted: null };
    const tell = (line: string): void => {
      progress = { ...progress, line: line.trim() };
      say(line);
    };
    const running = await startRoles(
      context,
      ROLES,
      demonstrationPage(context, remembered.citizens, () => progress),
    );
    try {
      say(`look at ${running.url}`);
      const { eventTypes } = context.catalogue.current();
      const told = runDemonstration(
        {
          pool,
          broker,
          status: () => readStatus({ ...context, population: () => populationOf(pool) }),
          outbox: async function* (events): AsyncGenerator<Left[]> {
            for await (const rows of readSimulatedSends(pool, sealer))
              yield rows
                .filter(({ event }) => event === null || events.has(`${event.source} ${event.id}`))
                .map(({ channel, address, content }) => ({ channel, address, text: textOf(content) }));
          },
          say: tell,
          titleOf: (type) => eventTypes.get(type)?.title['en'],
        },
        remembered,
        startedMs,
      );
      const summary = await orInterrupted(told).catch((error: unknown) => {
        if (given.exit || error instanceof Interrupted) throw error;
        // A channel that somebody stopped, say: the page tells them, and everything else goes on.
        progress = { state: 'failed', line: messageOf(error), counted: null };
        say(`the demonstration did not come to its end: ${messageOf(error)}`);
        return null;
      });
      if (summary !== null) {
        progress = { state: 'done', line: '', counted: summary };
        say(report(summary));
      }
      if (!given.exit) {
        if (running.url !== null)
          await layOnDesks({ ...context, url: running.url, secure: false }).catch((error: unknown) =>
            say(`nothing waits for staff: ${messageOf(error)}`),
          );
        say(`running: look at ${running.url}; Ctrl-C ends it`);
        await stopping.promise;
      }
      await running.stop();
      await context.stop();
      if (given.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
      return summary !== null && summary.lost + summary.unexpected + summary.doubled === 0 ? 0 : 1;
    } finally {
      await running.stop();
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    say('interrupted');
    return INTERRUPTED;
  } finally {
    await context.stop();
  }
}

process.exitCode = await main().catch((error: unknown) => {
  say(`allim: ${messageOf(error)}`);
  return 1;
});
