/** Why a rule concerns one person or does not: what decides, and what else stands in the way. */
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useId, useState } from 'react';
import { call, get } from '../api.ts';
import { Failed } from '../parts/states.tsx';
import { nameIn, useLanguage, useWords } from '../words.ts';
import type { RuleList } from './rules.tsx';
import { SUPPORT_WORDS } from './support.words.ts';

type Explanation = {
  readonly reach: 'certain' | 'possible' | 'no';
  readonly deciding: readonly string[];
  readonly leaves: readonly {
    readonly pointer: string;
    readonly lead: string;
    readonly truth: boolean | null;
    readonly change: string | null;
  }[];
};
type Explained = { readonly explanation: Explanation | null; readonly gates: readonly string[] };

export function Why({ citizen, reason }: { readonly citizen: string; readonly reason: string }) {
  const words = useWords(SUPPORT_WORDS);
  const language = useLanguage();
  const id = useId();
  const [rule, setRule] = useState('');
  const { data } = useQuery({
    queryKey: ['rules', 'live'],
    queryFn: ({ signal }) => get<RuleList>('/api/v1/rules?state=live&limit=200', signal),
  });
  const ask = useMutation({
    mutationFn: async () =>
      (
        await call<Explained>('/api/v1/support/explanations', {
          method: 'POST',
          body: { citizen, rule, reason, language },
        })
      ).body,
  });
  function submit(event: FormEvent): void {
    event.preventDefault();
    ask.mutate();
  }
  return (
    <section className="card" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>
        {words.why} <code className="small">{citizen}</code>
      </h2>
      <form className="filters" onSubmit={submit}>
        <div className="field">
          <label htmlFor={id}>{words.whyWhich}</label>
          <select
            id={id}
            className="input"
            required
            value={rule}
            onChange={(event) => setRule(event.target.value)}
          >
            <option value="">{words.whyChoose}</option>
            {data?.rules.map((one) => (
              <option key={one.id} value={one.id}>
                {nameIn(one.title, language, one.id)}
              </option>
            ))}
          </select>
        </div>
        <button type="submit" className="button" disabled={ask.isPending || rule === ''}>
          {words.whyAsk}
        </button>
      </form>
      {ask.error !== null && <Failed error={ask.error} />}
      <div aria-live="polite">{ask.data !== undefined && <Because {...ask.data} />}</div>
    </section>
  );
}

function Because({ explanation, gates }: Explained) {
  const words = useWords(SUPPORT_WORDS);
  return (
    <div className="stack tight">
      {explanation === null ? (
        <p>{words.noProfile}</p>
      ) : (
        <>
          <p>
            <strong>{words.reach[explanation.reach]}</strong>
          </p>
          <ul>
            {explanation.leaves
              .filter(({ pointer }) => explanation.deciding.includes(pointer))
              .map(({ pointer, lead, truth, change }) => (
                <li key={pointer}>
                  <span className="badge">{words.truths[truth === null ? 2 : truth ? 0 : 1]}</span> {lead}
                  {change !== null && <span className="muted"> ({change})</span>}
                </li>
              ))}
          </ul>
        </>
      )}
      <h3>{words.beside}</h3>
      {gates.length === 0 ? (
        <p>{words.noGates}</p>
      ) : (
        <ul>
          {gates.map((gate) => (
            <li key={gate}>{words.gates[gate] ?? gate}</li>
          ))}
        </ul>
      )}
    </div>
  );
}
