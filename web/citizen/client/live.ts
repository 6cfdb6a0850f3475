/** New notices arrive in an open page: the server says that something came, the page fetches itself and takes over what is new. */
import { trusted } from './trusted.ts';

const BEHIND_MS = 10_000;

/** The same page as it is now. */
async function fetchPage(): Promise<Document | null> {
  const response = await fetch(location.href, { credentials: 'same-origin', redirect: 'error' });
  if (!response.ok) return null;
  return new DOMParser().parseFromString(trusted.createHTML(await response.text()), 'text/html');
}

/** What the keyboard stands on stays there: it is found again by its address or its id. */
function keepFocus(region: HTMLElement, change: () => void): void {
  const active = document.activeElement;
  const inside = active instanceof HTMLElement && region.contains(active);
  const address = inside ? (active.getAttribute('href') ?? '') : '';
  const id = inside ? active.id : '';
  change();
  if (!inside) return;
  const again =
    id !== ''
      ? document.getElementById(id)
      : [...region.querySelectorAll<HTMLElement>('a[href]')].find(
          (one) => one.getAttribute('href') === address,
        );
  again?.focus({ preventScroll: true });
}

function announce(text: string): void {
  const place = document.querySelector<HTMLElement>('[data-arrived]');
  if (place !== null) place.textContent = text;
}

export function followInbox(closeNotifications: (tags: readonly string[]) => void): void {
  const region = document.querySelector<HTMLElement>('[data-live]');
  let renewing = false;
  let again = false;

  async function renew(): Promise<void> {
    if (region === null) return;
    if (renewing) {
      again = true;
      return;
    }
    renewing = true;
    try {
      do {
        again = false;
        const fresh = (await fetchPage())?.querySelector<HTMLElement>('[data-live]');
        if (fresh == null) continue;
        const known = new Set([...region.querySelectorAll('[id^="n-"]')].map((one) => one.id));
        // A search that somebody is typing is not taken away.
        const typed = region.querySelector<HTMLInputElement>('input[type="search"]');
        keepFocus(region, () => region.replaceChildren(...fresh.childNodes));
        const field = region.querySelector<HTMLInputElement>('input[type="search"]');
        if (typed !== null && field !== null) field.value = typed.value;
        const came = [...region.querySelectorAll<HTMLElement>('[id^="n-"]')].filter(
          (one) => !known.has(one.id),
        );
        for (const one of came) one.classList.add('arrived');
        if (came.length > 0)
          announce(document.querySelector<HTMLElement>('[data-arrived]')?.dataset['arrived'] ?? '');
      } while (again);
    } catch {
      // Offline, or signed out: the next arrival, or the next page, says so.
    } finally {
      renewing = false;
    }
  }

  const source = new EventSource(`/api/v1/me/live?since=${Date.now() - BEHIND_MS}`);
  source.addEventListener('notice', (event) => {
    const { id } = JSON.parse(event.data as string) as { id: string };
    if (document.getElementById(`n-${id}`) === null) void renew();
  });
  source.addEventListener('read', (event) => {
    const { id, tags } = JSON.parse(event.data as string) as { id: string; tags: string[] };
    closeNotifications(tags);
    if (document.getElementById(`n-${id}`)?.classList.contains('unread')) void renew();
  });
  // A page that is put away holds no connection; brought back it looks for itself.
  window.addEventListener('pagehide', () => source.close());
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });
}
