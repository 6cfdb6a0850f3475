/** The role `web` as a process of its own, as `app/main.ts web` has it, and people who are signed in to it. */
import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { createServer } from 'node:net';
import path from 'node:path';
import type { Context } from '../app/context.ts';
import { createSessions } from '../web/sign-in/sessions.ts';
import { citizenId } from './seed.ts';
import { until } from './support.ts';

export type Web = { readonly port: number; readonly pid: number; stop(): Promise<void> };

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ port, host: '127.0.0.1', path: '/healthz' }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    call.on('error', () => resolve(false));
    call.end();
  });
}

export async function startWeb(
  env: Readonly<Record<string, string>>,
  profile: string | undefined,
): Promise<Web> {
  const port = await freePort();
  const profiling =
    profile === undefined
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${profile}`, '--cpu-prof-name=web.cpuprofile'];
  const main = path.join(import.meta.dirname, '..', 'app', 'main.ts');
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...profiling, main, 'web'],
    {
      env: { PATH: process.env['PATH'], ...env, PORT: String(port) },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  await until('the role web', () => answers(port), { timeoutMs: 60_000 });
  return {
    port,
    pid: child.pid ?? 0,
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null) child.kill();
      else return;
      await ended;
    },
  };
}

export type SignedIn = { readonly citizen: string; readonly cookie: string; readonly csrf: string };

/** Citizens 0 to `count` - 1, each with a session of their own. */
export async function signIn(context: Context, count: number): Promise<SignedIn[]> {
  const sessions = createSessions(context);
  const people: SignedIn[] = [];
  for (let at = 0; at < count; at++) {
    const citizen = citizenId(at);
    const as = { kind: 'citizen', citizen, locale: 'ko' } as const;
    const { token } = await sessions.open(as, { device: 'bench', idToken: null });
    const csrf = (await sessions.read(token))?.csrf ?? '';
    people.push({ citizen, cookie: `allim-session=${token}`, csrf });
  }
  return people;
}
