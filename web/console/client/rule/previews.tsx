/** A text as its reader sees it: on a lock screen, in a mail, as a text message. */

import { usePerson } from '../person.ts';
import { nameIn, useWords } from '../words.ts';
import { TEXTS_WORDS } from './texts.words.ts';
import type { RenderedText } from './use-texts.ts';

type Given = { readonly text: RenderedText; readonly agency: string; readonly wide: boolean };

export function Preview({ text, agency, wide }: Given) {
  const person = usePerson();
  if (text.content === null) return null;
  const names = person.agencies.find(({ id }) => id === agency)?.name;
  // As whoever reads it is told, who is told the English name where there is none of theirs.
  const from = names?.[text.locale] ?? nameIn(names, 'en', agency);
  if (text.channel === 'push') return <LockScreen text={text} from={from} />;
  if (text.channel === 'email') return <Mail text={text} from={from} wide={wide} />;
  return <Message text={text} />;
}

function Lines({ text }: { readonly text: string }) {
  return text.split('\n').map((line, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: lines of one text have no other name
    <span key={index} className="line">
      {line}
    </span>
  ));
}

function LockScreen({ text, from }: { readonly text: RenderedText; readonly from: string }) {
  const words = useWords(TEXTS_WORDS);
  return (
    <figure className="lock" aria-label={words.lockScreen}>
      <span className="lock-time" aria-hidden="true">
        9:00
      </span>
      <div className="lock-note" lang={text.locale}>
        <p className="lock-from">
          <img className="lock-mark" src="/icons/allim.svg" alt="" />
          {from}
          <span className="lock-when">{words.now}</span>
        </p>
        <p className="lock-title">{text.content?.title}</p>
        <p>
          <Lines text={text.content?.body ?? ''} />
        </p>
      </div>
    </figure>
  );
}

function Mail({
  text,
  from,
  wide,
}: {
  readonly text: RenderedText;
  readonly from: string;
  readonly wide: boolean;
}) {
  const words = useWords(TEXTS_WORDS);
  return (
    <figure className={wide ? 'mail wide' : 'mail'} aria-label={words.mail}>
      <p className="mail-from">
        <span className="mail-mark" aria-hidden="true">
          {from.slice(0, 1)}
        </span>
        {from}
      </p>
      <div lang={text.locale}>
        <p className="mail-subject">{text.content?.subject}</p>
        <p className="mail-text">
          <Lines text={text.content?.text?.trim() ?? ''} />
        </p>
      </div>
    </figure>
  );
}

function Message({ text }: { readonly text: RenderedText }) {
  const words = useWords(TEXTS_WORDS);
  const { sms } = text;
  return (
    <figure className="message" aria-label={words.message}>
      <p className="bubble" lang={text.locale}>
        <Lines text={text.content?.text ?? ''} />
      </p>
      {sms !== null && (
        <figcaption className="small muted">
          {words.kinds[sms.kind]} · {words.bytes(sms.bytes)} · {words.parts(sms.parts)}
        </figcaption>
      )}
    </figure>
  );
}
