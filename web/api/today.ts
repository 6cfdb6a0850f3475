/** `GET /api/v1/today`: what leaves today, what waits for somebody, whether all is well, of the caller's agency. */
import { type Clock, dayOf, instantOf } from '../../domain/clock.ts';
import { ZONE } from '../../domain/jurisdiction.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { countAmbiguous } from '../../store/ambiguous.ts';
import { readToday } from '../../store/today.ts';
import { type Endpoint, endpoint, ok } from './endpoint.ts';

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
      return ok({ day, now: new Date(now).toISOString(), ...row, ambiguous });
    },
  });
