/**
 * Four marked points a round. The round's notices come in as many parts: for each point in turn the processes are armed, its part is
 * produced, somebody dies there and is started again, and the next follows at once, on whatever the last left. So each point meets as many
 * notices as it does alone, and what is saved is only the waiting between. The round's verdict is the verdict on each of its points.
 */
import type { Fault, Stage } from './fault.ts';

const POINTS_A_ROUND = 4;
/** Whose death takes calls of others with it, though at their own point nothing is under way: they go first, when nothing else is. */
const FIRST = ['mark:requeue:committed', 'mark:job:handled'];

const isMark = ({ name }: Fault) => name.startsWith('mark:');

/** A part of the round as if it were one: its own choices, those that it makes alone too, and shares of its own notices. */
function part(stage: Stage, fault: Fault, of: number): Stage {
  return {
    ...stage,
    notices: Math.round(stage.notices / of),
    random: stage.choicesOf(fault.name),
    arrived: (share) => stage.arrived(share / of),
  };
}

function together(members: readonly Fault[]): Fault {
  const parts = new WeakMap<Stage, readonly Stage[]>();
  return {
    name: members.map(({ name }) => name).join('+'),
    group: 'processes',
    does: members.map(({ does }) => does).join(', then '),
    notices: members.reduce((sum, { notices }) => sum + (notices ?? 1), 0),
    doubles: members.some(({ doubles }) => doubles === true),
    members,
    async prepare(stage) {
      const own = members.map((fault) => part(stage, fault, members.length));
      parts.set(stage, own);
      await members[0]!.prepare?.(own[0]!);
    },
    async inflict(stage) {
      const wrong: string[] = [];
      for (const [at, fault] of members.entries()) {
        const own = parts.get(stage)![at]!;
        try {
          if (at > 0) {
            await fault.prepare?.(own);
            stage.produceNext();
          }
          await fault.inflict(own);
        } catch (error) {
          wrong.push(`${fault.name}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
      if (wrong.length > 0) throw new Error(wrong.join('; '));
    },
    async judge(stage) {
      const wrong: string[] = [];
      for (const [at, fault] of members.entries())
        for (const line of (await fault.judge?.(parts.get(stage)![at]!)) ?? [])
          wrong.push(`${fault.name}: ${line}`);
      return wrong;
    },
  };
}

/** The same faults with marked points gathered into rounds where there are several. What may leave a notice shares no round with what may not. */
export function gathered(faults: readonly Fault[]): readonly Fault[] {
  const result = faults.filter((fault) => !isMark(fault));
  const where = faults.findIndex(isMark);
  const rounds: Fault[] = [];
  for (const doubles of [false, true]) {
    const points = faults
      .filter((fault) => isMark(fault) && (fault.doubles ?? false) === doubles)
      .sort((a, b) => Number(FIRST.includes(b.name)) - Number(FIRST.includes(a.name)));
    const first = points.filter(({ name }) => FIRST.includes(name)).length;
    const count = Math.max(first, Math.ceil(points.length / POINTS_A_ROUND));
    for (let at = 0; at < count; at++) {
      const members = points.filter((_, index) => index % count === at);
      rounds.push(members.length === 1 ? members[0]! : together(members));
    }
  }
  result.splice(Math.max(where, 0), 0, ...rounds);
  return result;
}
