/**
 * `npm run spine [-- --seed N] [--citizens N] [--programmes] [--kills] [--small] [--keep]`: the proof that an agency's event on a real Kafka
 * reaches the right citizens by push, email and SMS, once. Real Kafka, Redis and Postgres, a process a role and two workers, sinks that speak
 * the protocols, inputs by kcat and HTTP, and an oracle in SQL that knows the inputs only. With `--programmes` all published rules are live by
 * events of their own, and the product's clock begins at eight in the morning, so that what is due at nine can come. Exit code 0 when all
 * holds. The evidence stays where it does not.
 */
import { spawn } from 'node:child_process';
import { createECDH, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { topicSpecs } from '../../app/context.ts';
import { seedCatalogue } from '../../app/seed.ts';
import { createKafkaBroker } from '../../broker/kafka.ts';
import { dayOf, instantOf } from '../../domain/clock.ts';
import { silentLogger } from '../../domain/logger.ts';
import { randomStream, type SyntheticCitizen } from '../../producers/population.ts';
import { startKafka, stopKafka } from '../../scripts/services/kafka.ts';
import { freePorts } from '../../scripts/services/process.ts';
import { startRedis, stopRedis } from '../../scripts/services/redis.ts';
import { startBundledPostgres } from '../../store/bundled.ts';
import { migrate } from '../../store/migrate.ts';
import { createPool, type Pool } from '../../store/postgres.ts';
import {
  copyRows,
  judge,
  loadLedger,
  loadPlan,
  loadSeen,
  personRow,
  pointRows,
  type Row,
  type Verdict,
} from './oracle.ts';
import { ACTS, FULL, makePlan, PROGRAMMES, people, type Size, SMALL } from './plan.ts';
import { createProcesses, PROCESSES } from './processes.ts';
import { openProfiles, type Producible, produceEvents, putCitizens } from './produce.ts';
import {
  judgeConditions,
  judgeProgrammes,
  linesOf,
  type ProgrammeVerdict,
  profileCells,
  widenPeople,
} from './programme-oracle.ts';
import { makeProgrammes } from './programmes.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const PARTITIONS = 8;

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    citizens: { type: 'string' },
    programmes: { type: 'boolean', default: false },
    kills: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const LIMIT_MS = (values.programmes ? 40 : 15) * 60_000;
const seed = Number(values.seed);
const base = values.small ? SMALL : FULL;
const size: Size = { ...base, citizens: Number(values.citizens ?? base.citizens) };
if (
  !Number.isSafeInteger(seed) ||
  !Number.isSafeInteger(size.citizens) ||
  size.citizens < size.reachable * 2
) {
  process.stderr.write(
    `--seed and --citizens take whole numbers, of citizens at least ${size.reachable * 2}\n`,
  );
  process.exit(2);
}

/** How far the clocks of the product and the sinks are ahead: with programmes it is eight o'clock when the run begins. */
const shiftMs = values.programmes ? instantOf(dayOf(Date.now()), '08:00') - Date.now() : 0;

const startedAt = performance.now();
const lines: string[] = [];
function say(line: string): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
  lines.push(`${seconds} s  ${line}`);
  process.stdout.write(`${lines.at(-1)}\n`);
}
let saidAt = 0;
/** Progress: at most a line every five seconds. */
function mention(line: () => string): void {
  if (performance.now() - saidAt < 5_000) return;
  saidAt = performance.now();
  say(`  ${line()}`);
}

/** What the run has started, ended in reverse whatever happens. */
const ending: (() => Promise<unknown>)[] = [];

type Status = {
  idle: boolean;
  backlog: Record<string, number>;
  /** null until a shard has said what it holds. */
  population: { citizens: number } | null;
  quarantine: number;
};

const known = ({ population }: Status): number => population?.citizens ?? 0;

type SinkName = 'smtp' | 'push' | 'smsc';

