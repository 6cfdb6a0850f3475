/** What may happen to the processes of the product: killed, frozen, restarted, one by one and all at once, at any moment and at marked points. */
import { MARKS } from '../../domain/marks.ts';
import type { Fault, ProcessName, Stage } from './fault.ts';
import { FREEZES } from './freezes.ts';
import { markFault } from './mark-faults.ts';
import { pick, shuffled, within } from './outage.ts';

const ROLES = ['producers', 'web', 'dispatcher', 'rules', 'workers'] as const;

/** kill -9, a while down, and up again. */
export async function bounce(stage: Stage, name: ProcessName): Promise<void> {
  stage.say(`kill -9 ${name}`);
  await stage.processes.kill(name);
  await stage.pause(within(stage, 200, 2_000));
  await stage.processes.start(name);
}

const KILLS: readonly Fault[] = ROLES.map((role) => ({
  name: `kill-${role}`,
  group: 'processes',
  does: `kill -9 of a ${role} process at a random moment, twice`,
  doubles: role === 'workers',
  async inflict(stage) {
    for (const [from, to] of [
      [0.05, 0.35],
      [0.4, 0.8],
    ] as const) {
      await stage.arrived(within(stage, from, to));
      await bounce(stage, pick(stage, stage.processes.names(role)));
    }
  },
}));

async function killAll(stage: Stage, names: readonly ProcessName[], downMs: number): Promise<void> {
  stage.say(`kill -9 ${names.join(', ')}`);
  await Promise.all(names.map((name) => stage.processes.kill(name)));
  await stage.pause(downMs);
  await Promise.all(names.map((name) => stage.processes.start(name)));
}

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
    does: 'kill -9 of every process at once, in the midst of everything',
    doubles: true,
    async inflict(stage) {
      await stage.arrived(within(stage, 0.1, 0.6));
      await killAll(stage, stage.processes.names(), 1_000);
    },
  },
  {
    name: 'kill-all-workers',
    group: 'processes',
    does: 'kill -9 of all workers, three times in a row: the third time they die on what the first ones left',
    doubles: true,
    async inflict(stage) {
      await stage.arrived(within(stage, 0.05, 0.3));
      for (let time = 0; time < 3; time++) {
        await killAll(stage, stage.processes.names('workers'), 500);
        await stage.pause(within(stage, 200, 3_000));
      }
    },
  },
  {
    name: 'kill-all-dispatchers',
    group: 'processes',
    does: 'kill -9 of all dispatchers, away for a while',
    async inflict(stage) {
      await stage.arrived(within(stage, 0.02, 0.4));
      await killAll(stage, stage.processes.names('dispatcher'), 8_000);
    },
  },
  {
    name: 'kill-all-rules',
    group: 'processes',
    does: 'kill -9 of all rules processes while their questions are open: whoever comes reads the population anew',
    async inflict(stage) {
      await stage.arrived(within(stage, 0.01, 0.2));
      await killAll(stage, stage.processes.names('rules'), 2_000);
    },
  },
  {
    name: 'rolling-restart',
    group: 'processes',
    does: 'every process is stopped in order (SIGTERM) and started again, one after the other',
    async inflict(stage) {
      await stage.arrived(within(stage, 0.02, 0.1));
      for (const name of shuffled(stage, stage.processes.names())) {
        const seconds = await stage.processes.stop(name);
        stage.say(`${name} stopped in ${seconds.toFixed(1)} s`);
        await stage.processes.start(name);
      }
    },
  },
  {
    name: 'rebalances',
    group: 'processes',
    does: 'dispatchers and rules processes come and go quickly, so that partitions change hands all the time',
    async inflict(stage) {
      await stage.arrived(within(stage, 0.02, 0.2));
      for (let time = 0; time < 3; time++)
        for (const role of ['dispatcher', 'rules']) {
          const name = pick(stage, stage.processes.names(role));
          await stage.processes.kill(name);
          await stage.processes.start(name);
        }
    },
  },
  ...FREEZES,
  ...MARKS.map(markFault),
];
