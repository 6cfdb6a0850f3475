/** What may happen to the processes of the product: killed, frozen, restarted, one by one and all at once. */
import type { Fault, ProcessName, Stage } from './fault.ts';

function pick<T>(stage: Stage, from: readonly T[]): T {
  return from[Math.floor(stage.random() * from.length)]!;
}

/** kill -9, a while down, and up again. */
async function bounce(stage: Stage, name: ProcessName): Promise<void> {
  const downMs = 200 + stage.random() * 2_000;
  stage.say(`kill -9 ${name}`);
  await stage.processes.kill(name);
  await stage.pause(downMs);
  await stage.processes.start(name);
}

const ROLES = ['producers', 'web', 'dispatcher', 'rules', 'workers'] as const;

const KILLS: readonly Fault[] = ROLES.map((role) => ({
  name: `kill-${role}`,
  group: 'processes',
  does: `kill -9 of a ${role} process at a random moment, twice`,
  doubles: role === 'workers',
  async inflict(stage) {
    for (const share of [0.05 + stage.random() * 0.3, 0.4 + stage.random() * 0.4]) {
      await stage.arrived(share);
      await bounce(stage, pick(stage, stage.processes.names(role)));
    }
  },
}));

export const PROCESS_FAULTS: readonly Fault[] = [
  {
    name: 'nothing',
    group: 'processes',
    does: 'nothing at all: what the others are measured against',
    async inflict() {},
  },
  ...KILLS,
  {
    name: 'kill-everything',
    group: 'processes',
    does: 'kill -9 of every process at once',
    doubles: true,
    async inflict(stage) {
      await stage.arrived(0.1 + stage.random() * 0.5);
      const names = stage.processes.names();
      stage.say('kill -9 of everything');
      await Promise.all(names.map((name) => stage.processes.kill(name)));
      await stage.pause(1_000);
      await Promise.all(names.map((name) => stage.processes.start(name)));
    },
  },
];
