/**
 * What stands between an answer of the shards and whoever asked. Every question is logged, answered or not. One whose audience differs from an
 * earlier one's in fewer than ten people is refused: the two together would tell about these few, however large both are. Answers of one
 * agency's keys count together. What this does not see: two agencies that pool their answers, and cells of a breakdown held against each other.
 */
import { contentHash } from '../../domain/content-hash.ts';
import { AllimError } from '../../domain/errors.ts';
import { type Sql, type SqlPool, transaction } from '../../domain/sql.ts';
import { type Credential, seesSmallCounts } from '../../producers/credential.ts';
import type { Asking, AskOptions, WholeAnswer, WholeSet } from '../../rules/run/asking.ts';
import type { Question } from '../../rules/run/question.ts';
import { placesApart, SINGLED_OUT, sketchBytes, sketchOf } from '../../rules/run/sketch.ts';
import {
  type AskedFor,
  type LoggedQuestion,
  lockAsker,
  logQuestion,
  nearSets,
} from '../../store/questions.ts';

export type AboutQuestion = Pick<LoggedQuestion, 'kind' | 'rule' | 'asked' | 'purpose'>;
export type GuardParts = { readonly pool: SqlPool; readonly ask: Asking };

/** A set of which a size is to be told. */
export type Telling = { readonly name: string } & Pick<WholeSet, 'count' | 'sketch'>;

/**
 * Asks, and looks at what is to be told before it is: `told` are the sets whose sizes will be shown as they are; all of them unless given.
 * Throws `question-refused`, and what asking throws. What comes back may be shown, with small counts hidden.
 */
export async function askGuarded(
  { pool, ask }: GuardParts,
  caller: Credential,
  about: AboutQuestion,
  question: Question,
  { told = tellings, ...options }: AskOptions & { readonly told?: (answer: WholeAnswer) => Telling[] } = {},
): Promise<WholeAnswer> {
  const answer = await ask(question, options).catch(async (error: unknown) => {
    // A newer one of the same screen took its place: nothing was told, and that one is logged.
    if (!options.signal?.aborted) await logFailed(pool, caller, about);
    throw error;
  });
  const tooNear = await guard(pool, caller, about, answer, told(answer), 'whole');
  if (tooNear.size > 0)
    throw new AllimError(
      'question-refused',
      'the answer would differ from an earlier one by fewer than ten people',
      { ids: { caller: caller.id } },
    );
  return answer;
}

/** All sets of an answer. */
export const tellings = ({ sets }: WholeAnswer): Telling[] =>
  Object.entries(sets).map(([name, { count, sketch }]) => ({ name, count, sketch }));

/**
 * Logs a question, keeps those of its sets that are told, and returns the names of the others: they differ too little from what was told
 * before. `whole`: where one does, nothing is told. `part`: the rest is, and what is told of the answer itself counts too.
 */
export async function guard(
  pool: SqlPool,
  caller: Credential,
  about: AboutQuestion,
  answer: Pick<WholeAnswer, 'partial' | 'offsets'>,
  parts: readonly Telling[],
  as: 'whole' | 'part',
): Promise<ReadonlySet<string>> {
  const asker: AskedFor = { caller: caller.id, agency: caller.agency };
  const fingerprint = Buffer.from(contentHash(about.asked), 'hex');
  const guarded = !seesSmallCounts(caller);
  const tooNear = new Set<string>();
  const log = async (sql: Sql): Promise<void> => {
    const told: Telling[] = [];
    for (const part of parts) {
      // What is shown as a small count tells nobody's difference to anything.
      if (part.count < SINGLED_OUT) continue;
      const near =
        guarded &&
        (isNearAny(part, as === 'part' ? told : []) || (await isNear(sql, asker, part, fingerprint)));
      if (near) tooNear.add(part.name);
      else if (!told.some((other) => isSame(part, other))) told.push(part);
    }
    const refused = tooNear.size > 0 && as === 'whole';
    await logQuestion(sql, {
      ...asker,
      ...about,
      outcome: refused ? 'refused' : answer.partial ? 'partial' : 'answered',
      offsets: answer.offsets,
      sets: refused
        ? []
        : told.map(({ name, count, sketch }) => ({
            name,
            fingerprint,
            citizens: count,
            sketch: sketchBytes(sketch),
          })),
    });
  };
  if (guarded)
    await transaction(pool, async (sql) => {
      await lockAsker(sql, asker);
      await log(sql);
    });
  // Nothing is looked up that somebody else may be about to write, and one statement is a transaction.
  else await log(pool);
  return tooNear;
}

async function isNear(sql: Sql, asker: AskedFor, part: Telling, fingerprint: Buffer): Promise<boolean> {
  const found = await nearSets(sql, asker, { fingerprint, citizens: part.count }, SINGLED_OUT);
  return isNearAny(
    part,
    found.map(({ citizens, sketch }) => ({ count: citizens, sketch: sketchOf(sketch) })),
  );
}

type Sized = Pick<Telling, 'count' | 'sketch'>;

const isSame = (a: Sized, b: Sized): boolean => a.count === b.count && placesApart(a.sketch, b.sketch) === 0;

function isNearAny(part: Sized, others: readonly Sized[]): boolean {
  return others.some(
    (other) =>
      Math.abs(part.count - other.count) < SINGLED_OUT &&
      placesApart(part.sketch, other.sketch) < SINGLED_OUT &&
      !isSame(part, other),
  );
}

/** Nobody was told anything, and somebody wanted to know. */
export async function logFailed(pool: SqlPool, caller: Credential, about: AboutQuestion): Promise<void> {
  await logQuestion(pool, {
    caller: caller.id,
    agency: caller.agency,
    ...about,
    outcome: 'failed',
    offsets: [],
    sets: [],
  });
}
