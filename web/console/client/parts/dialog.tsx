/** The browser's own dialog: it holds the focus, closes with Escape, and gives the focus back to what opened it. */
import { type ReactNode, useEffect, useId, useRef } from 'react';

type Given = {
  readonly title: string;
  readonly open: boolean;
  readonly onClose: () => void;
  readonly wide?: boolean;
  readonly children: ReactNode;
  /** Buttons, the one that acts last. */
  readonly actions?: ReactNode;
};

export function Dialog({ title, open, onClose, wide, children, actions }: Given) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current!;
    if (open && !dialog.open) dialog.showModal();
    if (!open && dialog.open) dialog.close();
  }, [open]);
  return (
    <dialog
      ref={ref}
      className={wide === true ? 'dialog wide' : 'dialog'}
      aria-labelledby={id}
      onClose={onClose}
    >
      <h2 id={id}>{title}</h2>
      {open && children}
      {open && actions !== undefined && <div className="dialog-actions">{actions}</div>}
    </dialog>
  );
}
