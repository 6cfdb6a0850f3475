/**
 * Opens windows from files of dates: what fell due since the mark of a calendar becomes events, in the transaction that moves the mark.
 * Guarantees: a window opens once, whoever ticks and however often, because its event's id and content follow from the file; what fell due
 * while nobody ran is opened as long as it has not closed. A file at fault is told by its place and costs nobody else.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { type ScheduledTask, schedule as scheduleCron } from 'node-cron';
import { AllimError, type Fault, messageOf } from '../domain/errors.ts';
import type { Logger } from '../domain/logger.ts';
import { type Sql, type SqlPool, transaction } from '../domain/sql.ts';
import { holdCalendar, saveCalendar } from '../store/calendars.ts';
import { takeEvents } from '../store/events.ts';
import { type CalendarFile, readCalendar } from './calendar-file.ts';
import { type CheckedEvent, checkParsed, type EventCheckParts } from './event-check.ts';

export type CalendarParts = EventCheckParts & {
  readonly pool: SqlPool;
  readonly logger: Logger;
  /** Of `*.json`; looked at every minute, so a file may change while this runs. */
  readonly folder: string;
};

export interface Calendar {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Looks now. Returns how many windows were opened by this process. */
  tick(): Promise<number>;
}

/** The ledger knows events of 400 days; what opened before that and still stands is told by hand. */
const LOOK_BACK_MS = 399 * 86_400_000;
/** What is wrong in a folder as a whole is kept under this name, which no file can have. */
const FOLDER = '(folder)';
const OPERATOR = { agency: null, sources: [] } as const;

export function createCalendar(parts: CalendarParts): Calendar {
  const { pool, clock, logger } = parts;
  /** Files as they were read last, with the revision of the catalogue that they were held against. */
  const known = new Map<string, { text: string; revision: number; file: CalendarFile }>();
  let cron: ScheduledTask | undefined;
  let ticking: Promise<number> | undefined;

  async function tickAll(): Promise<number> {
    let names: string[];
    try {
      names = (await readdir(parts.folder)).filter((name) => name.endsWith('.json')).toSorted();
    } catch (error) {
      await report(FOLDER, [
        { pointer: '', message: `cannot be read: ${(error as NodeJS.ErrnoException).code}` },
      ]);
      return 0;
    }
    let opened = 0;
    for (const file of names)
      try {
        opened += await tickOne(
          path.basename(file, '.json'),
          await readFile(path.join(parts.folder, file), 'utf8'),
        );
      } catch (error) {
        logger.warn(
          { calendar: file, err: messageOf(error) },
          'a calendar was not looked at and will be in a minute',
        );
      }
    return opened;
  }

  async function tickOne(name: string, text: string): Promise<number> {
    const { eventTypes, revision } = await parts.catalogue.refresh();
    const nowMs = clock.nowMs();
    const before = known.get(name);
    const same = before?.text === text && before.revision === revision;
    const file = same ? before.file : readCalendar(name, text, eventTypes, nowMs);
    const fresh = await transaction(pool, async (sql) => {
      const held = await holdCalendar(sql, name);
      if (held === undefined) return 0;
      // A file that is new here may have windows that opened before anybody looked, so the mark counts for one that is known.
      const fromMs =
        same && held.openedThrough !== null ? held.openedThrough.getTime() : nowMs - LOOK_BACK_MS;
      return open(sql, name, file, Math.min(fromMs, nowMs), nowMs);
    });
    // After the commit: what failed is looked at as new again.
    known.set(name, { text, revision, file });
    return fresh;
  }

  async function open(
    sql: Sql,
    name: string,
    file: CalendarFile,
    fromMs: number,
    nowMs: number,
  ): Promise<number> {
    const faults: Fault[] = [...file.faults];
    const due: { readonly index: number; readonly event: CheckedEvent }[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const window of file.windows) {
      nextMs = Math.min(nextMs, window.next(nowMs)?.atMs ?? Number.POSITIVE_INFINITY);
      for (const firing of window.firings(fromMs, nowMs))
        try {
          const { event, closesAtMs } = window.event(firing);
          if (closesAtMs >= nowMs)
            due.push({ index: window.index, event: checkParsed(parts, OPERATOR, event) });
        } catch (error) {
          if (!(error instanceof AllimError)) throw error;
          faults.push(
            ...error.faults.map((f) => ({ ...f, pointer: `/windows/${window.index}${f.pointer}` })),
          );
        }
    }
    const events = due.map(({ event }) => event);
    const taken = events.length === 0 ? new Map() : await takeEvents(sql, 'received', events, nowMs);
    for (const { index, event } of due)
      if (taken.get(event.row) === 'conflict')
        faults.push({
          pointer: `/windows/${index}`,
          message: 'was opened with another content; to correct what was said, raise its revision',
        });
    const fresh = events.filter(({ row }) => taken.get(row) === 'fresh').length;
    const nextAt = Number.isFinite(nextMs) ? new Date(nextMs) : null;
    await saveCalendar(sql, { name, windows: file.windows.length, faults, nextAt, fresh, nowMs });
    if (fresh > 0) logger.info({ calendar: name, opened: fresh }, 'windows were opened');
    if (faults.length > 0 && known.get(name)?.file !== file)
      logger.error(
        { calendar: `${name}.json`, faults },
        'a calendar has faults; its other windows are opened',
      );
    return fresh;
  }

  async function report(name: string, faults: readonly Fault[]): Promise<void> {
    logger.error({ calendar: name, faults }, 'the calendars cannot be read');
    await saveCalendar(pool, { name, windows: 0, faults, nextAt: null, fresh: 0, nowMs: clock.nowMs() });
  }

  function tick(): Promise<number> {
    ticking ??= tickAll().finally(() => {
      ticking = undefined;
    });
    return ticking;
  }
  const tickSafely = () =>
    tick().catch((error: unknown) => {
      logger.warn({ err: messageOf(error) }, 'the calendars were not looked at and will be in a minute');
      return 0;
    });

  return {
    async start() {
      if (cron !== undefined) return;
      cron = scheduleCron('* * * * *', tickSafely);
      void tickSafely();
    },
    async stop() {
      await cron?.destroy();
      cron = undefined;
      await ticking?.catch(() => 0);
    },
    tick,
  };
}
