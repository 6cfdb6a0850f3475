/**
 * Two ways of working the console, with the same moves: by pointer, each click, filling and choice counted as one action; and by keyboard
 * alone, where whatever gets the focus must show it. Whoever writes the moves says what to reach as a person reads it.
 */
import type { Page } from 'playwright-core';

export type Hand = {
  /** How many actions it took so far; of the keyboard, how many presses. */
  readonly count: () => number;
  fill(label: string, text: string): Promise<void>;
  /** By the value of the option. */
  choose(label: string, value: string): Promise<void>;
  press(name: string): Promise<void>;
  follow(name: RegExp): Promise<void>;
  tab(name: string): Promise<void>;
};

export function pointer(page: Page): Hand {
  let actions = 0;
  const act = async (doing: Promise<unknown>): Promise<void> => {
    actions++;
    await doing;
  };
  return {
    count: () => actions,
    // The last one: of rows that are alike, the one that was added just now.
    fill: (label, text) => act(page.getByLabel(label, { exact: true }).last().fill(text)),
    choose: (label, value) => act(page.getByLabel(label, { exact: true }).last().selectOption(value)),
    press: (name) => act(page.getByRole('button', { name, exact: true }).click()),
    follow: (name) => act(page.getByRole('link', { name }).click()),
    tab: (name) => act(page.getByRole('tab', { name: new RegExp(name) }).click()),
  };
}

type Focused = {
  readonly name: string;
  readonly kind: string;
  readonly value: string;
  readonly shown: boolean;
};

/** Runs in the page: what has the focus, as a reader would name it, and whether one sees that it has. */
const FOCUSED = `(() => {
  const at = document.activeElement;
  const labels = [...(at.labels ?? [])].map((one) => one.textContent);
  const by = (at.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '');
  const name = at.getAttribute('aria-label') ?? ([...labels, ...by].join(' ').trim() || at.textContent);
  const style = getComputedStyle(at);
  const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
  return {
    name: name.replaceAll(/\\s+/g, ' ').trim(), kind: at.getAttribute('role') ?? at.tagName.toLowerCase(), value: String(at.value ?? ''),
    shown: at.matches(':focus-visible') && (outlined || style.boxShadow !== 'none'),
  };
})()`;
const MOST = 200;
const ONE_BY_ONE = 4;

export function keyboard(page: Page): Hand {
  let presses = 0;
  const unseen: string[] = [];
  const key = async (name: string): Promise<Focused> => {
    presses++;
    await page.keyboard.press(name);
    return page.evaluate<Focused>(FOCUSED);
  };
  const reach = async (kinds: readonly string[], fits: (name: string) => boolean): Promise<void> => {
    const seen: string[] = [];
    for (let tries = 0; tries < MOST; tries++) {
      const { name, kind, shown } = await key('Tab');
      if (kind !== 'body' && !shown) unseen.push(`${kind} “${name}”`);
      if (unseen.length > 0) throw new Error(`has the focus and does not show it: ${unseen.join(', ')}`);
      seen.push(name.slice(0, 30));
      if (kinds.includes(kind) && fits(name)) return;
    }
    throw new Error(`not reached by Tab; passed ${[...new Set(seen)].join(' · ')}`);
  };
  const until = async (name: string, done: (focused: Focused) => boolean): Promise<void> => {
    for (let tries = 0; tries < MOST; tries++) if (done(await key(name))) return;
    throw new Error(`${name} did not lead there`);
  };
  const is = (wanted: string) => (name: string) => name === wanted;
  return {
    count: () => presses,
    async fill(label, text) {
      await reach(['input', 'textarea'], is(label));
      await page.keyboard.press('ControlOrMeta+a');
      // Key by key where a place could take a key for its own; a whole sentence comes as from an input method.
      if (text.length <= ONE_BY_ONE) await page.keyboard.type(text);
      else await page.keyboard.insertText(text);
    },
    async choose(label, value) {
      await reach(['select'], is(label));
      if ((await key('Home')).value !== value) await until('ArrowDown', (focused) => focused.value === value);
    },
    async press(name) {
      await reach(['button'], is(name));
      await key('Enter');
    },
    async follow(name) {
      await reach(['a'], (found) => name.test(found));
      await key('Enter');
    },
    async tab(name) {
      // One stop of the keyboard a list of tabs; arrows go round in it.
      for (let lists = 0; lists < 4; lists++) {
        let first = '';
        await reach(['tab'], (found) => {
          first = found;
          return true;
        });
        for (let at = first; !at.includes(name); ) {
          at = (await key('ArrowRight')).name;
          if (at === first) break;
          if (at.includes(name)) return;
        }
        if (first.includes(name)) return;
      }
      throw new Error(`no tab “${name}”`);
    },
  };
}
