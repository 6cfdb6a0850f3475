/**
 * `npm run allim -- dead-letters list|count|redrive KIND`: for whoever holds this installation's settings, as the API is for holders of a key. A
 * redrive says what it would do, and does it with `--yes`: page by page, each of its own; broken off, the same command goes on.
 */
import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { isInstant } from '../../domain/cloud-events.ts';
import { messageOf } from '../../domain/errors.ts';
import { CHANNELS, type Channel } from '../../domain/statuses.ts';
import type { Credential } from '../../producers/credential.ts';
import { countDeadLetters, listDeadLetters, redriveDeadLetters } from '../../producers/dead-letters.ts';
import {
  DEAD_LETTER_KINDS,
  DEAD_STATUSES,
  type DeadLetterFilter,
  type DeadLetterKind,
  type DeadStatus,
  type Place,
} from '../../store/dead-letters.ts';
import { loadConfig } from '../config.ts';
import { type Context, createContext } from '../context.ts';
import type { Command } from './commands.ts';
import { say } from './ledger.ts';

const USAGE = `usage: npm run allim -- dead-letters list KIND [FILTER] [--limit N]
       npm run allim -- dead-letters count KIND [FILTER]
       npm run allim -- dead-letters redrive KIND [FILTER] [--yes]     without --yes it says what it would do
KIND:   events (quarantine), deliveries, receipts (of nothing that we know)
FILTER: --agency ID --code CODE --since TIME; of deliveries also --campaign UUID --channel push|email|sms
        --status failed-temporary|failed-technical|ambiguous (ambiguous ones are put back only where named)
`;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

type Given = {
  readonly action: string;
  readonly kind: DeadLetterKind;
  readonly filter: DeadLetterFilter;
  readonly limit: number;
  readonly yes: boolean;
};

const oneOf = <T extends string>(all: readonly T[], text: string | undefined): text is T | undefined =>
  text === undefined || (all as readonly string[]).includes(text);

function read(argv: readonly string[]): Given | null {
  try {
    const text = { type: 'string' } as const;
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        agency: text,
        campaign: text,
        channel: text,
        code: text,
        status: text,
        since: text,
        limit: { type: 'string', default: '50' },
        yes: { type: 'boolean', default: false },
      },
    });
    const [action = '', kind = '', ...more] = positionals;
    const { channel, status, since, campaign } = values;
    const limit = Number(values.limit);
    if (!['list', 'count', 'redrive'].includes(action) || more.length > 0) return null;
    if (kind === '' || !oneOf(DEAD_LETTER_KINDS, kind)) return null;
    if (!oneOf<Channel>(CHANNELS, channel) || !oneOf<DeadStatus>(DEAD_STATUSES, status)) return null;
    if ((since !== undefined && !isInstant(since)) || (campaign !== undefined && !UUID.test(campaign)))
      return null;
    if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) return null;
    const filter = {
      agency: values.agency ?? null,
      campaign: campaign ?? null,
      channel: channel ?? null,
      code: values.code ?? null,
      status: status ?? null,
      since: since === undefined ? null : new Date(Temporal.Instant.from(since).epochMilliseconds),
    };
    return { action, kind, filter, limit, yes: values.yes };
  } catch {
    return null;
  }
}

async function act(context: Context, { action, kind, filter, limit, yes }: Given): Promise<void> {
  const caller: Credential = { id: `cli:${userInfo().username}`, agency: null, scopes: [], sources: [] };
  if (action === 'list') {
    const rows = await listDeadLetters(context, caller, kind, filter, null, limit);
    return say(JSON.stringify(rows, null, 2));
  }
  if (action === 'count') {
    const counts = await countDeadLetters(context, caller, kind, filter);
    for (const { count, status, channel, code } of counts)
      say(
        `${String(count).padStart(9)}  ${[status, channel, code].filter((word) => word !== null).join(' ')}`,
      );
    return say(`${String(counts.reduce((sum, one) => sum + one.count, 0)).padStart(9)}  ${kind} in all`);
  }
  let after: Place | null = null;
  let looked = 0;
  let redriven = 0;
  const leftAlone = new Map<string, number>();
  do {
    const page = await redriveDeadLetters(context, caller, kind, filter, { after, look: !yes });
    looked += page.looked;
    redriven += page.redriven;
    for (const [why, count] of Object.entries(page.leftAlone))
      leftAlone.set(why, (leftAlone.get(why) ?? 0) + count);
    after = page.next;
    if (after !== null)
      process.stderr.write(`${looked} looked at, ${redriven} ${yes ? 'put back' : 'to put back'}\n`);
  } while (after !== null);
  say(`${redriven} of ${looked} ${kind} ${yes ? 'were put back' : 'would be put back: --yes does it'}`);
  for (const [why, count] of leftAlone) say(`${String(count).padStart(9)}  left alone: ${why}`);
}

export const deadLettersCommand: Command = {
  does: 'lists and counts what was given up, and puts it back',
  async run(argv) {
    const given = read(argv);
    if (given === null) {
      process.stderr.write(USAGE);
      return 2;
    }
    const context = await createContext(loadConfig({ ALLIM_LOG_LEVEL: 'warn', ...process.env }));
    try {
      await act(context, given);
      return 0;
    } catch (error) {
      process.stderr.write(`${messageOf(error)}\n`);
      return 1;
    } finally {
      await context.stop();
    }
  },
};
