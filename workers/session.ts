/**
 * This worker's right to call providers. The heart beats every second; the deadline runs from the *sending* of the last beat that was
 * acknowledged, so that a process that was stopped in between (SIGSTOP, a long pause) knows before its next call that it may be taken
 * for dead. Monotonic clock: a step of the wall clock neither kills nor prolongs it.
 */
import { hostname } from 'node:os';
import { messageOf } from '../domain/errors.ts';
import { randomId, type SessionId } from '../domain/ids.ts';
import type { Logger } from '../domain/logger.ts';
import { paced } from '../domain/pace.ts';
import type { SqlPool } from '../domain/sql.ts';
import { beat, closeSession, openSession, SESSION_DEAD_MS } from '../store/sessions.ts';

const BEAT_MS = paced(1_000);
/** Declared dead after 5 s without a beat; we stop a second earlier. */
const DEADLINE_MS = SESSION_DEAD_MS - paced(1_000);

export interface Session {
  start(): Promise<void>;
  /** Ends the session. Call when nothing is in flight any more. */
  stop(): Promise<void>;
  /** Under which claims are made now. */
  id(): SessionId;
  /** True where calls under `session` may still be made. Look immediately before each. */
  mayCall(session: SessionId): boolean;
}

export function createSession({ pool, logger }: { pool: SqlPool; logger: Logger }): Session {
  let id = randomId<SessionId>();
  let deadline = 0;
  let timer: NodeJS.Timeout | undefined;
  let beating: Promise<void> | undefined;

  async function open(): Promise<void> {
    const sentAt = performance.now();
    const fresh = randomId<SessionId>();
    await openSession(pool, fresh, hostname(), process.pid);
    id = fresh;
    deadline = sentAt + DEADLINE_MS;
  }

  async function beatOnce(): Promise<void> {
    const sentAt = performance.now();
    try {
      if (await beat(pool, id)) deadline = sentAt + DEADLINE_MS;
      else {
        logger.warn({ session: id }, 'the session was declared dead; a new one is opened');
        await open();
      }
    } catch (error) {
      logger.warn({ session: id, err: messageOf(error) }, 'heartbeat failed');
    }
  }

  return {
    async start() {
      if (timer !== undefined) return;
      await open();
      timer = setInterval(() => {
        // Beats never overlap: a slow one must not be overtaken by a younger one that failed.
        beating ??= beatOnce().finally(() => {
          beating = undefined;
        });
      }, BEAT_MS);
    },
    async stop() {
      if (timer === undefined) return;
      clearInterval(timer);
      timer = undefined;
      await beating;
      deadline = 0;
      await closeSession(pool, id);
    },
    id: () => id,
    mayCall: (session) => session === id && performance.now() < deadline,
  };
}
