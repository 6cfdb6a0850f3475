/**
 * A campaign as it goes on, by server-sent events. One count for all who look at the same campaign, never sooner than a second after the last
 * and so seldom that counting takes a fifth of the time at most; sent only where something changed. A stream ends with the right to see it.
 */
import type { ServerResponse } from 'node:http';
import type { CampaignCounts } from './campaign-view.ts';
import { shownCampaign } from './campaign-view.ts';

export type CampaignLiveParts = {
  readonly count: (id: string) => Promise<CampaignCounts | undefined>;
  readonly failed: (error: unknown) => void;
  readonly everyMs?: number;
  readonly aliveMs?: number;
};

export type Viewer = {
  readonly exact: boolean;
  /** Whether they may still look: asked every few seconds. */
  readonly mayLook: () => Promise<boolean>;
};

export type CampaignLive = {
  /** False where too many look already, or it is stopped. */
  add(id: string, response: ServerResponse, viewer: Viewer): boolean;
  /** Ends every stream. Safe to call twice. */
  stop(): void;
};

const EVERY_MS = 1_000;
/** Proxies give up on a connection that says nothing; and as often the right is looked at. */
const ALIVE_MS = 10_000;
/** How many times longer than the count itself nothing is counted. */
const REST = 4;
const MAX_VIEWERS = 200;
/** A reader that does not read: its socket's buffer must not become ours. */
const MAX_BEHIND = 1_048_576;

type Watching = Viewer & { readonly response: ServerResponse; sent: string; lookedAt: number };
type Watch = {
  readonly viewers: Set<Watching>;
  timer: NodeJS.Timeout | undefined;
  looking: boolean;
  /** What whoever comes later sees at once. */
  last: CampaignCounts | undefined;
};

export function createCampaignLive(parts: CampaignLiveParts): CampaignLive {
  const watches = new Map<string, Watch>();
  const everyMs = parts.everyMs ?? EVERY_MS;
  const aliveMs = parts.aliveMs ?? ALIVE_MS;
  let all = 0;
  let stopped = false;

  function tell(viewer: Watching, shown: ReturnType<typeof shownCampaign>): void {
    const { asOf: _, ...changing } = shown;
    const text = JSON.stringify(changing);
    if (viewer.sent === text) return;
    viewer.sent = text;
    viewer.response.write(`event: campaign\ndata: ${JSON.stringify(shown)}\n\n`);
    if (viewer.response.writableLength > MAX_BEHIND) viewer.response.destroy();
  }

  /** A heartbeat, and the end of those who may look no longer. */
  async function keepAlive(watch: Watch): Promise<void> {
    const now = performance.now();
    for (const viewer of watch.viewers) {
      if (now - viewer.lookedAt < aliveMs) continue;
      viewer.lookedAt = now;
      if (await viewer.mayLook()) viewer.response.write(': still here\n\n');
      else viewer.response.end('event: end\ndata: {"reason":"signed-out"}\n\n');
    }
  }

  async function look(id: string, watch: Watch): Promise<void> {
    const began = performance.now();
    watch.looking = true;
    try {
      await keepAlive(watch);
      const counts = await parts.count(id);
      if (counts !== undefined) {
        watch.last = counts;
        const shown = new Map<boolean, ReturnType<typeof shownCampaign>>();
        for (const viewer of watch.viewers) {
          const made = shown.get(viewer.exact) ?? shownCampaign(counts, viewer.exact);
          shown.set(viewer.exact, made);
          tell(viewer, made);
        }
      }
    } catch (error) {
      parts.failed(error);
    }
    watch.looking = false;
    const tookMs = performance.now() - began;
    if (watch.viewers.size > 0 && !stopped)
      watch.timer = setTimeout(() => void look(id, watch), Math.max(everyMs, tookMs * REST));
    else if (watches.get(id) === watch) watches.delete(id);
  }

  return {
    add(id, response, viewer) {
      if (stopped || all >= MAX_VIEWERS) return false;
      let watch = watches.get(id);
      if (watch === undefined) {
        watch = { viewers: new Set(), timer: undefined, looking: false, last: undefined };
        watches.set(id, watch);
      }
      const mine: Watching = { ...viewer, response, sent: '', lookedAt: performance.now() };
      watch.viewers.add(mine);
      all++;
      const { viewers } = watch;
      response.on('close', () => {
        if (viewers.delete(mine)) all--;
      });
      response.write('retry: 2000\n\n');
      if (watch.last !== undefined) tell(mine, shownCampaign(watch.last, viewer.exact));
      if (watch.viewers.size === 1 && !watch.looking) {
        clearTimeout(watch.timer);
        watch.timer = setTimeout(() => void look(id, watch), 0);
      }
      return true;
    },
    stop() {
      stopped = true;
      for (const watch of watches.values()) {
        clearTimeout(watch.timer);
        for (const { response } of watch.viewers) response.end();
        watch.viewers.clear();
      }
      watches.clear();
      all = 0;
    },
  };
}
