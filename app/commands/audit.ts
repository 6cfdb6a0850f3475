/**
 * `npm run allim -- audit`: whether the ledger's rows add up, asked by statements that share no code with what writes them. Works while
 * everything runs and locks nothing. Exit code 1 where something is wrong.
 */
import { parseArgs } from 'node:util';
import { monthOf, systemClock } from '../../domain/clock.ts';
import { attachedMonths, audit } from '../../store/audit.ts';
import type { Command } from './commands.ts';
import { runCommand, say, UsageError, withLedger } from './ledger.ts';

const USAGE = `usage: npm run allim -- audit [--month YYYY-MM] [--all] [--before SECONDS] [--json]
       without a month: this one and the one before`;
/** Longer than a question, a job or a sweep may take. */
const BEFORE_SECONDS = 60;

function parse(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        month: { type: 'string', multiple: true },
        all: { type: 'boolean', default: false },
        before: { type: 'string', default: String(BEFORE_SECONDS) },
        json: { type: 'boolean', default: false },
      },
    });
    for (const month of values.month ?? [])
      if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(month)) throw new Error(`${month} is no month like 2026-07`);
    if (!/^\d{1,6}$/.test(values.before)) throw new Error('--before takes seconds');
    return values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

export const auditCommand: Command = {
  does: 'whether the ledger adds up: --month YYYY-MM, --all, --json',
  async run(argv) {
    let wrong = 0;
    const code = await runCommand(USAGE, async () => {
      const given = parse(argv);
      await withLedger(process.env, async ({ pool }) => {
        const nowMs = systemClock.nowMs();
        const attached = await attachedMonths(pool);
        const now = monthOf(nowMs);
        const months =
          given.month?.map((month) => `${month}-01`) ??
          (given.all ? attached : attached.filter((month) => month <= now).slice(-2));
        const gone = months.filter((month) => !attached.includes(month));
        if (gone.length > 0) throw new Error(`not in the ledger: ${gone.join(', ')}`);
        const findings = await audit(pool, months, nowMs - Number(given.before) * 1_000);
        wrong = findings.length;
        if (given.json) return say(JSON.stringify({ ok: wrong === 0, months, findings }));
        for (const { check, says, month, wrong: count, examples } of findings)
          say(
            `wrong  ${month.slice(0, 7)} ${check}: ${says} (${count}: ${examples.join(', ')}${count > examples.length ? ', …' : ''})`,
          );
        say(
          wrong === 0
            ? `${months.length} months add up: ${months.map((month) => month.slice(0, 7)).join(', ')}`
            : `${wrong} checks found something`,
        );
      });
    });
    return code === 0 && wrong > 0 ? 1 : code;
  },
};
