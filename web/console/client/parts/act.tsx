/** Something that is done for good reason: a button that opens a dialog, which says what will happen and asks why, and does it once. */
import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { useWords } from '../words.ts';
import { ACT_WORDS } from './act.words.ts';
import { Dialog } from './dialog.tsx';
import { Failed } from './states.tsx';

type Given = {
  readonly label: string;
  readonly title: string;
  /** What will happen. */
  readonly children: ReactNode;
  /** The verb of the button that does it. */
  readonly verb: string;
  readonly tone?: 'primary' | 'danger';
  readonly disabled?: boolean;
  readonly act: (reason: string, key: string) => Promise<unknown>;
};

export function Act({ label, title, children, verb, tone = 'primary', disabled, act }: Given) {
  const words = useWords(ACT_WORDS);
  const id = useId();
  const [open, setOpen] = useState(false);
  const [reason, setReason] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  // One key for as long as the dialog is open: pressed twice, or sent again, it is done once.
  const [key, setKey] = useState('');

  function begin(): void {
    setKey(crypto.randomUUID());
    setError(null);
    setOpen(true);
  }

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await act(reason.trim(), key);
      setOpen(false);
      setReason('');
    } catch (failed) {
      setError(failed);
      setKey(crypto.randomUUID());
    } finally {
      setBusy(false);
    }
  }

  return (
    <>
      <button
        type="button"
        className={tone === 'danger' ? 'button danger' : 'button'}
        disabled={disabled}
        onClick={begin}
      >
        {label}
      </button>
      <Dialog title={title} open={open} onClose={() => setOpen(false)}>
        <form className="stack" onSubmit={(event) => void submit(event)}>
          <div>{children}</div>
          <div className="field">
            <label htmlFor={id}>{words.why}</label>
            <textarea
              id={id}
              className="input"
              rows={2}
              required
              minLength={3}
              maxLength={200}
              aria-describedby={`${id}-hint`}
              value={reason}
              onChange={(event) => setReason(event.target.value)}
            />
            <p className="hint" id={`${id}-hint`}>
              {words.whyHint}
            </p>
          </div>
          {error !== null && <Failed error={error} />}
          <div className="dialog-actions">
            <button type="button" className="button" onClick={() => setOpen(false)}>
              {words.back}
            </button>
            <button
              type="submit"
              className={tone === 'danger' ? 'button danger primary' : 'button primary'}
              disabled={busy}
            >
              {busy ? words.busy : verb}
            </button>
          </div>
        </form>
      </Dialog>
    </>
  );
}
