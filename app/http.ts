/** The HTTP side of a process: the whole API for `web`, intake and health for `producers`, health alone for the other roles. */
import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { AllimError, type Fault, messageOf } from '../domain/errors.ts';
import { escapePointer } from '../domain/event-schema.ts';
import type { SqlPool } from '../domain/sql.ts';
import { createBacklog } from '../producers/backlog.ts';
import { citizensOverHttp } from '../producers/citizens.ts';
import type { FieldType } from '../producers/csv/citizen-cells.ts';
import { takeEach } from '../producers/each-event.ts';
import { createEventIntake } from '../producers/event-intake.ts';
import { createFolder, type Folder } from '../producers/folder.ts';
import { eventsOverHttp } from '../producers/http.ts';
import { importKinds } from '../producers/import-kinds.ts';
import { createImports, type Imports } from '../producers/imports.ts';
import { importsOverHttp } from '../producers/imports-http.ts';
import { createRelay, type Relay } from '../producers/relay.ts';
import { type Fields, type ListField, mayUse, shippedFields, shownField } from '../rules/catalogue.ts';
import { layoutOf, readProfile } from '../rules/population/profile.ts';
import { createAsking } from '../rules/run/asking.ts';
import { questionAddresses, readPopulation } from '../store/rules-processes.ts';
import { templateReader } from '../store/template-versions.ts';
import { createCredentials } from '../web/api/credentials.ts';
import { mountRoutes } from '../web/api/endpoint.ts';
import type { Check } from '../web/api/health.ts';
import { mountMetrics } from '../web/api/metrics.ts';
import { mountOpenApi } from '../web/api/openapi.ts';
import { healthRoutes, mountApi } from '../web/api/routes.ts';
import { createServer } from '../web/api/server.ts';
import type { Population } from '../web/api/status.ts';
import { mountConsole } from '../web/console/routes.ts';
import { receiptsOverHttp } from '../web/receipts/http.ts';
import { type Assets, mountAssets, readAssets } from '../web/ui/assets.ts';
import { createAuthoringChecks } from './authoring-checks.ts';
import { mountCitizenPages } from './citizen-pages.ts';
import type { Context } from './context.ts';
import { createExplainCitizen } from './explain-citizen.ts';
import { watchInstallation, watchPools } from './gauges.ts';
import { createSignIn } from './identity.ts';
import type { Role, RunningRole } from './roles.ts';

export type Http = {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** After start. */
  url(): string;
};

/** What all rules processes hold together; null where none serves. A shard that nobody serves counts as not having read anything. */
export async function populationOf(pool: SqlPool): Promise<Population | null> {
  const { citizens, offsets } = await readPopulation(pool);
  return offsets.length === 0 ? null : { citizens, offsets: offsets.map((offset) => Math.max(0, offset)) };
}

/** Whether somebody calls these roles; the others have a health to show at most. */
export function servesApi(names: readonly Role[]): boolean {
  return names.includes('web') || names.includes('producers');
}

/** Pages beside the API: what `npm start` shows. */
export type MountPages = (
  app: FastifyInstance,
  given: {
    readonly checks: readonly Check[];
    readonly url: () => string;
    /** Of the bundled identity provider; null where another is configured. */
    readonly password: string | null;
  },
) => Promise<void>;

