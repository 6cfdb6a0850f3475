/** Taking a rule out of force: what has not left yet is counted before anybody decides about it. */
import { useQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { call, Problem } from '../api.ts';
import { formatNumber } from '../formats.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Failed, Loading } from '../parts/states.tsx';
import { useLanguage, useWords } from '../words.ts';
import { PUBLISH_WORDS } from './publish.words.ts';
import { useForget } from './use-rule.ts';

type Planned = 'cancel' | 'leave';
type Effect = {
  readonly campaigns: number;
  readonly stagesDropped: number;
  readonly cancels: number;
  readonly leaves: number;
};

export function Withdrawal({ id }: { readonly id: string }) {
  const words = useWords(PUBLISH_WORDS);
  const [open, setOpen] = useState(false);
  return (
    <>
      <hr />
      <p className="hint">{words.withdrawWhy}</p>
      <div>
        <button type="button" className="button danger" onClick={() => setOpen(true)}>
          {words.withdraw}
        </button>
      </div>
      <Dialog title={words.withdrawTitle} open={open} onClose={() => setOpen(false)}>
        <Asking id={id} onDone={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function Asking({ id, onDone }: { readonly id: string; readonly onDone: () => void }) {
  const words = useWords(PUBLISH_WORDS);
  const language = useLanguage();
  const forget = useForget();
  const form = useId();
  const [planned, setPlanned] = useState<Planned>('cancel');
  const [reason, setReason] = useState('');
  const [problem, setProblem] = useState<Problem | null>(null);
  const path = `/api/v1/rules/${id}/withdrawal`;
  const { data, error } = useQuery({
    queryKey: ['withdrawal', id, planned],
    gcTime: 0,
    queryFn: async ({ signal }) =>
      (
        await call<Effect>(path, {
          method: 'POST',
          body: { reason: words.withdrawTitle, planned, dryRun: true },
          signal,
        })
      ).body,
  });
  async function withdraw(): Promise<void> {
    try {
      await call(path, {
        method: 'POST',
        body: { reason: reason.trim(), planned },
        idempotencyKey: crypto.randomUUID(),
      });
      await forget(id);
      onDone();
    } catch (failed) {
      if (!(failed instanceof Problem)) throw failed;
      setProblem(failed);
    }
  }
  if (error !== null) return <Failed error={error} />;
  if (data === undefined) return <Loading />;
  const waiting = formatNumber(data.cancels + data.leaves, language);
  return (
    <form
      className="stack tight"
      onSubmit={(event) => {
        event.preventDefault();
        void withdraw();
      }}
    >
      <fieldset className="stack tight">
        <legend className="label">{words.planned}</legend>
        {(['cancel', 'leave'] as const).map((one) => (
          <label key={one} className="choice" htmlFor={`${form}-${one}`}>
            <input
              id={`${form}-${one}`}
              type="radio"
              name={`${form}-planned`}
              checked={planned === one}
              onChange={() => setPlanned(one)}
            />
            {one === 'cancel' ? words.cancel(waiting) : words.keep(waiting)}
          </label>
        ))}
      </fieldset>
      <div className="field">
        <label htmlFor={`${form}-reason`}>{words.reason}</label>
        <textarea
          id={`${form}-reason`}
          className="input"
          rows={2}
          maxLength={1_000}
          required
          value={reason}
          onChange={(event) => setReason(event.target.value)}
        />
        <p className="hint">{words.reasonNeeded}</p>
      </div>
      {problem !== null && <Failed error={problem} />}
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onDone}>
          {words.close}
        </button>
        <button type="submit" className="button danger primary" disabled={reason.trim() === ''}>
          {words.withdraw}
        </button>
      </div>
    </form>
  );
}
