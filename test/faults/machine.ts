/** What happens to the machine: its clock, its limits, its disks. */
import { readdirSync } from 'node:fs';
import { run } from '../../scripts/services/process.ts';
import type { Fault, ProcessName, Stage } from './fault.ts';
import { outage, pick, within } from './outage.ts';
import { SNAPSHOT_TORN } from './snapshots.ts';

const HOUR_MS = 3_600_000;
/** What a process may still open when descriptors run out. */
const FEW = 2;

/** One process of each role with its clock elsewhere, the others as they were; each is stopped in order and comes back right. */
async function shifted(stage: Stage, byMs: number): Promise<void> {
  const moved: ProcessName[] = [];
  await stage.arrived(within(stage, 0.02, 0.3));
  try {
    const roles = ['dispatcher', 'workers', 'rules', 'web'];
    const chosen = roles.flatMap((role) => {
      const names = stage.processes.names(role);
      return names.length === 0 ? [] : [pick(stage, names)];
    });
    await Promise.all(
      chosen.map(async (name) => {
        await stage.processes.stop(name);
        moved.push(name);
        await stage.processes.start(name, { ALLIM_CLOCK_SHIFT: String(byMs) });
      }),
    );
    await stage.pause(20_000);
  } finally {
    await Promise.all(
      moved.map(async (name) => {
        if (stage.processes.isUp(name)) await stage.processes.stop(name);
        await stage.processes.start(name);
      }),
    );
  }
}

async function limitFiles(pid: number, soft: number | 'all'): Promise<void> {
  const { stdout } = await run('prlimit', [
    '--pid',
    String(pid),
    '--nofile',
    '--output=HARD',
    '--noheadings',
    '--raw',
  ]);
  const hard = stdout.trim();
  await run('prlimit', ['--pid', String(pid), `--nofile=${soft === 'all' ? hard : soft}:${hard}`]);
}

async function noPrlimit(): Promise<string | undefined> {
  return await run('prlimit', ['--version']).then(
    () => undefined,
    () => 'prlimit (util-linux) is not here',
  );
}

export const MACHINE_FAULTS: readonly Fault[] = [
  {
    name: 'clock-forward',
    group: 'machine',
    does: 'one process of each role has a clock that is an hour ahead',
    inflict: (stage) => shifted(stage, HOUR_MS),
  },
  {
    name: 'clock-back',
    group: 'machine',
    does: 'one process of each role has a clock that is an hour behind',
    inflict: (stage) => shifted(stage, -HOUR_MS),
  },
  {
    name: 'no-file-descriptors',
    group: 'machine',
    does: 'a worker and a dispatcher can open two more files or connections, for fifteen seconds in which all connections break once',
    doubles: true,
    unavailable: noPrlimit,
    inflict(stage) {
      const names = ['workers', 'dispatcher'].map((role) => pick(stage, stage.processes.names(role)));
      const pids = names.map((name) => stage.processes.pid(name));
      return outage(stage, {
        between: [0.05, 0.5],
        forMs: 15_000,
        async hurt() {
          for (const pid of pids) await limitFiles(pid, readdirSync(`/proc/${pid}/fd`).length + FEW);
          stage.proxies.postgres.cut();
          stage.proxies.postgres.mend();
        },
        async mend() {
          for (const pid of pids) await limitFiles(pid, 'all');
        },
      });
    },
  },
  {
    name: 'log-disk-full',
    group: 'machine',
    does: "the disk of Kafka's log is full for ten seconds, which ends a broker",
    async unavailable() {
      if (process.platform === 'linux' && process.getuid?.() === 0) return undefined;
      return 'only root can mount a file system that fills up';
    },
    inflict(stage) {
      const { kafka } = stage.services;
      const disk = kafka.disk(1);
      if (disk === null) throw new Error('the broker has no disk of its own');
      return outage(stage, {
        between: [0.02, 0.4],
        forMs: 10_000,
        hurt: () => disk.fill(0),
        async mend() {
          await disk.mend();
          // It goes on half dead where it has not ended itself: a log directory that failed stays off until a restart.
          await kafka.kill(1);
          await kafka.start(1);
        },
      });
    },
  },
  SNAPSHOT_TORN,
];
