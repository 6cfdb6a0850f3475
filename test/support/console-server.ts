/**
 * The console on a real server: API, shards and pages in one process on a database of the file's own, with the catalogue that ships and a
 * synthetic population. A person's session is opened as the way back from the identity provider opens it; that way has tests of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { BrowserContext } from 'playwright-core';
import { loadConfig } from '../../app/config.ts';
import { type Context, createContext } from '../../app/context.ts';
import type { Role } from '../../app/roles.ts';
import { type Running, startRoles } from '../../app/start-roles.ts';
import { silentLogger } from '../../domain/logger.ts';
import { TOPICS } from '../../domain/records.ts';
import { citizens } from '../../producers/population.ts';
import type { Staff } from '../../web/sign-in/person.ts';
import { createSessions } from '../../web/sign-in/sessions.ts';
import { buildWebOnce } from './built-web.ts';
import { eventually } from './eventually.ts';
import { MemoryQueue } from './installation.ts';
import { createDatabase } from './postgres.ts';

const ADMINISTRATOR = 'allim_admin_for-tests-0123456789abcdef';

export type Someone = Pick<Staff, 'subject' | 'name' | 'agency' | 'roles'>;

export type ConsoleServer = {
  readonly url: string;
  readonly context: Context;
  /** Every page of the browser's context is this person's from now on. */
  signIn(browser: BrowserContext, person: Someone): Promise<void>;
  /** The API as the administrator. */
  call(method: 'POST' | 'PUT', path: string, body: object): Promise<void>;
  stop(): Promise<void>;
};

/** With `count` citizens of the synthetic population. Without a role that sends, nothing leaves: the queue is the test's own. */
export async function startConsole(
  count: number,
  roles: readonly Role[] = ['rules', 'web'],
): Promise<ConsoleServer> {
  buildWebOnce();
  const database = await createDatabase({ seeded: true });
  const dataDir = await mkdtemp(path.join(tmpdir(), 'allim-console-'));
  const config = loadConfig({
    DATABASE_URL: database.url,
    ALLIM_DATA: dataDir,
    ALLIM_PARTITIONS: '2',
    ALLIM_ADMIN_TOKEN: ADMINISTRATOR,
    ALLIM_ENCRYPTION_KEY: Buffer.alloc(32, 7).toString('hex'),
    PORT: '0',
  });
  const context = await createContext(config, {
    logger: silentLogger,
    ...(roles.includes('workers') ? {} : { queue: new MemoryQueue() }),
  });
  const everybody = [...citizens(29, count)];
  await context.broker.append(
    TOPICS.profiles,
    everybody.map(({ id, profile }) => ({ key: id, value: Buffer.from(JSON.stringify(profile)) })),
  );
  const running: Running = await startRoles(context, roles);
  await caughtUp(running.url!, count);
  return {
    url: running.url!,
    context,
    async signIn(browser, person) {
      const sessions = createSessions(context);
      const as = { kind: 'staff', locale: 'ko', ...person } as const;
      const { token } = await sessions.open(as, { device: 'test', idToken: null });
      await browser.addCookies([{ name: 'allim-session', value: token, url: running.url! }]);
    },
    async call(method, path, body) {
      const type = path.endsWith('/events') ? 'application/cloudevents+json' : 'application/json';
      const response = await fetch(`${running.url}${path}`, {
        method,
        headers: { authorization: `Bearer ${ADMINISTRATOR}`, 'content-type': type },
        body: JSON.stringify(body),
      });
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    },
    async stop() {
      await running.stop();
      await context.stop();
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function caughtUp(url: string, count: number): Promise<void> {
  await eventually(
    async () => {
      const answer = await fetch(`${url}/api/v1/rules/nhis-general-checkup/audience`, {
        headers: { authorization: `Bearer ${ADMINISTRATOR}` },
      });
      const body = (await answer.json()) as { citizens?: number };
      if (body.citizens !== count) throw new Error(`the shards hold ${body.citizens} of ${count} citizens`);
    },
    { timeoutMs: 60_000, everyMs: 100 },
  );
}
