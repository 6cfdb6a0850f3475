/** The API as a whole on a database of its own and the embedded log, with a logger whose lines can be searched. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { createEmbeddedBroker, type EmbeddedBroker } from '../../broker/embedded.ts';
import { systemClock } from '../../domain/clock.ts';
import { AllimError, type Fault } from '../../domain/errors.ts';
import { parseEventType } from '../../domain/event-types.ts';
import { type Logger, silentLogger } from '../../domain/logger.ts';
import { TOPICS } from '../../domain/records.ts';
import type { Rule } from '../../domain/rule.ts';
import { createSealer, type Sealer } from '../../domain/sealing.ts';
import { createBacklog } from '../../producers/backlog.ts';
import { type CitizensOverHttp, citizensOverHttp } from '../../producers/citizens.ts';
import type { Scope } from '../../producers/credential.ts';
import { type TakeEach, takeEach } from '../../producers/each-event.ts';
import { createEventIntake } from '../../producers/event-intake.ts';
import { eventsOverHttp } from '../../producers/http.ts';
import { importKinds } from '../../producers/import-kinds.ts';
import { createImports, type Imports } from '../../producers/imports.ts';
import { importsOverHttp } from '../../producers/imports-http.ts';
import { createRelay, type Relay } from '../../producers/relay.ts';
import { shippedFields } from '../../rules/catalogue.ts';
import { type Catalogue, createCatalogue, saveAgency, saveEventType } from '../../store/catalogue.ts';
import { createCredentials, issueKey } from '../../web/api/credentials.ts';
import { mountOpenApi } from '../../web/api/openapi.ts';
import { type ApiParts, mountApi } from '../../web/api/routes.ts';
import { createServer } from '../../web/api/server.ts';
import { credentialOfStaff, needStaff, type Staff } from '../../web/sign-in/person.ts';
import { holdAnswers } from './answers.ts';
import { createDatabase, type TestDatabase } from './postgres.ts';

export const ADMINISTRATOR = 'allim_admin_for-tests-0123456789abcdef';
const CATALOGUE = path.join(import.meta.dirname, '..', '..', 'producers', 'catalogue');

/** A logger that keeps every line as text. */
export function createLogCapture(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const at = (bound: object): Logger => {
    const write = (fields: object, message: string) =>
      void lines.push(JSON.stringify({ ...bound, ...fields, message }));
    return {
      debug: write,
      info: write,
      warn: write,
      error: write,
      child: (more) => at({ ...bound, ...more }),
    };
  };
  return { logger: at({}), lines };
}

export type HttpApi = {
  readonly app: FastifyInstance;
  readonly database: TestDatabase;
  readonly broker: EmbeddedBroker;
  readonly catalogue: Catalogue;
  readonly relay: Relay;
  readonly sealer: Sealer;
  /** Started unless told. `another` is a second process over the same database. */
  readonly imports: Imports;
  another(): Imports;
  /** Every line that was logged. */
  readonly lines: readonly string[];
  /** As the administrator unless told; `as` signs a person in (staffOf). */
  call(options: InjectOptions & { key?: string | null; as?: string }): Promise<LightMyRequestResponse>;
  issueKey(agency: string, scopes: readonly Scope[], sources?: readonly string[]): Promise<string>;
  /** Every record of a topic, in order of partition and offset. */
  records(
    topic: string,
  ): Promise<{ partition: number; key: string | null; value: Buffer | null; headers: object }[]>;
  close(): Promise<void>;
};

/** `kim:nts:author,approver` as a person of the agency `nts`; without an agency a platform owner. */
export function staffOf(said: string): Staff {
  const [subject = '', agency = '', roles = ''] = said.split(':');
  return {
    kind: 'staff',
    session: '00000000-0000-4000-8000-000000000000' as Staff['session'],
    subject,
    name: subject.toUpperCase(),
    agency: agency === '' ? null : agency,
    roles: (agency === '' ? ['owner'] : roles.split(',')) as Staff['roles'],
    locale: 'ko',
  };
}

