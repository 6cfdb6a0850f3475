/** Why a rule concerns one citizen now, as support asks it: of the shards, over the event that the rule was last judged over. */
import type { Clock } from '../domain/clock.ts';
import { AllimError } from '../domain/errors.ts';
import type { SqlPool } from '../domain/sql.ts';
import type { Credential } from '../producers/credential.ts';
import type { Asking } from '../rules/run/asking.ts';
import type { Asked } from '../rules/run/question.ts';
import type { Catalogue } from '../store/catalogue.ts';
import { lastEventOf } from '../store/notice-chains.ts';
import { askedOf } from '../web/api/asked-rules.ts';
import type { SupportParts } from '../web/api/support.ts';

/** Whose rule it is was asked before (web/api/support.ts). */
const ANYBODYS: Credential = { id: 'support', agency: null, scopes: [], sources: [] };

/** Throws `shards-unavailable` where the citizen's shard does not answer. */
export function createExplainCitizen(parts: {
  readonly pool: SqlPool;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly ask: Asking;
}): SupportParts['explainCitizen'] {
  return async ({ live, citizen, language }) => {
    const ref = { rule: live.rule.id, version: live.version };
    const event = await lastEventOf(parts.pool, live.rule.id, citizen);
    let asked: Asked;
    try {
      asked = await askedOf(parts, ref, { event }, ANYBODYS);
    } catch (error) {
      // An event of an older form of its type: the type's own example stands for it.
      if (!(error instanceof AllimError) || error.code !== 'request-invalid') throw error;
      asked = await askedOf(parts, ref, {}, ANYBODYS);
    }
    const answer = await parts.ask({ kind: 'citizen', citizen, asked, language });
    if (answer.explanation == null && answer.partial)
      throw new AllimError('shards-unavailable', 'the shard of this citizen did not answer');
    return answer.explanation ?? null;
  };
}
