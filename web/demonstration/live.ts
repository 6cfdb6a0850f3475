/**
 * Server-sent events: while somebody looks, what changed on the page is made anew and sent, section by section. Nobody looking costs nothing;
 * a pulse of counts says whether anything changed at all. It guarantees the newest state, not every state in between.
 */
import type { ServerResponse } from 'node:http';
import type { Overview } from './overview.ts';
import { SECTION_IDS, SECTIONS, type SectionId } from './sections.ts';
import type { Language } from './words.ts';

export type LiveParts = {
  /** Changes whenever something has happened. */
  readonly pulse: () => Promise<string>;
  readonly overview: () => Promise<Overview>;
  readonly failed: (error: unknown) => void;
  readonly everyMs?: number;
};

export type Live = {
  /** False where too many look already. */
  add(response: ServerResponse, language: Language): boolean;
  /** Ends every connection. Safe to call twice. */
  stop(): void;
};

const EVERY_MS = 300;
/** The health of services changes without an event. */
const ANYWAY_MS = 5_000;
/** Proxies and browsers give up on a connection that says nothing. */
const ALIVE_MS = 15_000;
const MAX_VIEWERS = 50;
/** A reader that does not read: its socket's buffer must not become ours. */
const MAX_BEHIND = 4 * 1_048_576;

type Viewer = {
  readonly response: ServerResponse;
  readonly language: Language;
  readonly sent: Map<SectionId, string>;
};

export function createLive(parts: LiveParts): Live {
  const viewers = new Set<Viewer>();
  let timer: NodeJS.Timeout | undefined;
  let lastPulse = '';
  let lastMs = Number.NEGATIVE_INFINITY;
  let aliveMs = 0;
  let stopped = false;

  function tell(viewer: Viewer, markup: ReadonlyMap<SectionId, string>): void {
    for (const [id, html] of markup) {
      if (viewer.sent.get(id) === html) continue;
      viewer.sent.set(id, html);
      viewer.response.write(`event: section\ndata: ${JSON.stringify({ id, html })}\n\n`);
    }
    if (viewer.response.writableLength > MAX_BEHIND) viewer.response.destroy();
  }

  async function look(): Promise<void> {
    const nowMs = performance.now();
    const pulse = await parts.pulse();
    const unseen = [...viewers].some((viewer) => viewer.sent.size === 0);
    if (pulse === lastPulse && !unseen && nowMs - lastMs < ANYWAY_MS) return;
    lastPulse = pulse;
    lastMs = nowMs;
    const overview = await parts.overview();
    const made = new Map<Language, ReadonlyMap<SectionId, string>>();
    for (const viewer of viewers) {
      let markup = made.get(viewer.language);
      if (markup === undefined) {
        markup = new Map(SECTION_IDS.map((id) => [id, SECTIONS[id](overview, viewer.language).markup]));
        made.set(viewer.language, markup);
      }
      tell(viewer, markup);
    }
    if (nowMs - aliveMs < ALIVE_MS) return;
    aliveMs = nowMs;
    for (const { response } of viewers) response.write(': still here\n\n');
  }

  function again(): void {
    timer = undefined;
    if (viewers.size === 0 || stopped) return;
    look()
      .catch(parts.failed)
      .finally(() => {
        if (viewers.size > 0 && !stopped) timer ??= setTimeout(again, parts.everyMs ?? EVERY_MS);
      });
  }

  return {
    add(response, language) {
      if (stopped || viewers.size >= MAX_VIEWERS) return false;
      const viewer: Viewer = { response, language, sent: new Map() };
      viewers.add(viewer);
      response.on('close', () => viewers.delete(viewer));
      response.write('retry: 1000\n\n');
      // One loop for all of them; the first starts it.
      timer ??= setTimeout(again, 0);
      return true;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      for (const { response } of viewers) response.end();
      viewers.clear();
    },
  };
}
