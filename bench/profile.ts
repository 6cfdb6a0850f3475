/** `--profile`: CPU profiles of the processes, summed up by function; the files stay in .cache/profiles. */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { say } from './support.ts';

const FOLDER = path.join(import.meta.dirname, '..', '.cache', 'profiles');
const SHOWN = 22;

type Profile = {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: {
      readonly functionName: string;
      readonly url: string;
      readonly lineNumber: number;
    };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
};

/** Emptied first: profiles of an earlier run would be taken for this one's. */
export async function profileFolder(): Promise<string> {
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
  return FOLDER;
}

/** Self time by function, most first, of every profile in the folder. */
export async function sayProfiles(folder: string | undefined): Promise<void> {
  if (folder === undefined) return;
  for (const file of (await readdir(folder)).sort()) {
    const profile = JSON.parse(await readFile(path.join(folder, file), 'utf8')) as Profile;
    const places = new Map(
      profile.nodes.map(({ id, callFrame }) => [
        id,
        `${callFrame.functionName || '(anonymous)'} ${callFrame.url.split('/').slice(-3).join('/')}:${callFrame.lineNumber + 1}`,
      ]),
    );
    const spent = new Map<string, number>();
    let total = 0;
    for (const [at, id] of profile.samples.entries()) {
      const place = places.get(id) ?? '?';
      const ms = (profile.timeDeltas[at] ?? 0) / 1_000;
      spent.set(place, (spent.get(place) ?? 0) + ms);
      if (!place.startsWith('(idle)')) total += ms;
    }
    say(`${path.join(folder, file)}: ${Math.round(total)} ms busy`);
    const top = [...spent].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
    for (const [place, ms] of top) say(`${String(Math.round(ms)).padStart(8)} ms  ${place}`);
  }
}
