// What changed comes as whole sections; those that are new to the reader are marked, and a new event is said aloud. Without this the page is
// the same after a reload.
(() => {
  const state = document.querySelector('.live-state');
  const said = document.querySelector('#said');
  const language = document.documentElement.lang;

  for (const button of document.querySelectorAll('.copy')) {
    button.hidden = false;
    const before = [...button.childNodes].map((node) => node.cloneNode(true));
    button.addEventListener('click', async () => {
      const source = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent);
      } catch {
        getSelection().selectAllChildren(source);
        return;
      }
      button.textContent = button.dataset.copied;
      said.textContent = button.dataset.copied;
      setTimeout(() => button.replaceChildren(...before), 2000);
    });
  }

  if (state === null) return;
  const keysIn = (root) => new Set([...root.querySelectorAll('[data-key]')].map((one) => one.dataset.key));

  /** When what the reader had not seen came: it is marked for as long as that takes, also where its section is replaced again meanwhile. */
  const arrived = new Map();
  const MARKED_MS = 4000;

  function show({ id, html }) {
    const old = document.getElementById(id);
    if (old === null) return;
    const made = document.createRange().createContextualFragment(html).firstElementChild;
    if (made.isEqualNode(old)) return;
    const known = keysIn(old);
    for (const one of made.querySelectorAll('[data-key]')) {
      const { key } = one.dataset;
      if (!known.has(key)) arrived.set(key, performance.now());
      const since = performance.now() - (arrived.get(key) ?? Number.NEGATIVE_INFINITY);
      if (since > MARKED_MS) continue;
      one.classList.add('fresh');
      one.style.animationDelay = `-${Math.round(since)}ms`;
      if (known.has(key)) continue;
      if (one.dataset.title !== undefined)
        said.textContent = state.dataset.new.replace('%', one.dataset.title);
    }
    // Who stands on a link in it keeps their place.
    const active = old.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
    old.replaceWith(made);
    if (active !== null)
      [...made.querySelectorAll('a')].find((link) => link.getAttribute('href') === active)?.focus();
  }

  function live(on) {
    state.classList.toggle('on', on);
    state.querySelector('.live-text').textContent = on ? state.dataset.on : state.dataset.off;
  }

  const source = new EventSource(`/demonstration/live?lang=${language}`);
  source.addEventListener('open', () => live(true));
  source.addEventListener('error', () => live(false));
  source.addEventListener('section', (event) => show(JSON.parse(event.data)));
})();
