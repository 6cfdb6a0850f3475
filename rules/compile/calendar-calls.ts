/** The calendar vocabulary over compiled arguments: dates are day numbers, and what is unknown (NaN) stays unknown. */
import type { WorkingDays } from '../../domain/timeline.ts';
import { addDays, addMonths, addYears, ageMonthsOn, ageOn, monthDayOf, yearOf } from '../calendar.ts';
import type { CalendarOperator, Call, Direction, Literal } from '../language.ts';
import { reckoningOf } from '../working-days.ts';
import type { Numbers } from './closure.ts';
import { Steady } from './steady.ts';

export function compileCalendar<Row>(
  node: Call & { readonly op: CalendarOperator },
  date: Numbers<Row>,
  amount: () => Numbers<Row>,
  calendar: WorkingDays,
): Numbers<Row> {
  switch (node.op) {
    case 'age':
      return (row, given) => ageOn(date(row, given), given.asOf);
    case 'ageMonths':
      return (row, given) => ageMonthsOn(date(row, given), given.asOf);
    case 'yearAge': {
      const year = new Steady((given) => yearOf(given.asOf), Number.NaN);
      return (row, given) => year.of(given) - yearOf(date(row, given));
    }
    case 'parity':
      return (row, given) => yearOf(date(row, given)) % 2;
    case 'monthDay':
      return (row, given) => monthDayOf(date(row, given));
    case 'daysUntil':
      return (row, given) => date(row, given) - given.asOf;
    case 'daysSince':
      return (row, given) => given.asOf - date(row, given);
    case 'within': {
      const days = amount();
      return (row, given) => {
        const ahead = date(row, given) - given.asOf;
        if (ahead < 0) return 0;
        const most = days(row, given);
        // A bound that fails decides even where the other is unknown: nothing in the past is within anything.
        return Number.isNaN(most) || Number.isNaN(ahead) ? Number.NaN : Number(ahead <= most);
      };
    }
    case 'addDays':
    case 'addMonths':
    case 'addYears': {
      const add = { addDays, addMonths, addYears }[node.op];
      const count = amount();
      return (row, given) => add(date(row, given), count(row, given));
    }
    case 'addWorkingDays': {
      const count = amount();
      const { add } = reckoningOf(calendar);
      return (row, given) => add(date(row, given), count(row, given));
    }
    case 'workingDay': {
      const direction = (node.args[1] as Literal).value as Direction;
      const { move } = reckoningOf(calendar);
      return (row, given) => move(date(row, given), direction);
    }
  }
}
