/** Codes on their way to addresses that are to be proven: hashed, ten minutes, five tries. Counted by their rows, which stay for a day. */
import type { Sealer } from '../domain/sealing.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import { saveCitizen } from './citizens.ts';
import { addressIndex, openAddress, saveContactPoints, sealAddress } from './contact-points.ts';

export type CodeChannel = 'email' | 'sms';
export const CODE_MINUTES = 10;
export const CODE_TRIES = 5;

/** Codes an hour for one person, and to one address whoever asks; a day of each. */
const LIMITS = { citizenHour: 5, citizenDay: 12, addressHour: 3, addressDay: 6 } as const;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const hashOf = (sealer: Sealer, id: string, code: string): Buffer =>
  sealer.index('contact-code', `${id}/${code}`);

/** Where there were too many nothing is written, and it says how long to wait. Codes before it that were not typed end. */
export function startCode(
  pool: SqlPool,
  sealer: Sealer,
  given: {
    readonly id: string;
    readonly citizen: string;
    readonly channel: CodeChannel;
    readonly address: string;
    readonly code: string;
  },
  nowMs: number,
): Promise<'started' | { readonly waitSeconds: number }> {
  const { id, citizen, channel, address, code } = given;
  const index = addressIndex(sealer, channel, address);
  return transaction(pool, async (sql) => {
    await saveCitizen(sql, citizen, {}, nowMs);
    // Of one person and of one address one at a time, so that the counts below are true.
    await sql.query('SELECT pg_advisory_xact_lock(hashtext($1))', [`contact-code/${index.toString('hex')}`]);
    const waitSeconds = await waitFor(sql, citizen, index, nowMs);
    if (waitSeconds !== null) return { waitSeconds };
    await sql.query(
      'UPDATE contact_codes SET ended_at = $3 WHERE citizen_id = $1 AND channel = $2 AND ended_at IS NULL',
      [citizen, channel, new Date(nowMs)],
    );
    await sql.query(
      `INSERT INTO contact_codes (id, citizen_id, channel, address, address_index, code_hash, created_at, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [
        id,
        citizen,
        channel,
        sealAddress(sealer, channel, address),
        index,
        hashOf(sealer, id, code),
        new Date(nowMs),
        new Date(nowMs + CODE_MINUTES * 60_000),
      ],
    );
    return 'started';
  });
}

/** null where another may be sent. Of each limit that is reached, until the oldest of its codes is no longer counted. */
async function waitFor(sql: Sql, citizen: string, index: Buffer, nowMs: number): Promise<number | null> {
  const { rows } = await sql.query<{ mine: boolean; there: boolean; at: Date }>(
    `SELECT citizen_id = $1 AS mine, address_index = $2 AS there, created_at AS at FROM contact_codes
     WHERE (citizen_id = $1 OR address_index = $2) AND created_at > $3 ORDER BY created_at`,
    [citizen, index, new Date(nowMs - DAY_MS)],
  );
  const waits = [
    [LIMITS.citizenHour, HOUR_MS, 'mine'],
    [LIMITS.citizenDay, DAY_MS, 'mine'],
    [LIMITS.addressHour, HOUR_MS, 'there'],
    [LIMITS.addressDay, DAY_MS, 'there'],
  ] as const;
  let untilMs = 0;
  for (const [most, windowMs, whose] of waits) {
    const counted = rows.filter((row) => row[whose] && row.at.getTime() > nowMs - windowMs);
    const first = counted.at(-most);
    if (first !== undefined) untilMs = Math.max(untilMs, first.at.getTime() + windowMs);
  }
  return untilMs === 0 ? null : Math.max(1, Math.ceil((untilMs - nowMs) / 1_000));
}

export type OpenCode = {
  readonly channel: CodeChannel;
  readonly address: string;
  readonly triesLeft: number;
};

/** undefined where it was typed, has expired, was given up, or is another's. */
export async function openCode(
  sql: Sql,
  sealer: Sealer,
  citizen: string,
  id: string,
  nowMs: number,
): Promise<OpenCode | undefined> {
  const { rows } = await sql.query<{ channel: CodeChannel; address: Buffer; tries: number }>(
    `SELECT channel, address, tries FROM contact_codes WHERE id = $1 AND citizen_id = $2 AND ended_at IS NULL AND expires_at > $3 AND tries < $4`,
    [id, citizen, new Date(nowMs), CODE_TRIES],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    channel: row.channel,
    address: openAddress(sealer, row.channel, row.address),
    triesLeft: CODE_TRIES - row.tries,
  };
}

/**
 * A try. Right: the address is the citizen's, verified, in the same transaction. The try is counted before it is judged and whatever comes of
 * it, so that two at once are two.
 */
export async function tryCode(
  pool: SqlPool,
  sealer: Sealer,
  given: { readonly id: string; readonly citizen: string; readonly code: string },
  nowMs: number,
): Promise<{ readonly kind: 'right' | 'ended' } | { readonly kind: 'wrong'; readonly triesLeft: number }> {
  const { id, citizen, code } = given;
  const { rows } = await pool.query<{ channel: CodeChannel; address: Buffer; tries: number; hash: Buffer }>(
    `UPDATE contact_codes SET tries = tries + 1
     WHERE id = $1 AND citizen_id = $2 AND ended_at IS NULL AND expires_at > $3 AND tries < $4 RETURNING channel, address, tries, code_hash AS hash`,
    [id, citizen, new Date(nowMs), CODE_TRIES],
  );
  const row = rows[0];
  if (row === undefined) return { kind: 'ended' };
  // Keyed hashes: what differs where tells nothing of the code.
  if (!hashOf(sealer, id, code).equals(row.hash))
    return row.tries >= CODE_TRIES ? { kind: 'ended' } : { kind: 'wrong', triesLeft: CODE_TRIES - row.tries };
  return transaction(pool, async (sql) => {
    const { rowCount } = await sql.query(
      'UPDATE contact_codes SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL',
      [id, new Date(nowMs)],
    );
    if (rowCount === 0) return { kind: 'ended' };
    const address = openAddress(sealer, row.channel, row.address);
    await saveCitizen(sql, citizen, {}, nowMs);
    const point = { channel: row.channel, address, content: address, verified: true } as const;
    await saveContactPoints(sql, sealer, citizen, [point], nowMs, 'citizen');
    return { kind: 'right' };
  });
}
