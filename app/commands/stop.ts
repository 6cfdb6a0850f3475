/** `stop` and `resume`: holds sending and lets go, for everything or for one agency, channel or campaign, as the administrator. */
import { parseArgs } from 'node:util';
import { listStops, ownerOfScope, removeStop, saveStop } from '../../store/stops.ts';
import type { Command } from './commands.ts';
import { audited, runCommand, say, UsageError, withLedger } from './ledger.ts';

const USAGE = `usage: npm run allim -- stop SCOPE --reason "WHY"     hold sending
       npm run allim -- stop                            what is stopped
       npm run allim -- resume SCOPE                    let go
SCOPE: all, agency:ID, channel:push|email|sms, campaign:UUID`;

function parse(argv: readonly string[]): { scope: string | undefined; reason: string | undefined } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: { reason: { type: 'string' } },
      allowPositionals: true,
    });
    if (positionals.length > 1) throw new Error(`${positionals.slice(1).join(' ')} is one too many`);
    return { scope: positionals[0], reason: values.reason };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

export const stopCommand: Command = {
  does: 'holds sending, for all or one agency, channel or campaign; without a scope lists what is stopped',
  run: (argv) =>
    runCommand(USAGE, async () => {
      const { scope, reason } = parse(argv);
      if (scope !== undefined) {
        if (reason === undefined || reason.trim() === '')
          throw new UsageError('--reason is missing: whoever finds it stopped reads it');
        if (reason.length > 200) throw new UsageError('--reason may have 200 characters at most');
      }
      await withLedger(process.env, async ({ pool }) => {
        if (scope === undefined) {
          const stops = await listStops(pool, null);
          for (const one of stops)
            say(`${one.scope}  since ${one.createdAt.toISOString()} by ${one.createdBy}: ${one.reason}`);
          if (stops.length === 0) say('nothing is stopped');
          return;
        }
        const agency = await ownerOfScope(pool, scope);
        const given = { scope, agency, reason: reason ?? '', createdBy: 'administrator' };
        const entry = { agency, action: 'stop.made', object: `stop:${scope}`, reason: given.reason };
        const fresh = await audited(pool, entry, (sql) => saveStop(sql, given));
        say(`${scope} is stopped${fresh ? '' : ' (it was already)'}: calls end within a second`);
      });
    }),
};

/** Nothing was done, so nothing is written down. */
class NotLifted extends Error {}

export const resumeCommand: Command = {
  does: 'lets go of what stop holds',
  run: (argv) =>
    runCommand(USAGE, async () => {
      const { scope, reason } = parse(argv);
      if (scope === undefined) throw new UsageError('say what is to be resumed');
      await withLedger(process.env, async ({ pool }) => {
        const agency = await ownerOfScope(pool, scope);
        const entry = { agency, action: 'stop.lifted', object: `stop:${scope}`, reason: reason ?? null };
        let outcome = 'none';
        await audited(pool, entry, async (sql) => {
          outcome = await removeStop(sql, scope, null);
          if (outcome !== 'removed') throw new NotLifted();
        }).catch((error: unknown) => {
          if (!(error instanceof NotLifted)) throw error;
        });
        if (outcome === 'restored')
          throw new Error(
            'the database was restored, and not everything is decided: npm run allim -- restore status',
          );
        if (outcome !== 'removed') throw new Error(`nothing is stopped by ${scope}`);
        say(`${scope} is resumed: what waited goes out within seconds`);
      });
    }),
};
