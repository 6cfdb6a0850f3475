/** `npm run allim -- quarantine list|show|retry|drop`: for whoever holds this installation's settings, as the API is for holders of a key. */
import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { AllimError, messageOf } from '../../domain/errors.ts';
import type { Credential } from '../../producers/credential.ts';
import { type Also, dropQuarantined, retryQuarantined, showQuarantined } from '../../producers/quarantine.ts';
import { recordAudit } from '../../store/audit-trail.ts';
import { listQuarantine } from '../../store/inbox.ts';
import { readable } from '../../web/api/quarantine.ts';
import { loadConfig } from '../config.ts';
import { type Context, createContext } from '../context.ts';
import type { Command } from './commands.ts';
import { commandActor } from './ledger.ts';

const USAGE = `usage: npm run allim -- quarantine list [--agency ID] [--limit N]
       npm run allim -- quarantine show ID
       npm run allim -- quarantine retry ID [--file MENDED.json]
       npm run allim -- quarantine drop ID
`;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

type Given = {
  readonly action: string;
  readonly id: string;
  readonly agency: string | null;
  readonly file: string | undefined;
  readonly limit: number;
};

function read(argv: readonly string[]): Given | null {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        agency: { type: 'string' },
        file: { type: 'string' },
        limit: { type: 'string', default: '50' },
      },
    });
    const [action = '', id = '', ...more] = positionals;
    const limit = Number(values.limit);
    const complete =
      action === 'list' ? id === '' : ['show', 'retry', 'drop'].includes(action) && UUID.test(id);
    if (!complete || more.length > 0 || !Number.isInteger(limit) || limit < 1 || limit > 1_000) return null;
    return { action, id, agency: values.agency ?? null, file: values.file, limit };
  } catch {
    return null;
  }
}

async function act(context: Context, { action, id, agency, file, limit }: Given): Promise<unknown> {
  const caller: Credential = { id: `cli:${userInfo().username}`, agency: null, scopes: [], sources: [] };
  if (action === 'list') return listQuarantine(context.pool, agency, null, limit);
  if (action === 'show') return readable(await showQuarantined(context, caller, id));
  const also: Also = (sql, kept) =>
    recordAudit(sql, {
      agency: kept.agency,
      actor: commandActor(),
      action: action === 'drop' ? 'quarantine.dropped' : 'quarantine.retried',
      object: `quarantine:${id}`,
      details: action === 'drop' ? {} : { mended: file !== undefined },
    }).then(() => undefined);
  if (action === 'drop') {
    await dropQuarantined(context, caller, id, also);
    return { id, state: 'dropped' };
  }
  let mended: unknown;
  if (file !== undefined)
    try {
      mended = JSON.parse(await readFile(file, 'utf8'));
    } catch (cause) {
      throw new AllimError('request-malformed', `${file}: ${messageOf(cause)}`, { cause });
    }
  return { id, state: 'retried', ...(await retryQuarantined(context, caller, id, mended, also)) };
}

export const quarantineCommand: Command = {
  does: 'list, show, retry or drop what could not be taken in',
  async run(argv) {
    const given = read(argv);
    if (given === null) {
      process.stderr.write(USAGE);
      return 2;
    }
    const context = await createContext(loadConfig({ ALLIM_LOG_LEVEL: 'warn', ...process.env }));
    try {
      process.stdout.write(`${JSON.stringify(await act(context, given), null, 2)}\n`);
      return 0;
    } catch (error) {
      const faults = error instanceof AllimError ? error.faults : [];
      for (const line of [messageOf(error), ...faults.map((f) => `  ${f.pointer} ${f.message}`)])
        process.stderr.write(`${line}\n`);
      return 1;
    } finally {
      await context.stop();
    }
  },
};