/** `stop` resolves to what the sinks found wrong with what came, a line each. */
async function startSinks(
  folder: string,
): Promise<{ urls: Record<SinkName, { url: string }>; stop(): Promise<string[]> }> {
  const args = ['--smtp', '0', '--push', '0', '--smsc', '0', '--log', path.join(folder, 'sinks.jsonl')];
  args.push(`--clock-shift=${shiftMs}`);
  const child = spawn(
    path.join(ROOT, 'node_modules', '.bin', 'node'),
    [path.join(ROOT, 'test', 'sinks', 'main.ts'), ...args],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    }
    return complaints.split('\n').filter((line) => line !== '');
  };
  ending.push(stop);
  const { value } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  return { urls: JSON.parse(value as string) as Record<SinkName, { url: string }>, stop };
}

async function startServices(folder: string) {
  const [redis, kafka] = await Promise.all([
    startRedis(path.join(folder, 'redis')),
    startKafka(path.join(folder, 'kafka'), 1),
  ]);
  ending.push(() => stopRedis(redis));
  ending.push(() => stopKafka(kafka));
  const postgres = await startBundledPostgres({
    dataDir: path.join(ROOT, '.cache', 'spine-postgres'),
    logger: silentLogger,
  });
  ending.push(() => postgres.stop());
  const database = (name: string) => {
    const url = new URL(postgres.url);
    url.pathname = `/${name}`;
    return url.toString();
  };
  const admin = createPool({ url: postgres.url, max: 1, logger: silentLogger });
  for (const name of ['allim', 'oracle']) {
    await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
    await admin.query(`CREATE DATABASE ${name}`);
  }
  await admin.end();
  return {
    brokers: kafka.map((broker) => `127.0.0.1:${broker.port}`).join(','),
    redisUrl: `redis://127.0.0.1:${redis.port}`,
    productUrl: database('allim'),
    oracleUrl: database('oracle'),
  };
}

function openDatabase(url: string): Pool {
  const pool = createPool({ url, max: 4, logger: silentLogger });
  ending.push(() => pool.end());
  return pool;
}

