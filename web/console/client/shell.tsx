/** What surrounds every place: who and where one is, in which language, whether sending is stopped, and the way elsewhere. */
import { Suspense, useEffect, useRef, useState } from 'react';
import { Link, Route, Switch, useLocation } from 'wouter';
import { Boundary } from './parts/boundary.tsx';
import { Loading } from './parts/states.tsx';
import { StopState } from './parts/stop-state.tsx';
import { usePerson } from './person.ts';
import { PLACES, type Place } from './places.ts';
import { SHELL_WORDS } from './shell.words.ts';
import { LANGUAGES, type Language, LanguageContext, nameIn, useLanguage, useWords } from './words.ts';

const STORED = 'allim-console-language';
const NAMES = { ko: '한국어', en: 'English' } as const satisfies Record<Language, string>;

function firstLanguage(): Language {
  const stored = localStorage.getItem(STORED) ?? document.documentElement.lang;
  return LANGUAGES.find((language) => language === stored) ?? 'ko';
}

export function Shell() {
  const [language, setLanguage] = useState<Language>(firstLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
    localStorage.setItem(STORED, language);
  }, [language]);
  return (
    <LanguageContext value={language}>
      <Frame onLanguage={setLanguage} />
    </LanguageContext>
  );
}

function Frame({ onLanguage }: { readonly onLanguage: (language: Language) => void }) {
  const words = useWords(SHELL_WORDS);
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const came = useRef(location);
  // Whoever goes elsewhere by keyboard or reader begins at the top of what is new.
  useEffect(() => {
    if (came.current === location) return;
    came.current = location;
    window.scrollTo(0, 0);
    main.current?.focus();
  }, [location]);
  return (
    <>
      <a className="skip" href="#main">
        {words.skip}
      </a>
      <TopBar onLanguage={onLanguage} />
      <Navigation />
      <main id="main" ref={main} tabIndex={-1} className="place">
        <Boundary key={location}>
          <Suspense fallback={<Loading page />}>
            <Switch>
              {PLACES.map((place) => (
                <Route key={place.path} path={place.path}>
                  {(params) => <Guarded place={place} params={params as Record<string, string>} />}
                </Route>
              ))}
              <Route>
                <Nothing title={words.notFound} why={words.notFoundWhy} />
              </Route>
            </Switch>
          </Suspense>
        </Boundary>
      </main>
    </>
  );
}

function Guarded({ place, params }: { readonly place: Place; readonly params: Record<string, string> }) {
  const words = useWords(SHELL_WORDS);
  const may = usePerson().may.includes(place.needs);
  return may ? <place.page params={params} /> : <Nothing title={words.forbidden} why={words.forbiddenWhy} />;
}

function Nothing({ title, why }: { readonly title: string; readonly why: string }) {
  const words = useWords(SHELL_WORDS);
  return (
    <div className="empty">
      <h1>{title}</h1>
      <p>{why}</p>
      <Link className="button" href="/">
        {words.toToday}
      </Link>
    </div>
  );
}

function TopBar({ onLanguage }: { readonly onLanguage: (language: Language) => void }) {
  const words = useWords(SHELL_WORDS);
  const language = useLanguage();
  const person = usePerson();
  const csrf = document.querySelector<HTMLMetaElement>('meta[name="allim-csrf"]')?.content;
  return (
    <header className="topbar">
      <Link className="brand" href="/">
        <img className="brand-mark" src="/icons/allim.svg" alt="" />
        {words.product}
      </Link>
      <p className="whose">
        <strong>
          {person.agency === null ? words.platform : nameIn(person.agency.name, language, person.agency.id)}
        </strong>
        <span className="muted">
          {person.name} · {person.roles.map((role) => words.roles[role] ?? role).join(', ')}
        </span>
      </p>
      <StopState />
      <div className="segments" role="group" aria-label={words.language}>
        {LANGUAGES.map((one) => (
          <button
            key={one}
            type="button"
            lang={one}
            aria-pressed={one === language}
            onClick={() => onLanguage(one)}
          >
            {NAMES[one]}
          </button>
        ))}
      </div>
      <form method="post" action="/sign-out">
        <input type="hidden" name="_csrf" value={csrf} />
        <button type="submit" className="button small quiet">
          {words.signOut}
        </button>
      </form>
    </header>
  );
}

function Navigation() {
  const words = useWords(SHELL_WORDS);
  const language = useLanguage();
  const { may } = usePerson();
  const [location] = useLocation();
  const shown = PLACES.filter(({ path, needs }) => !path.includes(':') && may.includes(needs));
  // Where places do not fit side by side, the one that one is at is in sight.
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => {
    if (location === '') return;
    list.current
      ?.querySelector('[aria-current]')
      ?.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'instant' });
  }, [location]);
  const isHere = (path: string): boolean =>
    path === '/' ? location === '/' : location === path || location.startsWith(`${path}/`);
  return (
    <nav className="places" aria-label={words.places}>
      <ul className="places-list" ref={list}>
        {shown.map(({ path, label }) => (
          <li key={path}>
            <Link href={path} aria-current={isHere(path) ? 'page' : undefined}>
              {label[language]}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}
