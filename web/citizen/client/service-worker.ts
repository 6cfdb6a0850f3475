/**
 * Shows notices that are pushed, once each, and reports that it did; takes them down when they were read elsewhere; puts a new subscription in
 * the place of one that the push service changed. Keeps pages that were opened, for reading offline, under the name of whose they are: a
 * page of another person, or a visit without a login, throws them away.
 */
import { isKept, keeperOf, languageOf, partsOf, readPushed, remember } from './shown.ts';

declare const self: ServiceWorkerGlobalScope;

const DEVICE = 'allim-device';
const SHELL = 'allim-shell-1';
const PAGES = 'allim-pages-';
const MOST_PAGES = 60;
const OFFLINE = '/me/offline';

/** Small facts of this device, in a cache: it is the one store that needs no schema. */
async function readFact<T>(name: string, otherwise: T): Promise<T> {
  const found = await (await caches.open(DEVICE)).match(`/${name}`);
  return found === undefined ? otherwise : ((await found.json()) as T);
}
async function writeFact(name: string, value: unknown): Promise<void> {
  await (await caches.open(DEVICE)).put(`/${name}`, new Response(JSON.stringify(value)));
}

async function forgetPages(except = ''): Promise<void> {
  for (const name of await caches.keys())
    if (name.startsWith(PAGES) && name !== except) await caches.delete(name);
}

/** The page for where there is no network, with what it needs, in the reader's language: who reads Vietnamese may have a Korean browser. */
async function keepOffline(lang: string | null): Promise<void> {
  const address = lang === null ? OFFLINE : `${OFFLINE}?lang=${lang}`;
  const response = await fetch(new Request(address, { cache: 'reload' }));
  if (!response.ok) throw new Error(`answered ${response.status}`);
  const html = await response.clone().text();
  const shell = await caches.open(SHELL);
  await Promise.all(
    partsOf(html).map(async (part) => ((await shell.match(part)) === undefined ? shell.add(part) : null)),
  );
  await shell.put(OFFLINE, response);
  await writeFact('offline', languageOf(html));
}

self.addEventListener('install', (event) => {
  event.waitUntil(keepOffline(null).then(() => self.skipWaiting()));
});

self.addEventListener('activate', (event) => {
  event.waitUntil(self.clients.claim());
});

/** Pushes one by one: two of the same delivery must not both find it unseen. None waits for the report of another. */
let turn: Promise<unknown> = Promise.resolve();

/** What is to be reported of it, if anything. */
async function showPushed(text: string | null): Promise<{ id: string; receipt: string } | null> {
  const words = await readFact('words', {
    title: '새 안내 · New notice',
    body: '열어서 확인하세요 · Open to read',
  });
  const pushed = readPushed(text, words);
  if (pushed.kind === 'read') {
    await takeDown([pushed.id]);
    return null;
  }
  if (pushed.kind === 'nothing') {
    await self.registration.showNotification(words.title, { body: words.body, tag: 'allim' });
    return null;
  }
  const { before, shown } = remember(await readFact<readonly string[]>('shown', []), pushed.id);
  // A repetition is not shown again, but reported again: the first report may not have come.
  if (!before) {
    await self.registration.showNotification(pushed.title, {
      body: pushed.body,
      tag: pushed.id,
      icon: '/icons/allim-192.png',
      badge: '/icons/allim-badge-96.png',
      data: { open: `/me/open/${pushed.id}` },
    });
    await writeFact('shown', shown);
  }
  return pushed.receipt === null ? null : { id: pushed.id, receipt: pushed.receipt };
}

async function report(shown: { id: string; receipt: string } | null): Promise<void> {
  if (shown === null) return;
  await fetch('/receipts/push', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(shown),
    // Nothing of the person's session goes with it.
    credentials: 'omit',
    keepalive: true,
  }).catch(() => null);
}

async function takeDown(tags: readonly string[]): Promise<void> {
  for (const tag of tags) for (const one of await self.registration.getNotifications({ tag })) one.close();
}

self.addEventListener('push', (event) => {
  const text = event.data?.text() ?? null;
  const shown = turn.then(
    () => showPushed(text),
    () => showPushed(text),
  );
  turn = shown;
  event.waitUntil(shown.then(report));
});

