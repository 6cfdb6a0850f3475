/**
 * Dead letters as a person sees them, over HTTP and on the machine: what was given up, counted by why, and put back a page at a time. A page is
 * its own transaction, with who put it back; broken off in between, the next call goes on where the last one ended. Putting back everything twice
 * changes nothing the second time: what was put back is no dead letter any more.
 */
import { AllimError } from '../domain/errors.ts';
import { transaction } from '../domain/sql.ts';
import {
  countDeadDeliveries,
  countDeadEvents,
  countDeadReceipts,
  type DeadCount,
  type DeadLetterFilter,
  type DeadLetterKind,
  listDeadDeliveries,
  listDeadEvents,
  listDeadReceipts,
  type Place,
  type Redriven,
  redriveDeliveries,
  redriveReceipts,
  saveRedrive,
} from '../store/dead-letters.ts';
import { type Credential, needAgency } from './credential.ts';
import { type QuarantineParts, retryQuarantined } from './quarantine.ts';

/** Of deliveries or receipts, in one transaction; of events, each in its own. */
export const REDRIVE_PAGE = 500;
const EVENTS_PAGE = 100;

export type RedrivePage = {
  readonly looked: number;
  /** How many were put back; with `look`, would be. */
  readonly redriven: number;
  readonly leftAlone: Readonly<Record<string, number>>;
  /** Where the next page begins; null at the end. */
  readonly next: Place | null;
};

/** What the caller may see of what was asked for: an agency its own. Throws `forbidden`. */
function allowed(caller: Credential, kind: DeadLetterKind, filter: DeadLetterFilter): DeadLetterFilter {
  if (kind === 'receipts' && caller.agency !== null)
    throw new AllimError(
      'forbidden',
      'whose receipts of nothing would be nobody knows: they are the administrator’s',
    );
  if (filter.agency !== null) needAgency(caller, filter.agency);
  if (
    kind !== 'deliveries' &&
    (filter.campaign !== null || filter.channel !== null || filter.status !== null)
  )
    throw new AllimError('request-invalid', `${kind} have no campaign, channel or status to be chosen by`);
  return { ...filter, agency: filter.agency ?? caller.agency };
}

export async function listDeadLetters(
  parts: Pick<QuarantineParts, 'pool'>,
  caller: Credential,
  kind: DeadLetterKind,
  given: DeadLetterFilter,
  after: Place | null,
  limit: number,
): Promise<readonly Place[]> {
  const filter = allowed(caller, kind, given);
  const list = { events: listDeadEvents, deliveries: listDeadDeliveries, receipts: listDeadReceipts }[kind];
  return list(parts.pool, filter, after, limit);
}

export async function countDeadLetters(
  parts: Pick<QuarantineParts, 'pool'>,
  caller: Credential,
  kind: DeadLetterKind,
  given: DeadLetterFilter,
): Promise<readonly DeadCount[]> {
  const filter = allowed(caller, kind, given);
  const count = { events: countDeadEvents, deliveries: countDeadDeliveries, receipts: countDeadReceipts }[
    kind
  ];
  return count(parts.pool, filter);
}

/** One page. With `look` nothing is changed, and of events nothing is tried. Ambiguous deliveries are put back only where the filter names them. */
export async function redriveDeadLetters(
  parts: QuarantineParts,
  caller: Credential,
  kind: DeadLetterKind,
  given: DeadLetterFilter,
  options: { readonly after: Place | null; readonly look: boolean },
): Promise<RedrivePage> {
  const filter = allowed(caller, kind, given);
  const { after, look } = options;
  const page =
    kind === 'events'
      ? await redriveEvents(parts, caller, filter, after, look)
      : await redriveRows(parts, caller, kind, filter, after, look);
  if (!look && page.looked > 0)
    parts.logger.info(
      { caller: caller.id, kind, redriven: page.redriven, looked: page.looked },
      'dead letters were put back',
    );
  return page;
}

async function redriveRows(
  { pool, clock }: QuarantineParts,
  caller: Credential,
  kind: 'deliveries' | 'receipts',
  filter: DeadLetterFilter,
  after: Place | null,
  look: boolean,
): Promise<RedrivePage> {
  const nowMs = clock.nowMs();
  return transaction(pool, async (sql) => {
    let rows: readonly Place[];
    let became: readonly Redriven[];
    if (kind === 'deliveries') {
      const dead = await listDeadDeliveries(sql, filter, after, REDRIVE_PAGE);
      rows = dead;
      became = await redriveDeliveries(sql, dead, { look, ambiguous: filter.status === 'ambiguous', nowMs });
    } else {
      rows = await listDeadReceipts(sql, filter, after, REDRIVE_PAGE);
      const ids = rows.map((row) => row.id);
      became = look ? ids.map((id) => ({ id, became: 'redriven' })) : await redriveReceipts(sql, ids, nowMs);
    }
    const page = pageOf(rows, became, REDRIVE_PAGE);
    const { looked, redriven, leftAlone } = page;
    if (!look && looked > 0)
      await saveRedrive(sql, { kind, filter, by: caller.id, looked, redriven, leftAlone }, nowMs);
    return page;
  });
}

async function redriveEvents(
  parts: QuarantineParts,
  caller: Credential,
  filter: DeadLetterFilter,
  after: Place | null,
  look: boolean,
): Promise<RedrivePage> {
  const rows = await listDeadEvents(parts.pool, filter, after, EVENTS_PAGE);
  const became: Redriven[] = [];
  for (const { id } of rows)
    became.push({ id, became: look ? 'redriven' : await retried(parts, caller, id) });
  const page = pageOf(rows, became, EVENTS_PAGE);
  const { looked, redriven, leftAlone } = page;
  if (!look && looked > 0)
    await saveRedrive(
      parts.pool,
      { kind: 'events', filter, by: caller.id, looked, redriven, leftAlone },
      parts.clock.nowMs(),
    );
  return page;
}

/** What is still wrong stays in quarantine, and is counted by why; anything but that is a fault of ours and ends the page. */
async function retried(parts: QuarantineParts, caller: Credential, id: string): Promise<string> {
  try {
    await retryQuarantined(parts, caller, id);
    return 'redriven';
  } catch (error) {
    if (error instanceof AllimError && !error.retryable) return error.code;
    throw error;
  }
}

function pageOf(rows: readonly Place[], became: readonly Redriven[], full: number): RedrivePage {
  const leftAlone: Record<string, number> = {};
  for (const { became: why } of became) if (why !== 'redriven') leftAlone[why] = (leftAlone[why] ?? 0) + 1;
  const last = rows.at(-1);
  return {
    looked: rows.length,
    redriven: became.filter((one) => one.became === 'redriven').length,
    leftAlone,
    next: last === undefined || rows.length < full ? null : { at: last.at, id: last.id },
  };
}
