/** Puts a synthetic population into the ledger and onto citizen-profiles, for the demonstration. Done again it changes nothing. */
import { createECDH, createHash } from 'node:crypto';
import type { Broker } from '../broker/broker.ts';
import type { Clock } from '../domain/clock.ts';
import { ZONE } from '../domain/jurisdiction.ts';
import { TOPICS } from '../domain/records.ts';
import type { Sealer } from '../domain/sealing.ts';
import { type SqlPool, transaction } from '../domain/sql.ts';
import {
  citizens,
  type Subscription,
  type SyntheticCitizen,
  type SyntheticContactPoint,
} from '../producers/population.ts';
import {
  type BulkCitizen,
  type CitizenChoices,
  insertChoices,
  insertCitizens,
} from '../store/bulk-citizens.ts';
import { addressIndex, contactPointId, sealAddress } from '../store/contact-points.ts';

export type SeedParts = {
  readonly pool: SqlPool;
  readonly broker: Broker;
  readonly sealer: Sealer;
  readonly clock: Clock;
};

const SOURCE = 'demonstration';
/** Whose register the profiles stand for, as citizens read it. */
const REGISTER = 'mois';
const CHUNK = 2_500;
const KEY_PAIRS = 16;

/** One in 32 has switched off what may be switched off; another one has asked for a quiet night, which lasts while the demonstration begins. */
export const isRefuser = (citizen: string): boolean => citizen.endsWith('a');
export const isSleeper = (citizen: string): boolean => citizen.endsWith('b');
const QUIET_HOURS = 8;

/**
 * Subscriptions for the demonstration. A P-256 key pair costs 30 µs and is nobody's secret here, so citizens share a few; each has an
 * endpoint and an authentication secret of their own.
 */
export function subscriptionPool(pairs: number = KEY_PAIRS): (citizen: string) => Subscription {
  const keys = Array.from({ length: pairs }, (_, index) => {
    const pair = createECDH('prime256v1');
    pair.setPrivateKey(createHash('sha256').update(`demonstration browser ${index}`).digest());
    return pair.getPublicKey('base64url');
  });
  return (citizen) => {
    const secret = createHash('sha256').update(`demonstration secret ${citizen}`).digest();
    return {
      endpoint: `https://push.example.kr/${citizen}`,
      keys: {
        p256dh: keys[secret[31]! % keys.length]!,
        auth: secret.subarray(0, 16).toString('base64url'),
      },
    };
  };
}

/** What a contact point's address is made of where it is sealed and compared. */
export function addressOf(point: SyntheticContactPoint): string {
  return point.channel === 'push' ? JSON.stringify(point.subscription) : point.address;
}

/** HH:00 in Seoul, some hours from `nowMs`. */
function hourOf(nowMs: number, hours: number): string {
  return Temporal.Instant.fromEpochMilliseconds(nowMs)
    .add({ hours })
    .toZonedDateTimeISO(ZONE)
    .toPlainTime()
    .round({ smallestUnit: 'hour', roundingMode: 'floor' })
    .toString()
    .slice(0, 5);
}

function choicesOf(chunk: readonly SyntheticCitizen[], nowMs: number): CitizenChoices {
  const quiet = { from: hourOf(nowMs, 0), to: hourOf(nowMs, QUIET_HOURS) };
  return {
    quietHours: chunk.filter(({ id }) => isSleeper(id)).map(({ id }) => ({ citizen: id, ...quiet })),
    optOuts: chunk
      .filter(({ id }) => isRefuser(id))
      .flatMap(({ id }) =>
        (['service', 'information'] as const).map((category) => ({ citizen: id, category })),
      ),
  };
}

function toBulk(citizen: SyntheticCitizen, sealer: Sealer): BulkCitizen {
  return {
    id: citizen.id,
    locale: citizen.locale,
    attributes: citizen.profile,
    contactPoints: citizen.contactPoints.map((point) => {
      const address = addressOf(point);
      // A browser is the same contact point while its endpoint is the same, whatever its keys.
      const index = addressIndex(
        sealer,
        point.channel,
        point.channel === 'push' ? point.subscription.endpoint : address,
      );
      return {
        id: contactPointId(citizen.id, point.channel, index),
        channel: point.channel,
        address: sealAddress(sealer, point.channel, address),
        index,
      };
    }),
  };
}

/**
 * Seeds `count` citizens once a data folder: what was seeded is remembered when all of it stands, and a second call returns at once. A smaller or
 * larger count later adds what is missing. `nightBeganMs` is when the quiet hours of some begin. 20,000 take 2 s. Returns how many were
 * written now.
 */
export async function seedPopulation(
  parts: SeedParts,
  seed: number,
  count: number,
  nightBeganMs: number,
  progress: (done: number) => void = () => {},
): Promise<number> {
  const { pool, broker, sealer, clock } = parts;
  const name = `demonstration-population-${seed}`;
  const { rows } = await pool.query<{ value: number }>('SELECT value FROM settings WHERE name = $1', [name]);
  if ((rows[0]?.value ?? 0) >= count) return 0;
  let chunk: SyntheticCitizen[] = [];
  let done = 0;
  let writing: Promise<unknown> = Promise.resolve();
  const flush = async () => {
    const now = chunk;
    chunk = [];
    // Sealing and JSON of the next chunk run while Postgres writes this one.
    const bulk = now.map((citizen) => toBulk(citizen, sealer));
    const records = now.map((citizen) => ({
      key: citizen.id,
      value: JSON.stringify(citizen.profile),
      headers: { 'allim-initial': '1' },
    }));
    await writing;
    progress(done);
    // A foreign key's plan made while the table was empty reads it whole for every row, until somebody has counted it.
    if (done === CHUNK) await pool.query('ANALYZE citizens');
    done += now.length;
    const choices = choicesOf(now, nightBeganMs);
    writing = Promise.all([
      transaction(pool, async (sql) => {
        await insertCitizens(sql, bulk, REGISTER, clock.nowMs());
        await insertChoices(sql, choices, SOURCE);
      }),
      broker.append(TOPICS.profiles, records),
    ]);
    // Awaited at the next flush; until then a failure must not count as unhandled.
    writing.catch(() => {});
  };
  for (const citizen of citizens(seed, count, { subscription: subscriptionPool() })) {
    chunk.push(citizen);
    if (chunk.length === CHUNK) await flush();
  }
  await flush();
  await writing;
  progress(done);
  await pool.query(
    `INSERT INTO settings (name, value) VALUES ($1, $2::text::jsonb) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    [name, String(count)],
  );
  await pool.query('ANALYZE citizens, contact_points');
  return done;
}