async function run(folder: string): Promise<boolean> {
  const asOf = dayOf(Date.now() + shiftMs);
  const programmes = values.programmes ? makeProgrammes(seed, size, asOf, PROGRAMMES) : null;
  say(
    `seed ${seed}, ${size.citizens} citizens, ${size.districts + 2} windows, ${size.targeted} assessments${programmes === null ? '' : `, ${programmes.events.length} events of ${programmes.rules.length} further rules`}${values.kills ? ', with kills' : ''}`,
  );
  const services = await startServices(folder);
  const sinks = await startSinks(folder);
  say(`Kafka ${services.brokers}, Redis, Postgres and the sinks run`);
  const token = randomBytes(32).toString('hex');
  const vapid = createECDH('prime256v1');
  vapid.generateKeys();
  const [web = 0, producers = 0] = await freePorts(2);
  const env = {
    DATABASE_URL: services.productUrl,
    REDIS_URL: services.redisUrl,
    KAFKA_BROKERS: services.brokers,
    SMTP_URL: sinks.urls.smtp.url,
    SMS_URL: sinks.urls.smsc.url,
    SMS_FROM: '15990000',
    VAPID_SUBJECT: 'mailto:allim@example.kr',
    VAPID_PUBLIC_KEY: vapid.getPublicKey('base64url'),
    VAPID_PRIVATE_KEY: vapid.getPrivateKey().toString('base64url').padStart(43, 'A'),
    ALLIM_PUSH_LOOPBACK: 'true',
    ALLIM_PARTITIONS: String(PARTITIONS),
    ALLIM_DATA: path.join(folder, 'data'),
    ALLIM_ADMIN_TOKEN: token,
    ALLIM_ENCRYPTION_KEY: randomBytes(32).toString('hex'),
    ALLIM_INDEX_KEY: randomBytes(32).toString('hex'),
    ALLIM_CLOCK_SHIFT: String(shiftMs),
  };
  const product = openDatabase(services.productUrl);
  const oracle = openDatabase(services.oracleUrl);
  await migrate(product, { logger: silentLogger });
  await seedCatalogue(product, silentLogger);
  const broker = createKafkaBroker({
    brokers: services.brokers.split(','),
    clientId: 'spine',
    logger: silentLogger,
  });
  await broker.start();
  await broker.prepare(topicSpecs(PARTITIONS), { create: true });
  await broker.stop();

  const plan = makePlan(seed, size, asOf);
  await loadPlan(oracle, plan);
  if (programmes !== null) await widenPeople(oracle);
  const processes = createProcesses(folder, env, { web, producers });
  let processFaults: readonly string[] = [];
  let stopped: Promise<void> | undefined;
  const stopProcesses = () => {
    stopped ??= processes.stop().then((faults) => {
      processFaults = faults;
    });
    return stopped;
  };
  ending.push(stopProcesses);
  await processes.start();
  say(`${PROCESSES.length} processes run: ${PROCESSES.join(', ')}`);

  const { reachable, late } = await loadPeople(services.brokers, oracle, plan, sinks.urls.push.url);
  const url = `http://127.0.0.1:${producers}`;
  await putCitizens(url, token, reachable, (done) => mention(() => `${done} citizens have contact points`));
  say(`contact points of ${reachable.length} citizens by PUT`);

  const status = async (): Promise<Status | null> => {
    const answer = await fetch(`http://127.0.0.1:${web}/api/v1/status`, {
      headers: { authorization: `Bearer ${token}` },
    }).catch(() => null);
    return answer?.ok ? ((await answer.json()) as Status) : null;
  };
  const until = async (what: string, holds: (status: Status) => boolean): Promise<Status> => {
    let times = 0;
    for (;;) {
      if (performance.now() - startedAt > LIMIT_MS)
        throw new Error(`${what}: not within ${LIMIT_MS / 60_000} minutes`);
      const now = await status();
      times = now !== null && holds(now) ? times + 1 : 0;
      if (now !== null && times >= 2) return now;
      if (now !== null)
        mention(
          () =>
            `${what}: ${Object.entries(now.backlog)
              .map(([name, left]) => `${left} ${name}`)
              .join(', ')}; ${known(now)} citizens known`,
        );
      await delay(200);
    }
  };
  await until('reading the population', (s) => known(s) >= size.citizens - size.late);
  say('the shards know everybody');

  const acts: (readonly [title: string, events: readonly Producible[]])[] = ACTS.map((title, act) => [
    title,
    plan.said.filter((event) => event.act === act),
  ]);
  if (programmes !== null) acts.push(['all other programmes', programmes.events]);
  for (const [act, [title, events]] of acts.entries()) {
    if (act === 2) {
      const profiles = openProfiles(services.brokers);
      // Before the profiles: events that wait for these people are judged, and addressed, the moment they arrive.
      await putCitizens(url, token, late, () => {});
      for (const citizen of late) await profiles.write(citizen.id, citizen.profile);
      await profiles.end();
      await until('late profiles', (s) => known(s) >= size.citizens);
    }
    const actAt = performance.now();
    const kills = act === 1 && values.kills ? killEach(processes) : Promise.resolve();
    await produceEvents(
      services.brokers,
      events,
      folder,
      (done) => mention(() => `${done} of ${events.length} events produced by kcat`),
      Date.now() + shiftMs,
    );
    const producedAt = performance.now();
    await kills;
    const { quarantine } = await until('working', (s) => s.idle);
    say(
      `act ${act}, ${title}: ${events.length} events in ${((producedAt - actAt) / 1000).toFixed(1)} s, idle after ${((performance.now() - producedAt) / 1000).toFixed(1)} s more, ${quarantine} in quarantine`,
    );
  }
  if (programmes !== null) {
    for (const type of programmes.notToday) say(`nothing of ${type} can fall due on ${asOf}`);
    const nine = instantOf(asOf, '09:00') + 1_000 - Date.now();
    await processes.restart({ ALLIM_CLOCK_SHIFT: String(Math.max(shiftMs, nine)) });
    await until('reading the population again', (s) => known(s) >= size.citizens);
    const { quarantine } = await until('nine o’clock', (s) => s.idle);
    say(`nine o’clock, everything was stopped and started: idle, ${quarantine} in quarantine`);
  }
  await stopProcesses();
  const complaints = await sinks.stop();
  say('judging');
  await loadSeen(oracle, path.join(folder, 'sinks.jsonl'));
  await loadLedger(oracle, product);
  let others: ProgrammeVerdict | null = null;
  if (programmes !== null) {
    await judgeConditions(oracle, asOf, programmes);
    others = await judgeProgrammes(oracle, programmes);
  }
  const verdict = await judge(oracle, plan);
  return report(verdict, others, [...processFaults, ...complaints], folder);
}

