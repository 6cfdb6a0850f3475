/** In place of the shards: why a rule concerns one citizen now, of what is held about them in the ledger. */
import { type Clock, dayOf } from '../../domain/clock.ts';
import { AllimError } from '../../domain/errors.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { parseDay } from '../../rules/calendar.ts';
import type { Fields } from '../../rules/catalogue.ts';
import { readRule } from '../../rules/check/rule.ts';
import { layoutOf, readProfile } from '../../rules/population/profile.ts';
import { explain } from '../../rules/say/explanation.ts';
import type { Catalogue } from '../../store/catalogue.ts';
import { lastEventOf } from '../../store/notice-chains.ts';
import { knownCitizen } from '../../store/overview.ts';
import type { SupportParts } from '../../web/api/support.ts';

export function explainOfLedger(parts: {
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly fields: Fields;
}): SupportParts['explainCitizen'] {
  const { pool, catalogue, clock, fields } = parts;
  const layout = layoutOf(fields);
  return async ({ live, citizen, language }) => {
    const { eventTypes } = catalogue.current();
    const eventType = eventTypes.get(live.rule.on);
    const known = await knownCitizen(pool, citizen);
    if (known === null || eventType === undefined || Object.keys(known.attributes).length === 0) return null;
    const event = (await lastEventOf(pool, live.rule.id, citizen)) ?? eventType.examples[0] ?? {};
    try {
      const { condition } = readRule(live.rule, { fields, eventType: (name) => eventTypes.get(name) });
      const profile = readProfile(known.attributes, layout);
      const given = { event, asOf: parseDay(dayOf(clock.nowMs())) };
      return explain(condition, { profile, layout, given }, language);
    } catch (error) {
      // A rule of an older language, or attributes that are no profile any more: the ledger says the rest.
      if (error instanceof AllimError) return null;
      throw error;
    }
  };
}
