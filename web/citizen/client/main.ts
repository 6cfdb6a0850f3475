/**
 * Life for pages that work without it: new notices arrive, notices that were read show offline, this browser can be told. Nothing that a person
 * can do depends on it.
 */
import '../../ui/citizen.css';
import { followInbox } from './live.ts';
import { offerPush, unsubscribe } from './push.ts';
import { trusted } from './trusted.ts';

const SIGN_OUT_MS = 1_500;

function tellWorker(message: object): void {
  if (!('serviceWorker' in navigator)) return;
  void navigator.serviceWorker.ready.then((worker) => worker.active?.postMessage(message));
}

const closeNotifications = (tags: readonly string[]): void => {
  if (tags.length > 0) tellWorker({ kind: 'read', tags });
};

/** Whoever uses this browser next finds nothing of this person: neither pages nor notifications. */
async function forgetHere(): Promise<void> {
  await unsubscribe().catch(() => null);
  tellWorker({ kind: 'forget' });
  for (const name of await caches.keys()) if (name.startsWith('allim-pages-')) await caches.delete(name);
}

for (const form of document.querySelectorAll<HTMLFormElement>('form[data-sign-out]'))
  form.addEventListener('submit', (event) => {
    if (form.dataset['ready'] === 'true') return;
    event.preventDefault();
    form.dataset['ready'] = 'true';
    const late = new Promise((resolve) => setTimeout(resolve, SIGN_OUT_MS));
    void Promise.race([forgetHere().catch(() => null), late]).then(() => form.requestSubmit());
  });

function showOffline(): void {
  const place = document.querySelector<HTMLElement>('[data-offline]');
  if (place !== null) place.hidden = navigator.onLine;
}
window.addEventListener('online', showOffline);
window.addEventListener('offline', showOffline);
showOffline();

if ('serviceWorker' in navigator)
  navigator.serviceWorker
    .register(trusted.createScriptURL('/me/service-worker.js'), { scope: '/me' })
    .then(() => offerPush())
    .catch(() => null);

const page = document.querySelector<HTMLElement>('[data-notice]');
// What is read here need not show on this device any more.
closeNotifications((page?.dataset['tags'] ?? '').split(' ').filter(Boolean));
followInbox(closeNotifications);
