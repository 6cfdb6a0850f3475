/** `cancel`: ends a campaign for good, as the administrator. `stop campaign:UUID` is the pause. */
import { parseArgs } from 'node:util';
import { cancelCampaign } from '../../store/cancellations.ts';
import { ownerOfScope } from '../../store/stops.ts';
import type { Command } from './commands.ts';
import { audited, runCommand, say, UsageError, withLedger } from './ledger.ts';

const USAGE = `usage: npm run allim -- cancel CAMPAIGN --reason "WHY"   end a campaign for good; "stop campaign:UUID" only holds it
CAMPAIGN: its UUID, as GET /api/v1/campaigns shows it`;

function parse(argv: readonly string[]): { campaign: string; reason: string } {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      options: { reason: { type: 'string' } },
      allowPositionals: true,
    });
    const [campaign, ...more] = positionals;
    if (campaign === undefined) throw new Error('say which campaign');
    if (more.length > 0) throw new Error(`${more.join(' ')} is one too many`);
    const reason = values.reason?.trim() ?? '';
    if (reason === '') throw new Error('--reason is missing: whoever asks later reads it');
    if (reason.length > 200) throw new Error('--reason may have 200 characters at most');
    return { campaign, reason };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

export const cancelCommand: Command = {
  does: 'ends a campaign for good: what is not sent is never sent',
  run: (argv) =>
    runCommand(USAGE, async () => {
      const { campaign, reason } = parse(argv);
      await withLedger(process.env, async ({ pool }) => {
        // What is no UUID and what does not exist are told apart there.
        const agency = await ownerOfScope(pool, `campaign:${campaign}`);
        const entry = { agency, action: 'campaign.cancelled', object: `campaign:${campaign}`, reason };
        const done = await audited(pool, entry, (sql) =>
          cancelCampaign(sql, campaign, { by: 'administrator', reason }, Date.now()),
        );
        say(
          done?.fresh
            ? `campaign ${campaign} is cancelled: calls end within a second`
            : `campaign ${campaign} was cancelled before: ${done?.reason}`,
        );
      });
    }),
};
