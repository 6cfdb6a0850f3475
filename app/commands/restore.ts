/** `restore`: what a restore of the database left to decide, and deciding it, as the administrator. */
import { parseArgs } from 'node:util';
import { CATEGORIES, type Category, CHANNELS, type Channel } from '../../domain/statuses.ts';
import { closeRestore, decideRestored, readRestore, type Selection } from '../../store/restored.ts';
import type { Command } from './commands.ts';
import { runCommand, say, UsageError, withLedger } from './ledger.ts';

const USAGE = `usage: npm run allim -- restore status
       npm run allim -- restore resend [--category C] [--channel CH] [--agency ID]   send again what may have been sent, flagged
       npm run allim -- restore leave [--category C] [--channel CH] [--agency ID]    never send it
C: ${CATEGORIES.join(', ')}; CH: ${CHANNELS.join(', ')}. Sending goes on when everything is decided.`;
const ACTIONS = ['status', 'resend', 'leave'] as const;

function oneOf<T extends string>(
  name: string,
  known: readonly T[],
  given: string | undefined,
): T | undefined {
  const found = known.find((one) => one === given);
  if (given !== undefined && found === undefined)
    throw new UsageError(`--${name} takes ${known.join(', ')}, not ${given}`);
  return found;
}

function parse(argv: readonly string[]): { action: (typeof ACTIONS)[number]; selection: Selection } {
  let parsed: { values: Record<string, string | undefined>; positionals: string[] };
  try {
    const text = { type: 'string' } as const;
    parsed = parseArgs({
      args: [...argv],
      options: { category: text, channel: text, agency: text },
      allowPositionals: true,
    }) as typeof parsed;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const action = ACTIONS.find((one) => one === parsed.positionals[0]);
  if (action === undefined || parsed.positionals.length > 1)
    throw new UsageError(`say what: ${ACTIONS.join(', ')}`);
  const category = oneOf<Category>('category', CATEGORIES, parsed.values['category']);
  const channel = oneOf<Channel>('channel', CHANNELS, parsed.values['channel']);
  const agency = parsed.values['agency'];
  return {
    action,
    selection: {
      ...(category === undefined ? {} : { category }),
      ...(channel === undefined ? {} : { channel }),
      ...(agency === undefined ? {} : { agency }),
    },
  };
}

export const restoreCommand: Command = {
  does: 'after the database was restored: what may have been sent already, and whether to send it again',
  run: (argv) =>
    runCommand(USAGE, async () => {
      const { action, selection } = parse(argv);
      await withLedger(process.env, async ({ pool }) => {
        if (action !== 'status') {
          const decided = await decideRestored(pool, action, selection, Date.now());
          say(`${decided} deliveries: ${action === 'resend' ? 'due again, flagged' : 'left'}`);
          if (await closeRestore(pool, 'administrator', Date.now())) {
            say('everything is decided: sending goes on');
            return;
          }
        }
        const state = await readRestore(pool);
        if (state === null) {
          say('the database was not restored, or everything is decided');
          return;
        }
        say(
          `restored (${state.evidence}), noticed ${state.noticedAt.toISOString()}, last alive before ${state.lastAliveAt?.toISOString() ?? 'unknown'}`,
        );
        say(
          `events to read again: ${state.eventsBehind}; questions and batches under way: ${state.unplanned}`,
        );
        for (const { agency, category, channel, deliveries } of state.undecided)
          say(`undecided: ${agency} ${category} ${channel} ${deliveries}`);
        if (state.undecided.length === 0) say('undecided: nothing so far');
      });
    }),
};
