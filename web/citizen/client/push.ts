/**
 * This browser as a place where notices show. It is asked for after a notice was read for the first time, or where the person looks for it under
 * Choices: never when a page loads, when nobody knows yet what it is good for.
 */
import { call, metaOf } from './page.ts';

/** Not now: not asked again for this long. */
const LATER_MS = 30 * 86_400_000;
const LATER = 'allim-push-later';

function keyBytes(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function canPush(): boolean {
  return metaOf('push-key') !== '' && 'PushManager' in window && 'Notification' in window;
}

async function subscription(): Promise<PushSubscription | null> {
  const worker = await navigator.serviceWorker.ready;
  return worker.pushManager.getSubscription();
}

/** Must be called from a click: browsers ask the person only then. */
async function subscribe(words: { title: string; body: string }): Promise<'on' | 'denied' | 'failed'> {
  if ((await Notification.requestPermission()) !== 'granted') return 'denied';
  try {
    const worker = await navigator.serviceWorker.ready;
    const made = await worker.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: keyBytes(metaOf('push-key')),
    });
    const { renewal } = (await call('POST', '/api/v1/me/push', made.toJSON())) as { renewal: string };
    worker.active?.postMessage({ kind: 'subscribed', renewal, words });
    return 'on';
  } catch {
    return 'failed';
  }
}

/** Nothing shows here any more. Its end with the push service counts, whatever the server says. */
export async function unsubscribe(): Promise<void> {
  const made = await subscription();
  if (made === null) return;
  await call('DELETE', '/api/v1/me/push', { endpoint: made.endpoint }).catch(() => null);
  await made.unsubscribe();
}

function say(region: HTMLElement, what: 'on' | 'off' | 'denied' | 'failed'): void {
  const place = region.querySelector<HTMLElement>('[data-push-said]');
  if (place !== null) place.textContent = place.dataset[what] ?? '';
}

/** Read between a person's own pages only: a private window may refuse it. */
function laterUntil(): number {
  try {
    return Number(localStorage.getItem(LATER) ?? 0);
  } catch {
    return 0;
  }
}

async function wire(region: HTMLElement): Promise<void> {
  const yes = region.querySelector<HTMLButtonElement>('[data-push-yes]');
  const no = region.querySelector<HTMLButtonElement>('[data-push-no]');
  const off = region.querySelector<HTMLButtonElement>('[data-push-off]');
  const words = { title: region.dataset['title'] ?? '', body: region.dataset['body'] ?? '' };
  yes?.addEventListener('click', () => {
    yes.disabled = true;
    void subscribe(words).then((what) => {
      say(region, what);
      yes.disabled = false;
      if (what !== 'on') return;
      yes.hidden = true;
      if (no !== null) no.hidden = true;
      if (off !== null) off.hidden = false;
    });
  });
  no?.addEventListener('click', () => {
    region.hidden = true;
    try {
      localStorage.setItem(LATER, String(Date.now() + LATER_MS));
    } catch {
      // It will be asked again: no more is lost.
    }
  });
  off?.addEventListener('click', () => {
    void unsubscribe().then(() => {
      say(region, 'off');
      off.hidden = true;
      if (yes !== null) yes.hidden = false;
    });
  });
}

export async function offerPush(): Promise<void> {
  if (!canPush()) return;
  const ask = document.querySelector<HTMLElement>('[data-push-ask]');
  const device = document.querySelector<HTMLElement>('[data-push-device]');
  if (ask === null && device === null) return;
  const made = await subscription();
  if (device !== null) {
    const yes = device.querySelector<HTMLButtonElement>('[data-push-yes]');
    const off = device.querySelector<HTMLButtonElement>('[data-push-off]');
    if (yes !== null) yes.hidden = made !== null;
    if (off !== null) off.hidden = made === null;
    device.hidden = false;
    await wire(device);
  }
  const unasked = made === null && Notification.permission === 'default' && laterUntil() < Date.now();
  if (ask !== null && unasked && document.querySelector('[data-notice]') !== null) {
    ask.hidden = false;
    await wire(ask);
  }
}
