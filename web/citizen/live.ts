/**
 * Open inboxes hear of what comes (server-sent events): one look into the ledger for everybody who is connected, every tenth of a second, and
 * no look where nobody is. It tells that something came or was read, never what: the page fetches that as any page. What was planned is told
 * once it is committed, whatever its instant, because each look goes back further than a plan takes.
 */
import type { ServerResponse } from 'node:http';
import { type Clock, monthOf } from '../../domain/clock.ts';
import { messageOf } from '../../domain/errors.ts';
import type { Logger } from '../../domain/logger.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { type Arrival, arrivals } from '../../store/citizen-notices.ts';
import type { Citizen, SessionId } from '../sign-in/person.ts';

export type LiveParts = {
  readonly pool: SqlPool;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Names under which a device shows a notice. */
  readonly tagsOf: (citizen: string, notification: string) => Promise<readonly string[]>;
  /** Of sessions those that still count: whoever signed out elsewhere hears nothing more. */
  readonly living: (sessions: readonly SessionId[]) => Promise<ReadonlySet<string>>;
  readonly everyMs?: number;
  readonly aliveMs?: number;
};

export type Live = {
  /** `sinceMs`: when the page was written; what came after it is told at once. False where too many are connected. */
  add(response: ServerResponse, reader: Pick<Citizen, 'citizen' | 'session'>, sinceMs: number): boolean;
  /** Ends every connection. Safe to call twice. */
  stop(): void;
};

const EVERY_MS = 100;
/**
 * A look may take this share of the time at most: with very many connected it comes less often. The shorter of the last two counts: one that
 * had to wait for a core says nothing of what looks cost, and must not let everybody wait for ten times as long.
 */
const SHARE = 0.15;
/** A plan's rows bear the instant at which it began, and it may take seconds. */
const BACK_MS = 30_000;
const LONGEST_BACK_MS = 600_000;
/** Proxies and browsers give up on a connection that says nothing. */
const ALIVE_MS = 15_000;
/** Then the browser connects anew, and its session is looked at again. */
const LONGEST_MS = 300_000;
const MAX_VIEWERS = 10_000;
const MAX_OF_ONE = 8;
/** A reader that does not read: its socket's buffer must not become ours. */
const MAX_BEHIND = 65_536;

type Viewer = {
  readonly response: ServerResponse;
  readonly session: SessionId;
  readonly untilMs: number;
  /** What was told, and when: longer than a look goes back. */
  readonly told: Map<string, number>;
};

export function createLive(parts: LiveParts): Live {
  const { pool, clock, logger } = parts;
  const watched = new Map<string, Set<Viewer>>();
  let count = 0;
  let timer: NodeJS.Timeout | undefined;
  let lastMs = 0;
  let aliveMs = 0;
  let stopped = false;

  const look = (citizens: readonly string[], sinceMs: number) => {
    const nowMs = clock.nowMs();
    // A stage that fell due at the end of a month is planned in the next one.
    const months = [...new Set([monthOf(nowMs), monthOf(nowMs - 3 * 86_400_000)])];
    return arrivals(pool, citizens, sinceMs, months);
  };

  /** Once: what a connection began with and what the next look finds are in part the same. */
  async function tell(all: Iterable<Viewer>, { kind, recipient, id }: Arrival): Promise<void> {
    const key = `${kind}/${id}`;
    const viewers = [...all].filter(({ told }) => !told.has(key));
    if (viewers.length === 0) return;
    for (const { told } of viewers) told.set(key, clock.nowMs());
    const tags = kind === 'read' ? await parts.tagsOf(recipient, id) : [];
    const data = JSON.stringify(kind === 'read' ? { id, tags } : { id });
    for (const { response } of viewers) {
      response.write(`event: ${kind}\ndata: ${data}\n\n`);
      if (response.writableLength > MAX_BEHIND) response.destroy();
    }
  }

  async function round(): Promise<void> {
    const nowMs = clock.nowMs();
    for (const arrival of await look([...watched.keys()], nowMs - BACK_MS)) {
      await tell(watched.get(arrival.recipient) ?? [], arrival);
    }
    if (performance.now() - aliveMs < (parts.aliveMs ?? ALIVE_MS)) return;
    aliveMs = performance.now();
    await keepAlive([...watched.values()].flatMap((viewers) => [...viewers]));
  }

  /** A heartbeat, and the end of those whose session ended. */
  async function keepAlive(viewers: readonly Viewer[]): Promise<void> {
    const nowMs = clock.nowMs();
    const living = await parts.living([...new Set(viewers.map(({ session }) => session))]);
    for (const { response, session, untilMs, told } of viewers) {
      for (const [key, atMs] of told) if (nowMs - atMs > 2 * BACK_MS) told.delete(key);
      if (untilMs < nowMs || !living.has(session)) response.end();
      else response.write(': still here\n\n');
    }
  }

  function again(afterMs: number): void {
    timer ??= setTimeout(() => {
      const startedMs = performance.now();
      round()
        .catch((error: unknown) =>
          logger.warn({ err: messageOf(error) }, 'open inboxes could not be told what came'),
        )
        .finally(() => {
          timer = undefined;
          if (stopped || count === 0) return;
          const tookMs = performance.now() - startedMs;
          again(Math.max(parts.everyMs ?? EVERY_MS, Math.min(tookMs, lastMs) / SHARE));
          lastMs = tookMs;
        });
    }, afterMs);
  }

  return {
    add(response, { citizen, session }, sinceMs) {
      const viewers = watched.get(citizen) ?? new Set<Viewer>();
      if (stopped || count >= MAX_VIEWERS || viewers.size >= MAX_OF_ONE) return false;
      const nowMs = clock.nowMs();
      const viewer: Viewer = { response, session, untilMs: nowMs + LONGEST_MS, told: new Map() };
      viewers.add(viewer);
      watched.set(citizen, viewers);
      count++;
      response.on('close', () => {
        count--;
        viewers.delete(viewer);
        if (viewers.size === 0 && watched.get(citizen) === viewers) watched.delete(citizen);
      });
      response.write('retry: 2000\n\n');
      // What came between the page and this connection; the page knows what it shows already.
      const fromMs = Math.max(Math.min(sinceMs, nowMs) - BACK_MS, nowMs - LONGEST_BACK_MS);
      look([citizen], fromMs)
        .then(async (found) => {
          for (const arrival of found) await tell([viewer], arrival);
        })
        .catch((error: unknown) =>
          logger.warn({ err: messageOf(error) }, 'an open inbox could not be told what came before it'),
        );
      again(0);
      return true;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      timer = undefined;
      for (const viewers of watched.values()) for (const { response } of viewers) response.end();
      watched.clear();
    },
  };
}
