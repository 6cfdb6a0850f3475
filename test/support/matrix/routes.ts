/**
 * What every route is expected to do, written apart from the routes: who gets in, and what an answer is about one's own, another agency's and
 * a missing object. A route that is mounted and does not stand here turns the matrix red, and so does one that stands here and is gone.
 */
import { AUTHORING, QUESTIONS } from './authoring.ts';
import type { Declared } from './declared.ts';
import { EVERYBODY } from './everybody.ts';
import { LEDGER } from './ledger.ts';
import { CITIZENS, PEOPLE } from './people.ts';
import { SYSTEMS } from './systems.ts';

export const DECLARED: Readonly<Record<string, Declared>> = {
  ...AUTHORING,
  ...QUESTIONS,
  ...LEDGER,
  ...SYSTEMS,
  ...CITIZENS,
  ...PEOPLE,
  ...EVERYBODY,
};
