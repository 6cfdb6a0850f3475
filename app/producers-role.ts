/** What the role `producers` does beside answering HTTP: opens windows from calendars and polls feeds. */
import { readFile } from 'node:fs/promises';
import { AllimError, messageOf } from '../domain/errors.ts';
import { createCalendar } from '../producers/calendar.ts';
import { createFeeds, type Feeds } from '../producers/feed.ts';
import { type Feed, readFeeds } from '../producers/feeds-file.ts';
import type { Context } from './context.ts';
import type { RunningRole } from './roles.ts';

/** Throws `config-invalid` naming the file and the place in it. */
async function loadFeeds(file: string | null): Promise<readonly Feed[]> {
  if (file === null) return [];
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    throw new AllimError('config-invalid', `ALLIM_FEEDS: ${messageOf(cause)}`, { cause });
  }
  try {
    return readFeeds(text);
  } catch (cause) {
    if (!(cause instanceof AllimError)) throw cause;
    throw new AllimError(cause.code, `${file}: ${cause.message}`, { cause, faults: cause.faults });
  }
}

export function producersRole(context: Context): RunningRole {
  const { config } = context;
  const calendar =
    config.calendarDir === null ? undefined : createCalendar({ ...context, folder: config.calendarDir });
  let feeds: Feeds | undefined;
  return {
    name: 'producers',
    async start() {
      const found = await loadFeeds(config.feedsFile);
      const { agencies } = await context.catalogue.refresh();
      for (const [index, feed] of found.entries())
        if (!agencies.has(feed.agency))
          throw new AllimError('config-invalid', `${config.feedsFile}: no agency ${feed.agency} is known`, {
            faults: [{ pointer: `/feeds/${index}/agency`, message: 'is not a known agency' }],
          });
      feeds = createFeeds({ ...context, feeds: found, chance: Math.random });
      await feeds.start();
      await calendar?.start();
    },
    async stop() {
      await calendar?.stop();
      await feeds?.stop();
    },
    check: async () => undefined,
  };
}