async function loadPeople(brokers: string, oracle: Pool, plan: ReturnType<typeof makePlan>, pushUrl: string) {
  const reachable: SyntheticCitizen[] = [];
  const late: SyntheticCitizen[] = [];
  const profiles = openProfiles(brokers);
  let done = 0;
  async function* rows(): AsyncGenerator<Row> {
    for (const citizen of people(plan, pushUrl)) {
      if (citizen.late) late.push(citizen);
      else {
        await profiles.write(citizen.id, citizen.profile);
        if (citizen.contactPoints.length > 0) reachable.push(citizen);
      }
      done++;
      mention(() => `${done} citizens onto citizen-profiles by kcat`);
      yield values.programmes
        ? [...personRow(citizen), ...profileCells(citizen.profile)]
        : personRow(citizen);
    }
  }
  await copyRows(oracle, 'people', rows());
  await profiles.end();
  await copyRows(oracle, 'points', [...reachable, ...late].flatMap(pointRows));
  say(`${size.citizens - late.length} profiles on citizen-profiles, and in the oracle`);
  return { reachable, late };
}

/** Each process once, in an order and at moments that the seed decides. */
async function killEach(processes: ReturnType<typeof createProcesses>): Promise<void> {
  const random = randomStream(seed, 0xdead);
  const order = [...PROCESSES].map((name) => ({ name, at: random() })).sort((a, b) => a.at - b.at);
  for (const { name } of order) {
    await delay((values.small ? 100 : 3_000) + random() * (values.small ? 1_000 : 9_000));
    say(`kill -9 ${name}`);
    await processes.kill(name, 200 + random() * 2_000);
  }
}

/** Says what was found of the other programmes. Returns what was lost and what was wrong, and what came twice. */
function sayProgrammes(others: ProgrammeVerdict): { wrong: number; doubled: number } {
  for (const line of linesOf(others.table)) say(line);
  say(
    `the other programmes' notices at the sinks: ${others.seen}, wanted ${others.wanted}: missing ${others.missing}, unexpected ${others.unexpected}, doubled ${others.doubled}`,
  );
  say(
    `their inboxes: wanted ${others.inboxWanted}, missing ${others.inboxMissing}, wrong ${others.inboxUnexpected}, doubled ${others.inboxDoubled}`,
  );
  const { missing, unexpected, inboxMissing, inboxUnexpected, inboxDoubled, doubled } = others;
  return { wrong: missing + unexpected + inboxMissing + inboxUnexpected + inboxDoubled, doubled };
}

