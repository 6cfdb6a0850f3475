/** `GET /api/v1/today`: what leaves today, what waits for somebody, whether all is well, of the caller's agency. */
import { type Clock, dayOf, instantOf } from '../../domain/clock.ts';
import { ZONE } from '../../domain/jurisdiction.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { seesSmallCounts } from '../../producers/credential.ts';
import { countAmbiguous } from '../../store/ambiguous.ts';
import { readToday } from '../../store/today.ts';
import { type Endpoint, endpoint, ok } from './endpoint.ts';
import { people } from './shown-people.ts';

export const today = ({ pool, clock }: { readonly pool: SqlPool; readonly clock: Clock }): Endpoint =>
  endpoint({
    answer: async ({ caller }) => {
      const now = clock.nowMs();
      const day = dayOf(now);
      const { agency } = caller();
      const next = Temporal.PlainDate.from(day).add({ days: 1 }).toString();
      const asked = {
        agency,
        from: new Date(instantOf(day, '00:00')),
        until: new Date(instantOf(next, '00:00')),
        zone: ZONE,
      };
      const [row, ambiguous] = [await readToday(pool, asked), await countAmbiguous(pool, agency, now)];
      const exact = seesSmallCounts(caller());
      const { hours, underWay, ...rest } = row;
      const sum = (part: 'left' | 'held') =>
        people(
          hours.reduce((all, hour) => all + hour[part], 0),
          exact,
        );
      return ok({
        day,
        now: new Date(now).toISOString(),
        left: sum('left'),
        held: sum('held'),
        hours: hours.map(({ left, held, ...hour }) => ({
          ...hour,
          left: people(left, exact),
          held: people(held, exact),
        })),
        ...rest,
        underWay: people(underWay, exact),
        ambiguous,
      });
    },
  });
