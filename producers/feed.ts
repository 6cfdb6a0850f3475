/**
 * Polls agencies' feeds of CloudEvents. The cursor of a feed moves in the transaction that took the events before it, so a crash repeats a
 * page and loses none. An event at fault is quarantined and costs nobody else; a feed at fault says why in its state, is asked less and
 * less often, and costs no other feed.
 */
import { hash } from 'node:crypto';
import { AllimError, messageOf } from '../domain/errors.ts';
import type { EventRowId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import type { Sealer } from '../domain/sealing.ts';
import { type SqlPool, transaction } from '../domain/sql.ts';
import { takeEvents } from '../store/events.ts';
import { advanceFeed, endRound, enterFeeds, type FeedPlace, leaseFeed } from '../store/feeds.ts';
import { type Rejected, saveQuarantine } from '../store/quarantine.ts';
import { type CheckedEvent, checkEvent, type EventCheckParts, eventConflict } from './event-check.ts';
import { type FeedFailure, fetchPage, type PageRequest } from './feed-page.ts';
import type { Feed } from './feeds-file.ts';
import { FEED_TOPIC_PREFIX } from './quarantine.ts';
import { createTurns } from './turns.ts';

export type FeedsParts = EventCheckParts & {
  readonly pool: SqlPool;
  readonly sealer: Sealer;
  readonly logger: Logger;
  readonly feeds: readonly Feed[];
  /** From 0 to 1, for spreading retries. */
  readonly chance: () => number;
  /** Of one page; for tests. */
  readonly limits?: Pick<PageRequest, 'timeoutMs' | 'maxBytes'>;
};

export interface Feeds {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Polls every feed that is due now. Feeds that another process polls are left to it. */
  poll(): Promise<void>;
}

const LOOK_MS = 1_000;
const LEASE_MS = 120_000;
/** A round of one feed; a longer one goes on in the next look, after the others. */
const PAGES_A_ROUND = 50;
/** Pages in a row that bring nothing new, each with a next one. */
const BARREN_PAGES = 20;
const VISITED = 200;
const MAX_BACK_OFF_MS = 3_600_000;
const AT_A_TIME = 4;
/** Of one page; what is beyond is counted. */
const QUARANTINED_A_PAGE = 1_000;
const EVENTS_A_STATEMENT = 1_000;

class LeaseLost extends Error {}

export function createFeeds(parts: FeedsParts): Feeds {
  const { pool, clock, logger, feeds } = parts;
  const turns = createTurns(AT_A_TIME);
  let timer: NodeJS.Timeout | undefined;
  let polling: Promise<void> | undefined;
  let running = false;
  const stopping = new AbortController();
  let entered = false;

  async function round(feed: Feed): Promise<void> {
    const place = await leaseFeed(pool, feed.name, clock.nowMs(), clock.nowMs() + LEASE_MS);
    if (place === undefined) return;
    let failure: FeedFailure | null = null;
    let more = false;
    try {
      ({ failure, more } = await readPages(feed, place));
    } catch (error) {
      if (error instanceof LeaseLost) return;
      failure = { kind: 'failed', code: 'not-taken', message: 'what the feed brought could not be kept' };
      logger.warn({ feed: feed.name, err: messageOf(error) }, 'a page of a feed could not be taken in');
    }
    if (stopping.signal.aborted) [failure, more] = [null, true];
    if (failure !== null && failure.code !== 'not-taken')
      logger.warn(
        { feed: feed.name, code: failure.code, failures: place.failures + 1 },
        `a feed fails: ${failure.message}`,
      );
    const nowMs = clock.nowMs();
    const nextMs =
      nowMs +
      (failure === null ? (more ? 0 : feed.everySeconds * 1000) : backOffMs(feed, place.failures, failure));
    await endRound(pool, feed.name, place.lease, { failure, nextMs, nowMs });
  }

  function backOffMs(feed: Feed, failures: number, { retryAfterMs = 0 }: FeedFailure): number {
    const doubled = Math.min(MAX_BACK_OFF_MS, feed.everySeconds * 1000 * 2 ** Math.min(failures + 1, 12));
    return Math.max(retryAfterMs, doubled * (0.75 + 0.5 * parts.chance()));
  }

  async function readPages(
    feed: Feed,
    begun: FeedPlace,
  ): Promise<{ failure: FeedFailure | null; more: boolean }> {
    let place = begun;
    let barren = 0;
    for (let pages = 0; pages < PAGES_A_ROUND && !stopping.signal.aborted; pages++) {
      const url = place.cursor ?? feed.url;
      const page = await fetchPage({
        feed,
        url,
        etag: place.etag,
        lastModified: place.lastModified,
        signal: stopping.signal,
        ...parts.limits,
      });
      if (page.kind === 'failed') return { failure: page, more: false };
      if (page.kind === 'unchanged') return { failure: null, more: false };
      const visited = [...new Set([...place.visited, hashOf(url)])].slice(-VISITED);
      const wrongNext = page.next !== null && visited.includes(hashOf(page.next));
      const moves = page.next !== null && !wrongNext;
      const next = {
        lease: place.lease,
        failures: place.failures,
        visited,
        cursor: moves ? page.next : place.cursor,
        etag: moves || wrongNext ? null : page.etag,
        lastModified: moves || wrongNext ? null : page.lastModified,
      };
      const fresh = await takePage(feed, page.events, next);
      if (wrongNext)
        return {
          failure:
            page.next === url
              ? { kind: 'failed', code: 'cursor-repeats', message: 'the page names itself as the next one' }
              : {
                  kind: 'failed',
                  code: 'cursor-backwards',
                  message: 'the page names one as the next that came before it',
                },
          more: false,
        };
      place = next;
      if (!moves) return { failure: null, more: false };
      barren = fresh > 0 ? 0 : barren + 1;
      if (barren >= BARREN_PAGES)
        return {
          failure: {
            kind: 'failed',
            code: 'endless',
            message: `${barren} pages in a row brought nothing new and named a next one`,
          },
          more: false,
        };
    }
    return { failure: null, more: true };
  }

  /** Returns how many events were new. */
  async function takePage(
    feed: Feed,
    values: readonly unknown[],
    next: Omit<FeedPlace, 'failures'>,
  ): Promise<number> {
    const checked = new Map<EventRowId, CheckedEvent>();
    const rejected: Rejected[] = [];
    const lookedUp = { done: false };
    for (const value of values)
      try {
        const event = await checkEvent(parts, feed, value, lookedUp);
        const same = checked.get(event.row);
        if (same !== undefined && !same.hash.equals(event.hash)) throw eventConflict();
        checked.set(event.row, event);
      } catch (error) {
        if (!(error instanceof AllimError) || error.retryable) throw error;
        rejected.push(rejection(feed, value, error));
      }
    return transaction(pool, async (sql) => {
      let fresh = 0;
      const events = [...checked.values()];
      for (let at = 0; at < events.length; at += EVENTS_A_STATEMENT) {
        const slice = events.slice(at, at + EVENTS_A_STATEMENT);
        const taken = await takeEvents(sql, 'received', slice, clock.nowMs());
        for (const { row, event } of slice) {
          if (taken.get(row) === 'fresh') fresh++;
          if (taken.get(row) === 'conflict') rejected.push(rejection(feed, event, eventConflict()));
        }
      }
      await saveQuarantine(sql, parts.sealer, rejected.slice(0, QUARANTINED_A_PAGE));
      const held = await advanceFeed(sql, feed.name, next, {
        accepted: fresh,
        refused: rejected.length,
        untilMs: clock.nowMs() + LEASE_MS,
      });
      if (!held) throw new LeaseLost();
      return fresh;
    });
  }

  async function pollAll(): Promise<void> {
    if (!entered) await enterFeeds(pool, feeds);
    entered = true;
    await Promise.all(
      feeds.map((feed) =>
        turns(() => round(feed)).catch((error: unknown) =>
          logger.warn({ feed: feed.name, err: messageOf(error) }, 'a feed was not polled and will be'),
        ),
      ),
    );
  }

  function poll(): Promise<void> {
    polling ??= pollAll().finally(() => {
      polling = undefined;
    });
    return polling;
  }

  function schedule(): void {
    timer = setTimeout(() => {
      poll()
        .catch((error: unknown) =>
          logger.warn({ err: messageOf(error) }, 'feeds were not polled and will be'),
        )
        .finally(() => {
          if (running) schedule();
        });
    }, LOOK_MS);
  }

  return {
    async start() {
      if (running || feeds.length === 0) return;
      running = true;
      schedule();
    },
    async stop() {
      running = false;
      stopping.abort();
      clearTimeout(timer);
      await polling?.catch(() => undefined);
    },
    poll,
  };
}

function hashOf(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 16);
}

/** Named by its content, so that a page that comes again is quarantined once; 48 bits are exact in a double. */
function rejection(feed: Feed, value: unknown, error: AllimError): Rejected {
  const text = JSON.stringify(value);
  return {
    topic: FEED_TOPIC_PREFIX + feed.name,
    partition: 0,
    offset: hash('sha256', text, 'buffer').readUIntBE(0, 6),
    key: null,
    headers: { 'content-type': 'application/cloudevents+json' },
    value: Buffer.from(text),
    error,
    agency: feed.agency,
  };
}