/** Whoever `x-test-staff` names is signed in: the same person and rights that a session gives (web/sign-in/person.ts). */
export function signInByHeader(app: FastifyInstance): void {
  app.addHook('preValidation', async (request) => {
    const said = request.headers['x-test-staff'];
    if (typeof said !== 'string') return;
    const person = staffOf(said);
    request.person = person;
    request.credential = credentialOfStaff(person);
    const { permission = 'public' } = request.routeOptions.config;
    if (permission !== 'staff' && permission !== 'citizen' && permission !== 'person')
      needStaff(request, permission);
  });
}

/** A field catalogue of three, in place of the one of rules/. */
export function checkAttributes(attributes: Readonly<Record<string, unknown>>): readonly Fault[] {
  const shapes: Record<string, RegExp> = {
    sido: /^\d\d$/,
    sigungu: /^\d{5}$/,
    birthDate: /^\d{4}-\d\d-\d\d$/,
  };
  return Object.entries(attributes).flatMap(([name, value]) =>
    shapes[name] === undefined
      ? [{ pointer: `/${name}`, message: 'is not a field' }]
      : value === null || shapes[name].test(String(value))
        ? []
        : [{ pointer: `/${name}`, message: 'has no such value' }],
  );
}

function checkRule(json: unknown): Rule {
  const rule = json as Rule;
  if (typeof rule.id !== 'string' || JSON.stringify(rule.condition).includes('citizen.nowhere'))
    throw new AllimError('rule-invalid', 'the rule: /condition citizen.nowhere is not a field', {
      faults: [{ pointer: '/condition/==/0/var', message: 'is not a field' }],
    });
  return rule;
}

async function saveThreeAgencies(pool: TestDatabase['pool']): Promise<void> {
  for (const agency of ['nts', 'nhis', 'kosaf'])
    await saveAgency(pool, { id: agency, name: { ko: agency, en: agency } });
  for (const file of readdirSync(CATALOGUE).filter((name) => /^kr\.(?:nts|nhis|kosaf)\..*\.json$/.test(name)))
    await saveEventType(pool, parseEventType(JSON.parse(readFileSync(path.join(CATALOGUE, file), 'utf8'))));
}

