/** Tabs after the WAI-ARIA pattern: one stop of the keyboard, arrows between them, the panel follows. */
import { type KeyboardEvent, type ReactNode, useId, useRef } from 'react';

export type Tab = { readonly name: string; readonly label: ReactNode };

type Given = {
  readonly label: string;
  readonly tabs: readonly Tab[];
  readonly chosen: string;
  readonly onChoose: (name: string) => void;
  readonly children: ReactNode;
};

const STEPS: Readonly<Record<string, number>> = { ArrowRight: 1, ArrowLeft: -1 };

export function Tabs({ label, tabs, chosen, onChoose, children }: Given) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const at = tabs.findIndex(({ name }) => name === chosen);
  function moved(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    const next =
      event.key === 'Home' ? 0 : event.key === 'End' ? tabs.length - 1 : step === undefined ? -1 : at + step;
    const wanted = tabs[(next + tabs.length) % tabs.length];
    if (step === undefined && next < 0) return;
    event.preventDefault();
    onChoose(wanted!.name);
    list.current?.querySelector<HTMLElement>(`[data-tab="${wanted!.name}"]`)?.focus();
  }
  return (
    <>
      <div className="tabs" role="tablist" aria-label={label} ref={list} onKeyDown={moved}>
        {tabs.map(({ name, label: said }) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`${id}-${name}`}
            data-tab={name}
            aria-selected={name === chosen}
            aria-controls={`${id}-panel`}
            tabIndex={name === chosen ? 0 : -1}
            onClick={() => onChoose(name)}
          >
            {said}
          </button>
        ))}
      </div>
      <div role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${chosen}`} tabIndex={-1}>
        {children}
      </div>
    </>
  );
}