export function createHttp(
  context: Context,
  names: readonly Role[],
  roles: readonly RunningRole[],
  pages?: MountPages,
): Http {
  const { config, pool, broker, queue, logger, clock } = context;
  let relay: Relay | undefined;
  let imports: Imports | undefined;
  let inbox: Folder | undefined;
  let server: FastifyInstance | undefined;
  const checks: Check[] = [
    { name: 'log', check: () => broker.ping() },
    { name: 'queue', check: () => queue.ping() },
    ...roles.map((role) => ({ name: role.name, check: () => role.check() })),
  ];

  function url(): string {
    const address = server?.server.address() as AddressInfo | null | undefined;
    if (address === null || address === undefined) throw new Error('the server does not listen');
    const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    return `http://${host}:${address.port}`;
  }

  return {
    async start() {
      if (server !== undefined) return;
      const credentials = createCredentials({ pool, clock, administratorToken: context.secrets.adminToken });
      const signIn = names.includes('web') ? await createSignIn(context) : null;
      server = await createServer({
        credentials,
        logger,
        ...(signIn === null ? {} : { signedIn: signIn.signedIn }),
        trustedProxies: config.trustedProxies,
        ...(config.publicUrl === null ? {} : { publicUrl: config.publicUrl }),
      });
      await mountOpenApi(server, config.publicUrl);
      mountMetrics(server, {
        metrics: context.metrics,
        token: config.metricsToken,
        administratorToken: context.secrets.adminToken,
      });
      watchPools(context);
      if (names.includes('web')) watchInstallation(context);
      const fields = shippedFields();
      const ask = createAsking({
        processes: () => questionAddresses(pool),
        sealer: context.sealer,
        clock,
        logger,
      });
      if (names.includes('web'))
        mountApi(server, {
          ...context,
          checks,
          production: config.env === 'production',
          fields: () => [...fields.values()].map(shownField),
          population: () => populationOf(pool),
          ruleFields: fields,
          ask,
          explainCitizen: createExplainCitizen({ ...context, ask }),
          webhookLoopback: config.webhookLoopback,
          prepareTopic: (topic) =>
            broker.prepare([{ topic, partitions: config.partitions, compacted: false }], {
              create: config.env !== 'production',
            }),
          ...createAuthoringChecks(context.catalogue, templateReader(pool)),
        });
      if (names.includes('web'))
        await server.register(receiptsOverHttp, {
          ...context,
          smsSecret: config.smsReceiptSecret,
          bounceToken: config.bounces?.token ?? null,
        });
      else mountRoutes(server, healthRoutes({ pool, checks, logger }));
      if (servesApi(names)) {
        relay = createRelay({ pool, broker, clock, logger });
        const backlog = createBacklog({ pool, logger });
        await server.register(eventsOverHttp, { ...context, relay, backlog });
        const citizens = {
          ...context,
          populationRegister: config.populationRegister,
          allowLoopbackPush: config.pushLoopback,
          checkAttributes: attributeFaults(),
        };
        await server.register(citizensOverHttp, citizens);
        const parts = { ...citizens, relay, fields: cellTypes(fields) };
        const taking = takeEach(createEventIntake({ ...context, relay, backlog }));
        imports = createImports({ ...parts, kinds: importKinds({ ...parts, takeEach: taking }) });
        await server.register(importsOverHttp, {
          ...context,
          imports,
          isAgency: (id) => context.catalogue.current().agencies.has(id),
        });
        await relay.start();
        await imports.start();
        if (config.inboxDir !== null) inbox = createFolder({ ...context, imports, folder: config.inboxDir });
        await inbox?.start();
      }
      await signIn?.mount(server, url);
      if (names.includes('web')) {
        const assets = builtPages(context);
        if (assets !== null) {
          await mountAssets(server, assets);
          await mountConsole(server, { assets, agencies: () => context.catalogue.current().agencies });
          const sessions = signIn?.signedIn.sessions ?? null;
          await mountCitizenPages(server, context, { assets, sessions });
        }
      }
      await pages?.(server, { checks, url, password: signIn?.password ?? null });
      await server.listen({ host: config.host, port: config.port });
    },
    async stop() {
      await server?.close();
      server = undefined;
      await inbox?.stop();
      inbox = undefined;
      await imports?.stop();
      imports = undefined;
      await relay?.stop();
      relay = undefined;
    },
    url,
  };
}

/** null where nothing was built, which only somebody who works on the sources may do: the API serves without its pages. */
function builtPages({ config, logger }: Context): Assets | null {
  try {
    return readAssets();
  } catch (error) {
    if (config.env === 'production') throw error;
    logger.warn({ err: messageOf(error) }, 'no pages are served');
    return null;
  }
}

/** What the field catalogue says against attributes that `agency` gives; the pointers of rules/population/profile.ts already point into them. */
export function attributeFaults(): (
  attributes: Readonly<Record<string, unknown>>,
  agency: string | null,
) => readonly Fault[] {
  const fields = shippedFields();
  const layout = layoutOf(fields);
  return (attributes, agency) => {
    const faults: Fault[] = [];
    for (const [name, value] of Object.entries(attributes)) {
      const field = fields.get(name);
      const pointer = `/${escapePointer(name)}`;
      if (field === undefined) {
        // null takes back what the catalogue once had.
        if (value !== null) faults.push({ pointer, message: 'is not a field of the catalogue' });
      } else if (agency !== null && !mayUse(field, agency))
        faults.push({ pointer, message: `is not a field that ${agency} may use, so it may not write it` });
      // From a topic a register's surplus is passed over; here it would be kept, in the log and in what is merged.
      else if (field.type === 'list') faults.push(...surplusOf(field, value, pointer));
    }
    const given = Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null));
    try {
      readProfile(given, layout);
    } catch (error) {
      if (!(error instanceof AllimError)) throw error;
      faults.push(...error.faults);
    }
    return faults;
  };
}

function surplusOf(field: ListField, value: unknown, pointer: string): Fault[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: unknown, index) =>
    Object.keys(item !== null && typeof item === 'object' && !Array.isArray(item) ? item : {})
      .filter((member) => !Object.hasOwn(field.items, member))
      .map((member) => ({
        pointer: `${pointer}/${index}/${escapePointer(member)}`,
        message: 'is not a member that the catalogue knows',
      })),
  );
}

/** What a cell of a CSV holds, by field. */
export function cellTypes(fields: Fields): ReadonlyMap<string, FieldType> {
  const types = { integer: 'number', number: 'number', boolean: 'boolean', list: 'json' } as const;
  return new Map(
    [...fields.values()].map(({ name, type }) => [
      name,
      type in types ? types[type as keyof typeof types] : 'text',
    ]),
  );
}
