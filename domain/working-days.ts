/** The days off of the country this installation serves, for whoever reckons in working days. */
import { isDayOff, nextWorkingDay, previousWorkingDay } from './kr/holidays.ts';
import type { WorkingDays } from './timeline.ts';

export const WORKING_DAYS: WorkingDays = { isDayOff, nextWorkingDay, previousWorkingDay };
