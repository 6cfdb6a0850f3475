/** The installation that is photographed: as `npm start` makes it, in a folder that is gone afterwards, on a port that was free. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { demonstrationCast } from '../../app/demonstration-cast.ts';
import { choosePlace } from '../../store/bundled-place.ts';
import type { Language, World } from './shot.ts';

const ROOT = path.join(import.meta.dirname, '..', '..');
const START_WITHIN_MS = 300_000;
const AGENCY = 'nhis';

export type Demonstration = { readonly world: World; stop(): Promise<void> };

/** Resolves when the week is over; throws with what was said where it does not come to that. */
async function running(child: ChildProcess, say: (line: string) => void): Promise<string> {
  let said = '';
  const found = Promise.withResolvers<string>();
  const timer = setTimeout(() => found.reject(new Error(`not started in time:\n${said}`)), START_WITHIN_MS);
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    const lines = chunk.toString().trim().split('\n');
    say(lines.at(-1) ?? '');
    const url = /running: look at (\S+);/.exec(said)?.[1];
    if (url !== undefined) found.resolve(url);
  });
  child.once('exit', (code) => found.reject(new Error(`npm start ended with ${code}:\n${said}`)));
  try {
    return await found.promise;
  } finally {
    clearTimeout(timer);
  }
}

export async function startDemonstration(
  citizens: number,
  say: (line: string) => void,
): Promise<Demonstration> {
  const folder = await mkdtemp(path.join(tmpdir(), 'allim-screenshots-'));
  const data = path.join(folder, 'data');
  // For root the cluster lies elsewhere.
  const { home } = await choosePlace(data);
  const { PATH, HOME } = process.env;
  const child = spawn(
    process.execPath,
    [
      ...process.execArgv,
      path.join(ROOT, 'app', 'start.ts'),
      ...['--port', '0', '--citizens', String(citizens), '--data', data],
    ],
    // Nothing of the caller's own configuration: the pictures are of what everybody sees at first.
    { stdio: ['ignore', 'ignore', 'pipe'], env: { PATH, HOME } },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    await ended;
    const away = { recursive: true, force: true, maxRetries: 5, retryDelay: 200 };
    await rm(home, away);
    await rm(folder, away);
  };
  try {
    const url = await running(child, say);
    return { world: await readWorld(url, data), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Listed = { readonly campaign: string; readonly agency: string; readonly planned: number | string };
async function readWorld(url: string, data: string): Promise<World> {
  const token = (await readFile(path.join(data, 'secrets', 'admin-token'), 'utf8')).trim();
  const get = async <T>(at: string): Promise<T> => {
    const answer = await fetch(`${url}${at}`, { headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new Error(`${at} answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as T;
  };
  const front = await (await fetch(`${url}/demonstration?lang=ko`)).text();
  const { campaigns } = await get<{ campaigns: Listed[] }>('/api/v1/campaigns?limit=200');
  const { quarantine } = await get<{ quarantine: { id: string }[] }>('/api/v1/quarantine');
  const { approvals } = await get<{ approvals: { rule: string; version: number }[] }>('/api/v1/today');
  const biggest = campaigns
    .filter(({ agency }) => agency === AGENCY)
    .toSorted((a, b) => Number(b.planned) - Number(a.planned))[0];
  const [approval, quarantined] = [approvals[0], quarantine[0]];
  if (biggest === undefined || approval === undefined || quarantined === undefined)
    throw new Error('the demonstration has no campaign, approval or quarantined record to look at');
  return {
    url,
    password: await readFile(path.join(data, 'identity', 'password'), 'utf8').then((text) => text.trim()),
    campaign: biggest.campaign,
    approval,
    quarantined: quarantined.id,
    ...peopleIn(front),
  };
}

/** A text and a mail from the outbox of the front page, and whom one may sign in as. */
function peopleIn(front: string): Pick<World, 'citizens' | 'corrected' | 'idle' | 'text' | 'unsubscribe'> {
  const { members, idle } = demonstrationCast();
  const corrected = members[1]!.id;
  const of = (language: Language) => members.find(({ locale }) => locale === language)?.id;
  const [ko, en, vi] = [of('ko'), of('en'), of('vi')];
  // As the front page offers it to whoever looks around.
  const [, code, last] = /([0-9A-Z]{4}-[0-9A-Z]{2})[^<]*?(\d{4})<\/span>/.exec(front) ?? [];
  const unsubscribe = /class="mail-stop" href="([^"]+)"/.exec(front)?.[1];
  if (
    ko === undefined ||
    en === undefined ||
    vi === undefined ||
    unsubscribe === undefined ||
    code === undefined ||
    last === undefined
  )
    throw new Error('the front page has no text message, mail or citizen to look at');
  return { citizens: { ko, en, vi }, corrected, idle, text: { code, last }, unsubscribe };
}