async function openWindow(address: string): Promise<void> {
  const open = await self.clients.matchAll({ type: 'window' });
  const here = open.find((client) => new URL(client.url).pathname.startsWith('/me'));
  if (here === undefined) {
    await self.clients.openWindow(address);
    return;
  }
  await here.focus();
  await here.navigate(address);
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const { open = '/me' } = (event.notification.data ?? {}) as { open?: string };
  event.waitUntil(openWindow(open));
});

self.addEventListener('message', (event) => {
  const message = event.data as
    | { kind: 'read'; tags: string[] }
    | { kind: 'forget' }
    | { kind: 'subscribed'; renewal: string; words: { title: string; body: string } };
  if (message.kind === 'read') event.waitUntil(takeDown(message.tags));
  if (message.kind === 'forget')
    event.waitUntil(
      Promise.all([
        forgetPages(),
        caches.delete(DEVICE),
        self.registration.getNotifications().then((all) => {
          for (const one of all) one.close();
        }),
      ]),
    );
  if (message.kind === 'subscribed')
    event.waitUntil(
      Promise.all([
        writeFact('renewal', message.renewal),
        message.words.title === '' ? null : writeFact('words', message.words),
      ]),
    );
});

type Changed = ExtendableEvent & {
  readonly oldSubscription?: PushSubscription | null;
  readonly newSubscription?: PushSubscription | null;
};

/** The session may have ended long ago: the token that came with the subscription speaks for it. */
async function renewSubscription(event: Changed): Promise<void> {
  const token = await readFact<string | null>('renewal', null);
  if (token === null) return;
  const options = event.oldSubscription?.options;
  const fresh =
    event.newSubscription ??
    (await self.registration.pushManager.subscribe({
      userVisibleOnly: true,
      ...(options?.applicationServerKey == null
        ? {}
        : { applicationServerKey: options.applicationServerKey }),
    }));
  const response = await fetch('/push/renewals', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token, subscription: fresh.toJSON() }),
    credentials: 'omit',
  });
  if (response.ok) await writeFact('renewal', ((await response.json()) as { renewal: string }).renewal);
}

self.addEventListener('pushsubscriptionchange', (event) => {
  const changed = event as Changed;
  changed.waitUntil(renewSubscription(changed));
});

async function keep(request: Request, response: Response): Promise<void> {
  const html = await response.clone().text();
  const keeper = keeperOf(html);
  if (keeper === null) return;
  const lang = languageOf(html);
  if (lang !== (await readFact<string | null>('offline', null))) await keepOffline(lang).catch(() => null);
  const name = PAGES + keeper;
  await forgetPages(name);
  const cache = await caches.open(name);
  await cache.delete(request);
  await cache.put(request, response);
  const kept = await cache.keys();
  // The lists are kept with them and come again at every visit.
  for (const old of kept.slice(0, Math.max(0, kept.length - MOST_PAGES))) await cache.delete(old);
}

async function page(event: FetchEvent): Promise<Response> {
  const { request } = event;
  const { pathname, search } = new URL(request.url);
  try {
    const response = await fetch(request);
    const kept = isKept(pathname, search);
    // Sent to sign in: what was kept is nobody's now.
    if (kept && response.type === 'opaqueredirect') event.waitUntil(forgetPages());
    else if (kept && response.ok) event.waitUntil(keep(request, response.clone()));
    return response;
  } catch {
    return (await caches.match(request)) ?? (await caches.match(OFFLINE)) ?? Response.error();
  }
}

/** Their names change with their content. */
async function asset(request: Request): Promise<Response> {
  const shell = await caches.open(SHELL);
  const found = await shell.match(request);
  if (found !== undefined) return found;
  const response = await fetch(request);
  if (response.ok) await shell.put(request, response.clone());
  return response;
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== self.location.origin) return;
  if (request.mode === 'navigate') event.respondWith(page(event));
  else if (pathname.startsWith('/assets/') || pathname.startsWith('/icons/'))
    event.respondWith(asset(request));
});
