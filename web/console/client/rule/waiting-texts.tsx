/** Texts that wait for approval: along with the version that is read, or by themselves where that is approved already. */
import { useState } from 'react';
import { call, Problem } from '../api.ts';
import { useMay, usePerson } from '../person.ts';
import { useWords } from '../words.ts';
import { PUBLISH_WORDS } from './publish.words.ts';
import { type Reviewed, TextReview } from './text-review.tsx';
import { useForget, type VersionObject } from './use-rule.ts';

type AlongGiven = Reviewed & { readonly version: VersionObject };

export function TextsAlong({ version, ...reviewed }: AlongGiven) {
  const words = useWords(PUBLISH_WORDS);
  return (
    <div className="stack tight">
      <h3 className="small">{words.textsAlong}</h3>
      <TextReview waiting={version.texts} {...reviewed} />
    </div>
  );
}

type AloneGiven = Omit<AlongGiven, 'open'> & { readonly hashOf: (name: string) => string | undefined };

export function TextsAlone({ version: { id, texts }, hashOf, ...reviewed }: AloneGiven) {
  const words = useWords(PUBLISH_WORDS);
  const person = usePerson();
  const forget = useForget();
  const mayApprove = useMay('approve');
  const [state, setState] = useState<{ doing: boolean; problem: Problem | null }>({
    doing: false,
    problem: null,
  });
  const own = texts.some(({ author }) => author === person.id);
  async function approve(): Promise<void> {
    setState({ doing: true, problem: null });
    try {
      for (const { name, version, hash } of texts)
        await call(`/api/v1/templates/${encodeURIComponent(name)}/versions/${version}/approval`, {
          method: 'POST',
          body: { hash: hashOf(name) ?? hash },
          idempotencyKey: crypto.randomUUID(),
        });
      setState({ doing: false, problem: null });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      setState({ doing: false, problem: error });
    }
    await forget(id);
  }
  return (
    <div className="stack tight notice warning">
      <h3 className="small">{words.textsAlone}</h3>
      <TextReview waiting={texts} {...reviewed} open={mayApprove && !own} />
      {!mayApprove || own ? (
        <p className="hint">{own ? words.whyNot['wrote-it'] : words.textsWait}</p>
      ) : (
        <div>
          <button
            type="button"
            className="button primary"
            disabled={state.doing}
            onClick={() => void approve()}
          >
            {words.texts}
          </button>
        </div>
      )}
      {state.problem !== null && (
        <p role="alert">
          <strong>{words.failed}</strong> {state.problem.message}
        </p>
      )}
    </div>
  );
}