async function report(
  verdict: Verdict,
  others: ProgrammeVerdict | null,
  faults: readonly string[],
  folder: string,
): Promise<boolean> {
  const { evidence, ...figures } = verdict;
  const seconds = Math.round((performance.now() - startedAt) / 1000);
  const lost = verdict.missing + verdict.inboxMissing;
  const wrong =
    verdict.unexpected +
    verdict.inboxUnexpected +
    verdict.inboxDoubled +
    verdict.badRaces +
    verdict.unflagged;
  for (const fault of faults) say(fault);
  const further = others === null ? { wrong: 0, doubled: 0 } : sayProgrammes(others);
  const doubled = verdict.doubled + further.doubled;
  const holds =
    lost + wrong + further.wrong === 0 &&
    (values.kills || doubled + verdict.left === 0) &&
    faults.length === 0;
  say(
    `the sinks hold ${verdict.seen} notices; wanted ${verdict.wanted}: missing ${verdict.missing}, left as unknown ${verdict.left}, unexpected ${verdict.unexpected}, doubled ${verdict.doubled} (unflagged ${verdict.unflagged}, flagged in the ledger ${verdict.flagged})`,
  );
  say(
    `inboxes: wanted ${verdict.inboxWanted}, missing ${verdict.inboxMissing}, wrong ${verdict.inboxUnexpected}, doubled ${verdict.inboxDoubled}; races ${verdict.races}, unexplained ${verdict.badRaces}`,
  );
  say(holds ? 'the proof holds' : `THE PROOF DOES NOT HOLD; evidence in ${path.relative(ROOT, folder)}`);
  await writeFile(
    path.join(folder, 'verdict.json'),
    JSON.stringify({ figures, evidence, others, faults }, null, 2),
  );
  process.stdout.write(
    `${JSON.stringify({ seed, kills: values.kills, ...size, ...figures, ...programmeFigures(others), faults: faults.length, holds, seconds })}\n`,
  );
  return holds;
}

function programmeFigures(others: ProgrammeVerdict | null): object {
  if (others === null) return {};
  const { table, evidence: _, ...figures } = others;
  return { programmes: { rules: table.length, ...figures } };
}

async function writeDocument(): Promise<void> {
  const command = `npm run spine -- --seed ${seed}${values.citizens === undefined ? '' : ` --citizens ${values.citizens}`}${values.programmes ? ' --programmes' : ''}${values.kills ? ' --kills' : ''}`;
  const name = `${values.kills ? 'with kills' : 'undisturbed'}${values.programmes ? ', all programmes' : ''}`;
  const file = path.join(ROOT, 'docs', 'spine.md');
  const old = await readFile(file, 'utf8').catch(() => '');
  const head =
    '# The proof of the spine: last output\n\nWritten by `npm run spine`, which says at its head what it does. One section a kind of run and seed; the last run replaces it.\n';
  const title = `## Seed ${seed}, ${name}`;
  const section = `${title}\n\nCommand: \`${command}\`. Machine: ${os.cpus().length} × ${os.cpus()[0]?.model ?? 'unknown'}, ${Math.round(os.totalmem() / 2 ** 30)} GB, Node ${process.versions.node}, ${dayOf(Date.now())}.\n\n\`\`\`text\n${lines.join('\n')}\n\`\`\`\n`;
  const others = old
    .split(/^(?=## )/m)
    .filter((part) => part.startsWith('## ') && !part.startsWith(`${title}\n`));
  await writeFile(
    file,
    [head, ...[...others, section].sort()]
      .map((part) => part.trim())
      .join('\n\n')
      .concat('\n'),
  );
}

const folder = path.join(ROOT, '.cache', `spine-${process.pid}`);
await mkdir(folder, { recursive: true });
let holds = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    for (const end of ending.splice(0).toReversed()) void end().catch(() => {});
    setTimeout(() => process.exit(130), 5_000).unref();
  });
try {
  holds = await run(folder);
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
} finally {
  for (const end of ending.splice(0).toReversed())
    await end().catch((error: Error) => say(`could not be ended: ${error.message}`));
}
if (!values.small) await writeDocument();
if (holds && !values.keep) await rm(folder, { recursive: true, force: true });
process.exit(holds ? 0 : 1);
