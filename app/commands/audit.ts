/**
 * `npm run allim -- audit verify`: whether the audit trail of staff is what was written. `npm run allim -- audit`: whether the ledger's rows add up, asked by statements that share no code with what writes them. Works while
 * everything runs and locks nothing. Exit code 1 where something is wrong.
 */
import { parseArgs } from 'node:util';
import { monthOf, systemClock } from '../../domain/clock.ts';
import { attachedMonths, audit } from '../../store/audit.ts';
import { type Noted, verifyAudit } from '../../store/audit-verification.ts';
import type { Command } from './commands.ts';
import { runCommand, say, UsageError, withLedger } from './ledger.ts';

const USAGE = `usage: npm run allim -- audit [--month YYYY-MM] [--all] [--before SECONDS] [--json]
       without a month: this one and the one before
       npm run allim -- audit verify [--noted NUMBER:HASH] [--json]      whether the trail of what staff did is whole`;
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

function parseNoted(argv: readonly string[]): { noted: Noted | null; json: boolean } {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { noted: { type: 'string' }, json: { type: 'boolean', default: false } },
    });
    if (values.noted === undefined) return { noted: null, json: values.json };
    const [, number, hash] = /^([1-9]\d{0,14}):([0-9a-f]{64})$/.exec(values.noted) ?? [];
    if (number === undefined || hash === undefined)
      throw new Error('--noted takes a number and a hash, as verify says them: 17:3f…');
    return { noted: { number: Number(number), hash }, json: values.json };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** 1 where the trail is not what was written. */
async function verify(argv: readonly string[]): Promise<number> {
  let whole = true;
  const code = await runCommand(USAGE, async () => {
    const { noted, json } = parseNoted(argv);
    await withLedger(process.env, async ({ pool }) => {
      const found = await verifyAudit(pool, noted);
      whole = found.ok;
      if (json) return say(JSON.stringify(found));
      for (const { says } of found.findings) say(`wrong  ${says}`);
      say(
        `${found.entries} entries${whole ? ' are what was written' : ''}; the last is ${found.head.number}:${found.head.hash}`,
      );
    });
  });
  return code === 0 && !whole ? 1 : code;
}

export const auditCommand: Command = {
  does: 'whether the ledger adds up: --month YYYY-MM, --all, --json; verify: whether the trail of what staff did is whole',
  async run(argv) {
    if (argv[0] === 'verify') return verify(argv.slice(1));
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