export async function createHttpApi(
  options: {
    readonly populationRegister?: boolean;
    readonly production?: boolean;
    readonly broker?: (real: EmbeddedBroker) => EmbeddedBroker;
    readonly api?: Partial<ApiParts>;
    readonly relay?: boolean;
    /** Events that may wait for the log before callers are told to come back. */
    readonly backlogMax?: number;
    /** Received files are left as they are. */
    readonly imports?: false;
    /** The whole catalogue that ships, in place of three agencies' event types. */
    readonly seeded?: boolean;
    readonly takeEach?: (real: TakeEach) => TakeEach;
    /** In place of the field catalogue of three. */
    readonly checkAttributes?: CitizensOverHttp['checkAttributes'];
  } = {},
): Promise<HttpApi> {
  const { seeded = false } = options;
  const database = await createDatabase({ max: 12, seeded });
  const { pool } = database;
  const embedded = createEmbeddedBroker({ pool, logger: silentLogger });
  await embedded.start();
  await embedded.prepare(
    [
      { topic: TOPICS.events, partitions: 2, compacted: false },
      { topic: TOPICS.profiles, partitions: 2, compacted: true },
      { topic: TOPICS.audiences.urgent, partitions: 2, compacted: false },
      { topic: TOPICS.audiences.bulk, partitions: 2, compacted: false },
    ],
    { create: true },
  );
  const broker = options.broker?.(embedded) ?? embedded;
  if (!seeded) await saveThreeAgencies(pool);

  const { logger, lines } = createLogCapture();
  const clock = systemClock;
  const catalogue = createCatalogue(pool, logger);
  await catalogue.start();
  const relay = createRelay({ pool, broker, clock, logger, lookEveryMs: 50 });
  if (options.relay !== false) await relay.start();
  const sealer = createSealer(Buffer.alloc(32, 1), Buffer.alloc(32, 2));
  const credentials = createCredentials({ pool, clock, administratorToken: ADMINISTRATOR });
  const app = await createServer({ credentials, logger, failuresPerMinute: 5 });
  const backlog = createBacklog({
    pool,
    logger,
    ...(options.backlogMax === undefined ? {} : { max: options.backlogMax }),
  });
  await mountOpenApi(app, null);
  holdAnswers(app);
  signInByHeader(app);
  await app.register(eventsOverHttp, {
    pool,
    catalogue,
    clock,
    relay,
    logger,
    backlog,
  });
  const citizens = {
    pool,
    broker,
    sealer,
    clock,
    logger,
    checkAttributes: options.checkAttributes ?? checkAttributes,
    populationRegister: options.populationRegister ?? false,
  };
  await app.register(citizensOverHttp, citizens);
  const take = takeEach(createEventIntake({ pool, catalogue, clock, relay, backlog }));
  const kinds = importKinds({
    ...citizens,
    catalogue,
    takeEach: options.takeEach?.(take) ?? take,
    fields: new Map([
      ['sido', 'text'],
      ['sigungu', 'text'],
      ['birthDate', 'text'],
    ]),
  });
  const started: Imports[] = [];
  const another = () => {
    const made = createImports({ pool, sealer, clock, logger, kinds, lookEveryMs: 20 });
    started.push(made);
    return made;
  };
  const imports = another();
  if (options.imports !== false) await imports.start();
  await app.register(importsOverHttp, {
    pool,
    sealer,
    logger,
    imports,
    isAgency: (id) => catalogue.current().agencies.has(id),
  });
  mountApi(app, {
    pool,
    broker,
    clock,
    catalogue,
    logger,
    production: options.production ?? false,
    population: async () => null,
    sealer,
    webhookLoopback: true,
    prepareTopic: (topic) => broker.prepare([{ topic, partitions: 2, compacted: false }], { create: true }),
    checks: [{ name: 'broker', check: () => broker.ping() }],
    fields: () => [{ name: 'sido', type: 'enum' }],
    ruleFields: shippedFields(),
    explainCitizen: async () => null,
    looksPerMinute: 8,
    checkRule,
    checkEventType: () => {},
    recheckTemplate: () => {},
    previewsOf: async () => ({ texts: [], faults: [], missing: [], sizes: [] }),
    warningsOfRule: () => [],
    ask: async () => {
      throw new AllimError('shards-unavailable', 'no shard is served here');
    },
    checkTemplate: (name, files) => ({ hash: `${name}-${Object.keys(files).length}`, definition: files }),
    ...options.api,
  });
  await app.ready();

  return {
    app,
    database,
    broker,
    catalogue,
    relay,
    sealer,
    imports,
    another,
    lines,
    call: ({ key = ADMINISTRATOR, as, headers, ...rest }) =>
      app.inject({
        ...rest,
        headers: {
          ...(key === null ? {} : { authorization: `Bearer ${key}` }),
          ...(as === undefined ? {} : { 'x-test-staff': as }),
          ...headers,
        },
      }),
    issueKey: async (agency, scopes, sources = []) =>
      (await issueKey(pool, { agency, label: 'test', scopes, sources, expiresAt: null })).key,
    async records(topic) {
      const { rows } = await pool.query<{
        partition: number;
        key: Buffer | null;
        value: Buffer | null;
        headers: object;
      }>(
        `SELECT r.partition, r.key, r.value, coalesce(r.headers::jsonb, '{}') AS headers FROM log_records r JOIN log_topics t ON t.id = r.topic_id
         WHERE t.topic = $1 ORDER BY r.partition, r.record_offset`,
        [topic],
      );
      return rows.map((row) => ({ ...row, key: row.key?.toString() ?? null }));
    },
    async close() {
      await app.close();
      for (const one of started) await one.stop();
      await relay.stop();
      await catalogue.stop();
      await embedded.stop();
      await database.drop();
    },
  };
}
