/**
 * `import`: a CSV of citizens with a telephone number and a mail address each, by `POST /api/v1/imports` to a process with the role
 * producers, until a process with the role rules holds all of them. Memory is how much the importing process grows meanwhile at its peak;
 * that of the rules process, which holds the population, stands beside it. Baseline: the same rows by bare COPY, their profiles appended.
 * `--citizens N` (1,000,000), `--quoted` (a quoted field in every row, so that csv-parse reads them all), `--profile`.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import path from 'node:path';
import { Readable } from 'node:stream';
import { silentLogger } from '../domain/logger.ts';
import { freePorts } from '../scripts/services/process.ts';
import { startBundledPostgres } from '../store/bundled.ts';
import { createPool } from '../store/postgres.ts';
import { readPopulation } from '../store/rules-processes.ts';
import { openPlace, sayStatements } from './place.ts';
import { startRoles } from './processes.ts';
import { profileFolder, sayProfiles } from './profile.ts';
import { profileOf, seedCatalogue, seedCitizens, seedProfiles } from './seed.ts';
import { type Options, type Report, residentMb, round, say, sayCpu, until } from './support.ts';

const MILLION = 1_000_000;
const WARM = 2_000;
const TOKEN = 'allim_bench_0123456789abcdef0123456789abcdef';
const MAIN = path.join(import.meta.dirname, '..', 'app', 'main.ts');
const FIELDS = ['birthDate', 'sex', 'sido', 'sigungu', 'insurance', 'lastCheckupYear'];

function* csv(citizens: number, quoted: boolean, prefix = 'i'): Generator<Buffer> {
  let text = `citizen,${FIELDS.join(',')},sms,email,verified\n`;
  const cell = quoted ? (value: string) => `"${value}"` : (value: string) => value;
  for (let index = 0; index < citizens; index++) {
    const profile = profileOf(index);
    const id = `${prefix}-${index.toString(36).padStart(6, '0')}`;
    const own = FIELDS.map((name) => String(profile[name])).join(',');
    text += `${cell(id)},${own},+8210${String(index).padStart(8, '0')},c${index}@mail.example.kr,true\n`;
    if (text.length < 65_536) continue;
    yield Buffer.from(text);
    text = '';
  }
  yield Buffer.from(text);
}

type Job = {
  readonly id: string;
  readonly state: string;
  readonly accepted: number;
  readonly reason: string | null;
};

async function call(port: number, method: string, url: string, body?: Readable): Promise<Job> {
  const sent = request({
    host: '127.0.0.1',
    port,
    method,
    path: url,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      ...(body === undefined ? {} : { 'content-type': 'text/csv' }),
    },
  });
  if (body === undefined) sent.end();
  else body.pipe(sent);
  const [answer] = (await once(sent, 'response')) as [Readable];
  let text = '';
  for await (const part of answer) text += String(part);
  return JSON.parse(text) as Job;
}

export async function importing(options: Options): Promise<Report> {
  const citizens = options.number('citizens', MILLION);
  const profiling = options.has('profile');
  const place = await openPlace({ services: false, statements: profiling });
  const profile = profiling ? await profileFolder() : undefined;
  const stops: (() => Promise<unknown>)[] = [];
  try {
    await place.withContext(seedCatalogue);
    const server = await startBundledPostgres({ dataDir: place.env['ALLIM_DATA']!, logger: silentLogger });
    stops.push(() => server.stop());
    const pool = createPool({ url: server.url, max: 1, logger: silentLogger });
    stops.push(() => pool.end());
    if (profiling) await pool.query('CREATE EXTENSION IF NOT EXISTS pg_stat_statements');
    const rules = await startRoles(['rules'], { env: place.env, profile });
    stops.push(() => rules.exit());
    await rules.ask({ do: 'start' });
    const [port] = (await freePorts(1)) as [number];
    const producers = fork(MAIN, ['producers'], {
      env: { ...process.env, ...place.env, PORT: String(port), ALLIM_ADMIN_TOKEN: TOKEN },
      execArgv:
        profile === undefined
          ? []
          : ['--cpu-prof', `--cpu-prof-dir=${profile}`, '--cpu-prof-name=producers.cpuprofile'],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    stops.push(async () => {
      producers.kill('SIGTERM');
      await once(producers, 'exit');
    });
    await until('the API', async () => (await call(port, 'GET', '/healthz').catch(() => null)) !== null);
    // As it is after some work: the first requests and the first compilation are not this file's.
    await follow(
      port,
      (await call(port, 'POST', '/api/v1/imports?kind=citizens', Readable.from(csv(WARM, false, 'w')))).id,
    );

    const before = { producers: await residentMb(producers.pid!), rules: await residentMb(rules.pid) };
    const peak = { ...before };
    const sampling = setInterval(() => {
      void residentMb(producers.pid!).then((mb) => (peak.producers = Math.max(peak.producers, mb)));
      void residentMb(rules.pid).then((mb) => (peak.rules = Math.max(peak.rules, mb)));
    }, 100);
    const groups = async () => ({
      producers: [producers.pid!],
      rules: [rules.pid],
      postgres: await server.pids(),
    });
    const { received, taken, seconds } = await sayCpu('import', citizens, groups, async () => {
      const startedAt = performance.now();
      const since = () => (performance.now() - startedAt) / 1_000;
      const body = Readable.from(csv(citizens, options.has('quoted')));
      const { id } = await call(port, 'POST', '/api/v1/imports?kind=citizens', body);
      const receivedAt = since();
      const job = await follow(port, id);
      const takenAt = since();
      if (job.accepted !== citizens)
        throw new Error(`${job.accepted} of ${citizens} were taken: ${job.reason}`);
      await until(
        'all of them in the shards',
        async () => (await readPopulation(pool)).citizens >= citizens + WARM,
      );
      return { received: receivedAt, taken: takenAt, seconds: since() };
    });
    clearInterval(sampling);
    if (profiling) await sayStatements(server.url);
    say(
      `import: received in ${round(received)} s, taken in ${round(taken)} s, matched on after ${round(seconds)} s`,
    );

    const bareAt = performance.now();
    await place.withContext(async (context) => {
      await seedCitizens(context, citizens);
      await seedProfiles(context, citizens);
    });
    const bare = (performance.now() - bareAt) / 1_000;
    const aMillion = (value: number) => round((value / citizens) * MILLION);
    return {
      figures: {
        seconds_per_million: aMillion(seconds),
        received_seconds_per_million: aMillion(received),
        taken_seconds_per_million: aMillion(taken),
        rss_growth_mb: round(peak.producers - before.producers),
        rss_mb: round(peak.producers),
        rules_rss_growth_mb: round(peak.rules - before.rules),
      },
      baseline: { copy_and_append_seconds_per_million: aMillion(bare) },
      ratio: { vs_copy_and_append: round(bare / seconds) },
    };
  } finally {
    for (const stop of stops.toReversed()) await stop();
    await sayProfiles(profile);
    await place.stop();
  }
}

async function follow(port: number, id: string): Promise<Job> {
  let job: Job | undefined;
  await until(
    'the end of the import',
    async () => {
      job = await call(port, 'GET', `/api/v1/imports/${id}`);
      return job.state === 'done' || job.state === 'failed';
    },
    { everyMs: 100 },
  );
  return job!;
}
