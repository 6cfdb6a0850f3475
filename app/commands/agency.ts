/** `agency`: trial mode. Whom an agency in trial reaches, and when it goes live. */
import { CHANNELS, type Channel } from '../../domain/statuses.ts';
import { isCitizenId, normalAddress } from '../../producers/citizen-body.ts';
import {
  allowRecipients,
  disallowRecipient,
  readTrial,
  setTrial,
  type TrialRecipient,
  trialKey,
} from '../../store/trial.ts';
import type { Command } from './commands.ts';
import { audited, runCommand, say, UsageError, withLedger } from './ledger.ts';

const USAGE = `usage: npm run allim -- agency show ID
       npm run allim -- agency trial ID                 only whom it allows is called, the rest is simulated
       npm run allim -- agency live ID                  everybody is called
       npm run allim -- agency allow ID RECIPIENT…      RECIPIENT: citizen:c-7f3a9e, sms:+82…, email:name@example.kr, push:https://…
       npm run allim -- agency disallow ID RECIPIENT…`;
const ACTIONS = ['show', 'trial', 'live', 'allow', 'disallow'];

/** `citizen:ID` or `CHANNEL:ADDRESS`. What is wrong is said without the address. */
export function parseRecipient(given: string): TrialRecipient {
  const colon = given.indexOf(':');
  const kind = given.slice(0, Math.max(0, colon));
  const value = given.slice(colon + 1);
  if (kind === 'citizen') {
    if (value === '' || !isCitizenId(value))
      throw new UsageError('a citizen has an id of 1 to 64 characters');
    return { citizen: value };
  }
  const channel = CHANNELS.find((one): one is Channel => one === kind);
  if (channel === undefined)
    throw new UsageError(
      `a recipient begins with citizen:, ${CHANNELS.map((one) => `${one}:`).join(' or ')}`,
    );
  const address = normalAddress(channel, value);
  if (address === null) throw new UsageError(`what follows ${channel}: is no address of this channel`);
  return { channel, address };
}

export const agencyCommand: Command = {
  does: 'trial mode of an agency: show, trial, live, allow, disallow',
  run: (argv) =>
    runCommand(USAGE, async () => {
      const [action = '', id = '', ...rest] = argv;
      if (!ACTIONS.includes(action)) throw new UsageError(`say what: ${ACTIONS.join(', ')}`);
      if (id === '') throw new UsageError('say which agency');
      const listed = action === 'allow' || action === 'disallow';
      if (listed && rest.length === 0) throw new UsageError('say whom');
      if (!listed && rest.length > 0) throw new UsageError(`${rest.join(' ')} is too many`);
      const recipients = rest.map(parseRecipient);
      await withLedger(process.env, async ({ pool, sealer }) => {
        const before = await readTrial(pool, id);
        if (before === undefined) throw new Error(`no agency ${id} is known`);
        if (action === 'trial' || action === 'live') {
          const entry = {
            agency: id,
            action: 'trial.set',
            object: `trial:${id}`,
            details: { trial: action === 'trial' },
          };
          await audited(pool, entry, (sql) => setTrial(sql, id, action === 'trial'));
          say(action === 'trial' ? `${id} is in trial: only whom it allows is called` : `${id} is live`);
        } else if (action === 'allow') {
          await allowRecipients(pool, await sealer(), id, recipients);
          say(`${recipients.length} allowed`);
        } else if (action === 'disallow') {
          const opened = await sealer();
          let removed = 0;
          for (const recipient of recipients)
            if (await disallowRecipient(pool, id, trialKey(opened, recipient))) removed++;
          say(`${removed} of ${recipients.length} removed`);
        } else {
          say(
            `${id} is ${before.trial ? 'in trial' : 'live'}; allowed in trial: ${before.recipients.length}`,
          );
          for (const { key, channel } of before.recipients)
            say(`  ${channel === null ? key : `${channel}, ${key.slice(0, 20)}…`}`);
        }
      });
    }),
};
