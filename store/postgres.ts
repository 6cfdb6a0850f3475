/**
 * The one file that knows `pg`: pools whose values and errors are as domain/sql.ts says.
 * Guarantees: int8 and count(*) arrive as numbers, numeric and date as strings, timestamptz as Date; a connection that breaks, idle or
 * checked out, is an error of its query and a line in the log, never the end of the process.
 */
import pg from 'pg';
import { messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { paced } from '../domain/pace.ts';
import type { SqlPool } from '../domain/sql.ts';

export type PoolOptions = {
  /** `postgresql://…`; a Unix socket's folder as `?host=`. */
  readonly url: string;
  readonly max: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName?: string;
  readonly logger: Logger;
  /** How long `end` waits for clients that are checked out; 10 s unless told. */
  readonly endMs?: number;
  /**
   * Milliseconds within which an answer must be there, else the statement fails and its connection is closed: a network that went away says
   * nothing, and Node cannot bound how long TCP waits for it (15 minutes). None unless told: migrations and checks run as long as they do.
   */
  readonly answerMs?: number;
  /** Server settings of each session, e.g. `{ search_path: 'bullmq' }`: sent with the start packet, so that they cost no round trip. */
  readonly options?: Readonly<Record<string, string>>;
};

export type Pool = SqlPool & {
  /**
   * Waits for checked-out clients, then closes. One that is not given back within `endMs` is a fault of whoever has it: it is cut off and told
   * in the log, so that a process that was told to stop does. Safe to call twice.
   */
  end(): Promise<void>;
  /** For metrics and leak checks. */
  readonly totalCount: number;
  readonly idleCount: number;
  readonly waitingCount: number;
};

const OID = { int8: 20, int8Array: 1016, date: 1082, dateArray: 1182, timestamptz: 1184 } as const;

/** Offsets, sequences and counts stay below 2^53; a larger one would be rounded in silence, so it is refused instead. */
function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new RangeError(`the bigint ${text} does not fit a number; cast it to text`);
  return value;
}

const builtinParser = pg.types.getTypeParser as (oid: number, format?: string) => (text: string) => unknown;
const arrayOfText = builtinParser(1009) as (text: string) => (string | null)[];

const instantOf = builtinParser(OID.timestamptz) as (text: string) => Date;
const INSTANTS = 64;
const instants = new Map<string, Date>();

/** The rows of an answer often have the same instants, and reading one costs more than a row. Each gets a Date of its own. */
function parseInstant(text: string): Date {
  let found = instants.get(text);
  if (found === undefined) {
    if (instants.size >= INSTANTS) instants.clear();
    found = instantOf(text);
    instants.set(text, found);
  }
  // `infinity` is a number for pg.
  return found instanceof Date ? new Date(found) : found;
}

/** Looked at before pg's own table, and per pool: the process-wide table belongs to whoever else uses pg (BullMQ does). */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  [OID.int8]: parseInt8,
  [OID.int8Array]: (text) => arrayOfText(text).map((item) => (item === null ? null : parseInt8(item))),
  [OID.date]: (text) => text,
  [OID.dateArray]: arrayOfText,
  [OID.timestamptz]: parseInstant,
};

const types = {
  getTypeParser: (oid: number, format?: string) =>
    (format === 'binary' ? undefined : PARSERS[oid]) ?? builtinParser(oid, format),
} as pg.CustomTypesConfig;

/**
 * What a start packet's `options` takes: `-c name=value`, blanks and backslashes escaped by a backslash.
 * Source: PostgreSQL 18 documentation, libpq connection parameters, `options`.
 */
function sessionOptions(options: Readonly<Record<string, string>>): string {
  return Object.entries(options)
    .map(([name, value]) => `-c ${name}=${value.replaceAll(/[\\\s]/g, '\\$&')}`)
    .join(' ');
}

const END_MS = paced(10_000);

/**
 * For a server whose client's machine went away: its sessions must not keep locks for ever. Keepalives find the peer gone within 25 s; a
 * transaction in which nothing is said is ended sooner. Ignored on Unix sockets.
 */
const SESSION: Readonly<Record<string, string>> = {
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
};

/**
 * The server does not notice that nobody waits for an answer any more: a statement that waits for a lock would go on, and commit when its
 * sender has long looked whether it did (workers/coalescer.ts). So it ends there too, a little later, so that it is the sender who says so.
 */
const SERVER_LATER_MS = 1_000;

/** Connects when first used. Named statements (`{ name, text, values }`) are prepared once a connection and cached by name. */
export function createPool(options: PoolOptions): Pool {
  const { logger } = options;
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.max,
    application_name: options.applicationName ?? 'allim',
    options: sessionOptions({ ...SESSION, ...options.options }),
    ...(options.answerMs === undefined
      ? {}
      : {
          query_timeout: options.answerMs,
          idle_in_transaction_session_timeout: options.answerMs,
          statement_timeout: options.answerMs + SERVER_LATER_MS,
        }),
    types,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: paced(10_000, 3_000),
    idleTimeoutMillis: 60_000,
  });
  // Without these two a server that stops would end the process: pg emits `error` on idle clients through the pool, and on checked-out
  // ones on the client itself, where nobody listens between two queries.
  pool.on('error', (error) => {
    logger.warn({ error: messageOf(error) }, 'an idle database connection broke');
  });
  pool.on('connect', (client) => {
    client.on('error', (error) => {
      logger.warn({ error: messageOf(error) }, 'a database connection broke');
    });
  });
  const out = new Set<pg.PoolClient>();
  pool.on('acquire', (client) => void out.add(client));
  pool.on('release', (_error, client) => void out.delete(client));
  let ending: Promise<void> | undefined;
  const close = pool.end.bind(pool) as () => Promise<void>;

  async function end(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        logger.warn(
          { pool: options.applicationName ?? 'allim', connections: out.size },
          'connections were not given back when their pool closed; they are cut off',
        );
        // Typed as a borrowed one, which has no `end`; it is the client itself.
        for (const client of out) void (client as unknown as pg.Client).end().catch(() => {});
        resolve();
      }, options.endMs ?? END_MS);
    });
    await Promise.race([close(), late]).finally(() => clearTimeout(timer));
  }

  return Object.assign(pool, {
    end: () => {
      ending ??= end();
      return ending;
    },
  }) as unknown as Pool;
}
