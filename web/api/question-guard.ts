/**
 * What stands between an answer of the shards and whoever asked. Every question is logged, answered or not. One whose audience differs from an
 * earlier one's in fewer than ten people is refused: the two together would tell about these few, however large both are. Answers of one
 * agency's keys count together. What this does not see: two agencies that pool their answers, and cells of a breakdown held against each other.
 */
import { contentHash } from '../../domain/content-hash.ts';
import { AllimError } from '../../domain/errors.ts';
import type { SqlPool } from '../../domain/sql.ts';
import { type Credential, seesSmallCounts } from '../../producers/credential.ts';
import type { WholeAnswer } from '../../rules/run/asking.ts';
import { placesApart, SINGLED_OUT, sketchBytes, sketchOf } from '../../rules/run/sketch.ts';
import { type LoggedQuestion, logQuestion, nearSets } from '../../store/questions.ts';

export type AboutQuestion = Pick<LoggedQuestion, 'kind' | 'rule' | 'asked' | 'purpose'>;

/** Throws `question-refused`. Where it does not, the answer may be shown, with small counts hidden. */
export async function guardAnswer(
  pool: SqlPool,
  caller: Credential,
  about: AboutQuestion,
  answer: WholeAnswer,
): Promise<void> {
  const asker = { caller: caller.id, agency: caller.agency };
  const fingerprint = Buffer.from(contentHash(about.asked), 'hex');
  const sets = Object.entries(answer.sets)
    // What is shown as a small count tells nobody's difference to anything.
    .filter(([, { count }]) => count >= SINGLED_OUT)
    .map(([name, { count, sketch }]) => ({ name, fingerprint, citizens: count, sketch }));
  const log = (outcome: LoggedQuestion['outcome'], told: typeof sets): Promise<void> =>
    logQuestion(pool, {
      ...asker,
      ...about,
      outcome,
      offsets: answer.offsets,
      sets: told.map((set) => ({ ...set, sketch: sketchBytes(set.sketch) })),
    });
  if (!seesSmallCounts(caller))
    for (const set of sets)
      for (const bytes of await nearSets(pool, asker, set, SINGLED_OUT)) {
        const apart = placesApart(set.sketch, sketchOf(bytes));
        if (apart === 0 || apart >= SINGLED_OUT) continue;
        await log('refused', []);
        throw new AllimError(
          'question-refused',
          'the answer would differ from an earlier one by fewer than ten people',
          { ids: { caller: caller.id } },
        );
      }
  await log(answer.partial ? 'partial' : 'answered', sets);
}
