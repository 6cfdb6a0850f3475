/** What the page of the demonstration needs of this process: how far the week is, what runs and how it is, whom the commands are about. */
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { citizens, type SyntheticCitizen } from '../producers/population.ts';
import { shippedFields } from '../rules/catalogue.ts';
import { databaseVersion, livingProcesses } from '../store/overview.ts';
import { type Check, databaseCheck } from '../web/api/health.ts';
import { readStatus } from '../web/api/status.ts';
import type { Examples } from '../web/demonstration/commands.ts';
import type { Progress, Service } from '../web/demonstration/overview.ts';
import { mountDemonstration } from '../web/demonstration/routes.ts';
import type { Language } from '../web/demonstration/words.ts';
import type { Context } from './context.ts';
import { demonstrationCast } from './demonstration-cast.ts';
import { DEMONSTRATION_SEED } from './demonstration-week.ts';
import { type MountPages, populationOf } from './http.ts';
import { adminTokenFile } from './secrets.ts';
import { isRefuser, isSleeper, subscriptionPool } from './seed-population.ts';

const CHECK_WITHIN_MS = 2_000;
/** Where nobody from outside sees the page, and with it the password of the made-up accounts. */
const LOOPBACK: readonly string[] = ['127.0.0.1', '::1', 'localhost'];

const CAST = 5_000;

/** Whose best channel is each, among the first of the population; they hear of everything at once, in this language where there is one who reads it. */
function examplesIn(language: Language, count: number): Examples {
  const found: Partial<Record<keyof Examples, string>> = {};
  const others: Partial<Record<keyof Examples, string>> = {};
  const channelOf = (citizen: SyntheticCitizen) =>
    (['push', 'email', 'sms'] as const).find((channel) =>
      citizen.contactPoints.some((point) => point.channel === channel),
    );
  for (const citizen of citizens(DEMONSTRATION_SEED, Math.min(count, CAST), {
    subscription: subscriptionPool(1),
  })) {
    const channel = channelOf(citizen);
    const suits = citizen.profile.birthDate < '2000' && !isRefuser(citizen.id) && !isSleeper(citizen.id);
    if (channel === undefined || !suits) continue;
    others[channel] ??= citizen.id;
    if (citizen.locale === language) found[channel] ??= citizen.id;
    if (found.push !== undefined && found.email !== undefined && found.sms !== undefined) break;
  }
  return { ...others, ...found } as Examples;
}

async function passes(check: Check): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_WITHIN_MS);
  });
  try {
    return await Promise.race([
      check.check().then(
        () => true,
        () => false,
      ),
      late,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** For a shell: a path may hold anything. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

export function demonstrationPage(context: Context, count: number, progress: () => Progress): MountPages {
  const { config, pool, providers } = context;
  const examples = new Map<Language, Examples>();

  return async (app: FastifyInstance, { checks, url, password }) => {
    const version = await databaseVersion(pool);
    const database = databaseCheck(pool);
    const isOf: Readonly<Record<string, string>> = {
      database: `PostgreSQL ${version}, ${config.databaseUrl === null ? 'bundled, in the data folder' : 'DATABASE_URL'}`,
      log: config.kafka === null ? 'embedded, in PostgreSQL' : 'Kafka',
      queue: `BullMQ on ${config.redisUrl === null ? 'PostgreSQL' : 'Redis'}`,
    };

    async function services(): Promise<Service[]> {
      const all = [database, ...checks];
      const [results, living] = await Promise.all([Promise.all(all.map(passes)), livingProcesses(pool)]);
      const held = living
        .filter(({ kind }) => kind === 'rules')
        .reduce((sum, one) => sum + (one.citizens ?? 0), 0);
      const workers = living.filter(({ kind }) => kind === 'worker').length;
      const detail: Readonly<Record<string, string>> = {
        ...isOf,
        rules: `holds ${held.toLocaleString('en')} citizens in memory`,
        workers: `${workers} session${workers === 1 ? '' : 's'}; ${Object.values(providers)
          .map(({ channel, name }) => `${channel}: ${name}`)
          .join(', ')}`,
        dispatcher: 'plans who is told, when and where',
      };
      const rows = all.map(({ name }, index) => ({ name, is: detail[name] ?? '', ok: results[index]! }));
      return [...rows, { name: 'web', is: `this page and the API, ${url()}`, ok: true }];
    }

    await mountDemonstration(app, {
      ...context,
      fields: shippedFields(),
      progress,
      services,
      status: () => readStatus({ ...context, population: () => populationOf(pool) }),
      url,
      waysIn: {
        accounts:
          password === null
            ? null
            : {
                citizens: demonstrationCast().members,
                password: LOOPBACK.includes(config.host)
                  ? { text: password }
                  : { file: path.join(config.dataDir, 'identity', 'password') },
              },
      },
      token:
        config.secrets.adminToken === null
          ? `$(cat ${quoted(adminTokenFile(config.dataDir))})`
          : '$ALLIM_ADMIN_TOKEN',
      examples(language) {
        const found = examples.get(language) ?? examplesIn(language, count);
        examples.set(language, found);
        return found;
      },
    });
  };
}
