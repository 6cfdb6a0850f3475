/** The days off of the country this installation serves, for whoever reckons in working days. */
import { holidaysOf, isDayOff, nextWorkingDay, previousWorkingDay } from './kr/holidays.ts';
import type { WorkingDays } from './timeline.ts';

export const WORKING_DAYS: WorkingDays = { isDayOff, nextWorkingDay, previousWorkingDay };

/** What a public holiday is called, in the language of the state; null for a weekend and for a working day. */
export function nameOfDayOff(day: string): string | null {
  return holidaysOf(Number(day.slice(0, 4))).get(day) ?? null;
}
