/**
 * What providers say later, and what a person puts back. Each true receipt says that it was delivered; the false ones beside it say that it was not.
 * So whatever is believed that should not be shows: a delivery that failed, and its notice on a second channel.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ReceiptPlan } from '../sinks/sink.ts';
import type { Channel, Fault, Stage } from './fault.ts';

const CHANNELS: readonly Channel[] = ['push', 'email', 'sms'];
const SETTLED_WITHIN_MS = 60_000;
/** More than pause a campaign. */
const GIVEN_UP = 15;
/** When the round's notices began, by the clock of the database. */
const begun = new WeakMap<Stage, Date>();

async function until(check: () => Promise<boolean>, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs;
  while (!(await check())) {
    if (performance.now() > deadline) return false;
    await delay(100);
  }
  return true;
}

async function begin(stage: Stage, plan: Omit<ReceiptPlan, 'to' | 'token'>): Promise<void> {
  const [row] = await stage.sql<{ now: Date }>('SELECT clock_timestamp() AS now');
  begun.set(stage, row!.now);
  for (const channel of CHANNELS)
    stage.sinks.receipts(channel, { ...plan, to: stage.url, token: stage.bounceToken });
}

const OPEN = `SELECT d.channel, d.status::text AS status, count(*)::int AS n FROM deliveries d
  WHERE d.claimed_at >= $1 AND d.attempt > 0 AND d.status <> 'delivered' AND d.status NOT IN ('cancelled', 'expired', 'suppressed') GROUP BY 1, 2 ORDER BY 1, 2`;
const RECEIPTS = `SELECT source, state, count(*)::int AS n FROM receipts WHERE received_at >= $1 GROUP BY 1, 2 ORDER BY 1, 2`;
type Count = { readonly n: number } & Readonly<Record<string, string | number>>;

/** What was called is delivered, by its receipt, and by nothing else; false ones stand where they belong. */
async function end(stage: Stage, lies: boolean): Promise<readonly string[]> {
  const since = [begun.get(stage)];
  const words = (rows: readonly Count[]) => rows.map((row) => Object.values(row).join(' ')).join(', ');
  const settled = await until(
    async () => (await stage.sql<Count>(OPEN, since)).length === 0,
    SETTLED_WITHIN_MS,
  );
  for (const channel of CHANNELS) stage.sinks.receipts(channel, null);
  const receipts = await stage.sql<Count>(RECEIPTS, since);
  stage.say(`receipts: ${words(receipts)}`);
  const wrong: string[] = [];
  if (!settled) wrong.push(`not delivered by their receipts: ${words(await stage.sql<Count>(OPEN, since))}`);
  for (const source of ['push', 'email', 'smpp'])
    if (!receipts.some((row) => row['source'] === source && row['state'] === 'applied'))
      wrong.push(`no receipt of ${source} was applied`);
  const orphans = receipts.filter((row) => row['source'] === 'smpp' && row['state'] === 'waiting');
  if (lies && orphans.length === 0)
    wrong.push('the false receipts of the SMSC did not come, or were believed');
  return wrong;
}

function receipts(name: string, does: string, plan: Omit<ReceiptPlan, 'to' | 'token'>): Fault {
  return {
    name,
    group: 'receipts',
    does,
    prepare: (stage) => begin(stage, plan),
    inflict: (stage) => stage.arrived(0.9),
    judge: (stage) => end(stage, plan.lies === 'forged' || plan.lies === 'foreign'),
  };
}

type Page = { readonly redriven: number; readonly next: string | null };

async function redriveAll(stage: Stage): Promise<number> {
  let redriven = 0;
  for (const kind of ['events', 'deliveries', 'receipts']) {
    let cursor: string | null = null;
    do {
      const { status, body } = await stage.api('POST', `/api/v1/dead-letters/${kind}/redrive`, {
        dryRun: false,
        ...(cursor === null ? {} : { cursor }),
      });
      if (status !== 200) throw new Error(`the redrive of ${kind} was answered ${status}`);
      redriven += (body as Page).redriven;
      cursor = (body as Page).next;
    } while (cursor !== null);
  }
  return redriven;
}

const count = async (stage: Stage, sql: string) =>
  (await stage.sql<{ n: number }>(`SELECT count(*)::int AS n FROM ${sql}`))[0]!.n;

/** What a campaign's failures had paused goes on (workers/failing-stages.ts). */
async function resumeCampaigns(stage: Stage): Promise<void> {
  const stops = await stage.sql<{ scope: string }>(`SELECT scope FROM stops WHERE scope LIKE 'campaign:%'`);
  for (const { scope } of stops) await stage.api('DELETE', `/api/v1/stops/${encodeURIComponent(scope)}`);
}

export const RECEIPT_FAULTS: readonly Fault[] = [
  receipts('receipt-before-response', 'every receipt comes before the response to its call', {
    when: 'before',
  }),
  receipts('receipt-twice', 'every receipt comes four times', { when: 'twice' }),
  receipts('receipt-out-of-order', 'delivered, then under way, then undeliverable', { when: 'disorder' }),
  receipts('receipt-late', 'every receipt comes when the round is long over', {
    when: 'late',
    lateMs: 8_000,
  }),
  receipts('receipt-forged', 'beside each receipt one with a wrong proof, saying that it failed', {
    when: 'after',
    lies: 'forged',
  }),
  receipts('receipt-foreign', 'beside each receipt one of somebody else’s message, saying that it failed', {
    when: 'after',
    lies: 'foreign',
  }),
  receipts('receipt-replayed', 'every receipt is played again and again', {
    when: 'after',
    lies: 'replayed',
  }),
  {
    name: 'redrive-twice',
    group: 'receipts',
    does: 'texts are refused as our fault until fifteen have been given up; then everything is put back, twice',
    notices: 0.4,
    async inflict(stage) {
      const dead = `deliveries WHERE status = 'failed-technical'`;
      stage.sinks.fail('sms', { kind: 'technical' });
      try {
        // A campaign that fails so is paused after a few (workers/failing-stages.ts): a person lets it go on, and it fails on.
        const enough = async () => {
          await resumeCampaigns(stage);
          return (await count(stage, dead)) >= GIVEN_UP;
        };
        if (!(await until(enough, 90_000)))
          throw new Error(`${await count(stage, dead)} texts were given up, not ${GIVEN_UP}`);
      } finally {
        stage.sinks.fail('sms', null);
        await resumeCampaigns(stage);
      }
      // Until nothing is dead nor may become so: what was being retried or called when the refusals ended succeeds by itself, or is given
      // up a little later.
      const underWay = `deliveries WHERE channel = 'sms' AND status IN ('planned', 'sending', 'waiting')`;
      const whole = await until(async () => {
        await resumeCampaigns(stage);
        await redriveAll(stage);
        return (await count(stage, underWay)) === 0 && (await count(stage, dead)) === 0;
      }, 90_000);
      if (!whole) throw new Error(`after the redrives ${await count(stage, dead)} are given up still`);
      await stage.arrived(0.95);
    },
    async judge(stage) {
      const before = await stage.count();
      const again = [await redriveAll(stage), await redriveAll(stage)];
      await stage.pause(5_000);
      const more = (await stage.count()) - before;
      const wrong: string[] = [];
      if (again.some((n) => n > 0)) wrong.push(`redriven again were ${again.join(' and then ')}`);
      if (more > 0) wrong.push(`${more} calls were made after everything was put back twice`);
      return wrong;
    },
  },
];
