/**
 * What the rest of the code must know of this country without knowing which one it is: its zone, the languages its notices need, its
 * currency's name. Everything else that is Korea's stands beside this file. docs/adr/0013 says what another country takes.
 */

/** Days, deadlines and stages are civil time here, wherever the server stands. */
export const ZONE = 'Asia/Seoul';

/** The language of the state: whoever has chosen none is told in it. */
export const HOME_LOCALE = 'ko';

/** A template without these is refused; any other language may be missing, and is then fallen back from. */
export const REQUIRED_LOCALES: readonly string[] = ['ko', 'en'];

/** What stands behind an amount, by language; whole units, the won has no smaller ones. */
export const CURRENCY = { ko: '원', en: ' won', vi: ' won' } as const;
