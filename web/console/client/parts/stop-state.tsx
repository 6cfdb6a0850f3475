/** Whether sending is stopped, always in sight: what is stopped, by whom and why. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { get } from '../api.ts';
import { formatTime } from '../formats.ts';
import { SHELL_WORDS } from '../shell.words.ts';
import { useLanguage, useWords } from '../words.ts';
import { useActor } from './actor.ts';
import { Dialog } from './dialog.tsx';

type Stop = {
  readonly scope: string;
  readonly reason: string;
  readonly createdBy: string;
  readonly createdByName: string | null;
  readonly createdAt: string;
};

const LOOK_EVERY_MS = 15_000;

export function StopState() {
  const words = useWords(SHELL_WORDS);
  const [open, setOpen] = useState(false);
  const { data } = useQuery({
    queryKey: ['stops'],
    queryFn: ({ signal }) => get<{ stops: readonly Stop[] }>('/api/v1/stops', signal),
    refetchInterval: LOOK_EVERY_MS,
  });
  if (data === undefined) return <span className="stop-state" />;
  if (data.stops.length === 0)
    return (
      <span className="stop-state badge success">
        <span aria-hidden="true">●</span> {words.sending}
      </span>
    );
  return (
    <>
      <button type="button" className="stop-state badge danger" onClick={() => setOpen(true)}>
        <span aria-hidden="true">■</span> {words.stopped(data.stops.length)}
      </button>
      <Dialog title={words.stoppedTitle} open={open} onClose={() => setOpen(false)}>
        <Stops stops={data.stops} />
      </Dialog>
    </>
  );
}

function Stops({ stops }: { readonly stops: readonly Stop[] }) {
  const words = useWords(SHELL_WORDS);
  const language = useLanguage();
  const actor = useActor();
  const nameOf = (scope: string): string =>
    scope === 'all'
      ? words.everything
      : scope.startsWith('channel:')
        ? words.channelOf(scope.slice('channel:'.length))
        : scope;
  return (
    <ul className="stack tight">
      {stops.map(({ scope, reason, createdBy, createdByName, createdAt }) => (
        <li key={scope}>
          <strong>{nameOf(scope)}</strong>
          <p>{reason}</p>
          <p className="small muted">
            {actor(createdBy, createdByName)} ·{' '}
            <time dateTime={createdAt}>{formatTime(createdAt, language)}</time>
          </p>
        </li>
      ))}
    </ul>
  );
}
