/**
 * `npm run allim -- months list|archive|drop|restore`: months of the ledger that are over. The dispatcher detaches them; here they are written to
 * files, dropped, and brought back. What changes something irrevocably only says what it would do, unless `--yes` is given.
 */
import path from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../../domain/clock.ts';
import { AllimError } from '../../domain/errors.ts';
import type { SqlClient } from '../../domain/sql.ts';
import {
  dropMonth,
  loadMonth,
  type Manifest,
  monthFolder,
  verifyMonth,
  writeMonth,
  writtenMonths,
} from '../../store/month-files.ts';
import {
  attachMonth,
  keepMonth,
  type MonthPart,
  openInArchive,
  openOf,
  readMonths,
  withMonthsLock,
} from '../../store/months.ts';
import type { Command } from './commands.ts';
import { type Ledger, runCommand, say, UsageError, withLedger } from './ledger.ts';

const USAGE = `usage: npm run allim -- months list [--folder FOLDER]
       npm run allim -- months archive [YYYY-MM …] [--folder FOLDER]            write detached months to files
       npm run allim -- months drop YYYY-MM … [--folder FOLDER] [--yes]         drop what the files hold
       npm run allim -- months restore YYYY-MM [--folder FOLDER] [--days N] [--yes]
                                                                                attach again, for 30 days unless told
FOLDER is <ALLIM_DATA>/archive unless told`;
const DAY_MS = 86_400_000;

type Given = {
  readonly action: string;
  /** YYYY-MM-01. */
  readonly months: readonly string[];
  readonly folder: string | undefined;
  readonly days: number;
  readonly yes: boolean;
};

function parse(argv: readonly string[]): Given {
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        folder: { type: 'string' },
        days: { type: 'string', default: '30' },
        yes: { type: 'boolean', default: false },
      },
    });
    const [action = '', ...months] = positionals;
    if (!Object.hasOwn(ACTIONS, action)) throw new Error(`say what: ${Object.keys(ACTIONS).join(', ')}`);
    for (const month of months)
      if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) throw new Error(`${month} is no month like 2025-07`);
    if (!/^[1-9]\d{0,3}$/.test(values.days)) throw new Error('--days takes a number of days');
    if (action === 'drop' && months.length === 0) throw new Error('say which month');
    if (action === 'restore' && months.length !== 1) throw new Error('say which month, one at a time');
    return {
      action,
      months: months.map((month) => `${month}-01`),
      folder: values.folder,
      days: Number(values.days),
      yes: values.yes,
    };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

type Work = { readonly sql: SqlClient; readonly folder: string; readonly given: Given };

const short = (month: string) => month.slice(0, 7);
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

function stateOf(parts: readonly MonthPart[]): string {
  const states = new Set(parts.map((part) => part.state));
  if (states.size === 1 && states.has('attached')) return 'attached';
  if (states.size === 1 && states.has('archived')) return 'detached';
  return states.has('attached') &&
    states.has('archived') &&
    new Set(parts.map((part) => part.parent)).size < parts.length
    ? 'attached, and an older part detached'
    : 'half detached';
}

async function list({ sql, folder }: Work): Promise<void> {
  const months = await readMonths(sql);
  const written = await writtenMonths(folder);
  for (const month of [...new Set([...months.keys(), ...written])].sort()) {
    const parts = months.get(month);
    const bytes = (parts ?? []).reduce((sum, part) => sum + part.bytes, 0);
    const open = parts?.every((part) => part.state === 'attached') === true ? await openOf(sql, month) : [];
    say(
      [
        short(month),
        parts === undefined ? 'dropped' : `${stateOf(parts)}, ${megabytes(bytes)}`,
        ...open.map((one) => `open: ${one}`),
        ...(written.includes(month) ? ['in files'] : []),
      ].join('  '),
    );
  }
}

function sayManifest(does: string, { month, tables }: Manifest): void {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0);
  say(
    `${short(month)} ${does}: ${tables.map((table) => `${table.table} ${table.rows}`).join(', ')}; ${rows} rows, ${megabytes(bytes)}`,
  );
}

async function archive({ sql, folder, given }: Work): Promise<void> {
  const detached = [...(await readMonths(sql))]
    .filter(([, parts]) => parts.some((part) => part.state === 'archived'))
    .map(([month]) => month);
  const months = given.months.length > 0 ? given.months : detached;
  if (months.length === 0) say('no month is detached');
  for (const month of months)
    sayManifest(
      `is in ${monthFolder(folder, month)}`,
      await writeMonth(sql, folder, month, systemClock.nowMs()),
    );
}

async function drop({ sql, folder, given }: Work): Promise<void> {
  for (const month of given.months)
    if (given.yes) sayManifest('is dropped', await dropMonth(sql, folder, month));
    else {
      const parts = (await readMonths(sql)).get(month) ?? [];
      if (stateOf(parts) !== 'detached' || parts.length === 0)
        throw new AllimError('month-open', `${short(month)} is not detached`);
      sayManifest('would be dropped (--yes does it)', await verifyMonth(folder, month));
    }
}

async function restore({ sql, folder, given }: Work): Promise<void> {
  const month = given.months[0] ?? '';
  const parts = (await readMonths(sql)).get(month) ?? [];
  if (parts.some((part) => part.state === 'archived')) {
    if (stateOf(parts) !== 'detached')
      throw new AllimError('month-open', `${short(month)} is ${stateOf(parts)}`);
    if (await openInArchive(sql, month))
      throw new AllimError(
        'month-open',
        `${short(month)} has deliveries or batches that are open: attached, they would be sent`,
      );
    if (!given.yes) return say(`${short(month)} is detached and would be attached again (--yes does it)`);
    await attachMonth(sql, month);
    say(`${short(month)} is attached again`);
  } else {
    const manifest = await verifyMonth(folder, month);
    if (!given.yes) return sayManifest('would be loaded and attached (--yes does it)', manifest);
    await loadMonth(sql, folder, manifest);
    sayManifest('is loaded and attached', manifest);
  }
  await keepMonth(sql, month, systemClock.nowMs() + given.days * DAY_MS);
  say(`it stays for ${given.days} days`);
}

const ACTIONS: Readonly<Record<string, (work: Work) => Promise<void>>> = { list, archive, drop, restore };

export const monthsCommand: Command = {
  does: 'months that are over: list, archive (to files), drop, restore',
  run: (argv) =>
    runCommand(USAGE, async () => {
      const given = parse(argv);
      await withLedger(process.env, async ({ config, pool }: Ledger) => {
        const folder = path.resolve(given.folder ?? path.join(config.dataDir, 'archive'));
        const done = await withMonthsLock(pool, async (sql) => {
          await ACTIONS[given.action]!({ sql, folder, given });
          return true;
        });
        if (done !== true)
          throw new Error('a dispatcher or another command is at the months now; try again in a minute');
      });
    }),
};
