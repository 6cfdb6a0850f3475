/** The country this installation serves. Another country is another folder beside `kr/`, and this line. */
export { CURRENCY, HOME_LOCALE, REQUIRED_LOCALES, ZONE } from './kr/jurisdiction.ts';
