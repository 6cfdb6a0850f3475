/**
 * The web role as the product starts it (app/http.ts): API, producers' intake, sign-in, console, citizen app, public pages, on an installation
 * whose steps a test takes itself. Requests go in by `inject`; the port that it listens on is for the bundled identity provider alone.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FastifyInstance } from 'fastify';
import { loadConfig } from '../../app/config.ts';
import { type Context, createContext, type Overrides } from '../../app/context.ts';
import { demonstrationPage } from '../../app/demonstration-page.ts';
import { createHttp, type MountPages } from '../../app/http.ts';
import { type Logger, silentLogger } from '../../domain/logger.ts';
import type { Person } from '../../web/sign-in/person.ts';
import { createSessions, type SignedInAs } from '../../web/sign-in/sessions.ts';
import { buildWebOnce } from './built-web.ts';
import { ADMINISTRATOR } from './http.ts';
import { type Installation, install } from './installation.ts';

export type WholeSite = {
  readonly app: FastifyInstance;
  readonly it: Installation;
  readonly context: Context;
  readonly url: string;
  /** A session of this person; for whom `csrf` is null, nobody is signed in. */
  signIn(
    as: SignedInAs,
  ): Promise<{ readonly cookie: string; readonly csrf: string; readonly person: Person }>;
  close(): Promise<void>;
};

export async function createWholeSite(
  given: {
    readonly logger?: Logger;
    readonly environment?: Readonly<Record<string, string>>;
    readonly providers?: Overrides['providers'];
    readonly broker?: (it: Installation) => Overrides['broker'];
  } = {},
): Promise<WholeSite> {
  buildWebOnce();
  const it = await install({ partitions: 2 });
  const dataDir = await mkdtemp(path.join(tmpdir(), 'allim-site-'));
  const logger = given.logger ?? silentLogger;
  const config = loadConfig({
    DATABASE_URL: it.database.url,
    ALLIM_DATA: dataDir,
    ALLIM_PARTITIONS: '2',
    ALLIM_ADMIN_TOKEN: ADMINISTRATOR,
    ALLIM_SEAL: 'off',
    PORT: '0',
    ...given.environment,
  });
  const broker = given.broker?.(it);
  const made = await createContext(config, {
    logger,
    queue: it.memory,
    clock: it.clock,
    ...(given.providers === undefined ? {} : { providers: given.providers }),
    ...(broker === undefined ? {} : { broker }),
  });
  // What the steps seal, the pages open.
  const context: Context = { ...made, sealer: it.sealer };
  let app: FastifyInstance | undefined;
  const demonstration = demonstrationPage(context, 0, () => ({ state: 'done', line: '', counted: null }));
  const pages: MountPages = async (server, parts) => {
    app = server;
    await demonstration(server, parts);
  };
  const http = createHttp(context, ['web'], [], pages);
  await http.start();
  const secure = config.publicUrl?.startsWith('https:') ?? false;
  const sessions = createSessions(context);
  return {
    app: app!,
    it,
    context,
    url: http.url(),
    async signIn(as) {
      const { token } = await sessions.open(as, { device: 'Chrome · Linux', idToken: null });
      const { person, csrf } = (await sessions.read(token))!;
      return { cookie: `${secure ? '__Host-allim' : 'allim-session'}=${token}`, csrf, person };
    },
    async close() {
      await http.stop();
      await context.stop();
      await it.close({ audited: false });
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
