/** What the rule is called, what it listens to, and whom it may tell. */
import { useId } from 'react';
import { CATEGORIES } from '../../../../domain/statuses.ts';
import { RULES_WORDS } from '../pages/rules.words.ts';
import { usePerson } from '../person.ts';
import { nameIn, useLanguage, useWords } from '../words.ts';
import { type Draft, type EventType, idOf, listeningTo, withTemplates } from './model.ts';
import { RULE_WORDS } from './rule.words.ts';

type Given = {
  readonly draft: Draft;
  readonly onDraft: (draft: Draft) => void;
  readonly types: readonly EventType[];
  /** Not saved yet: its id may still change. */
  readonly fresh: boolean;
  readonly readOnly: boolean;
};

const REACHES = ['certain', 'possible'] as const;

export function Basics({ draft, onDraft, types, fresh, readOnly }: Given) {
  const words = useWords(RULE_WORDS);
  const rules = useWords(RULES_WORDS);
  const language = useLanguage();
  const id = useId();
  const person = usePerson();
  const usable = types.filter(
    ({ agency, effect }) =>
      (person.agency === null || agency === person.agency.id) &&
      effect !== 'settles' &&
      effect !== 'withdraws',
  );
  function named(part: 'ko' | 'en' | 'vi', title: string): void {
    const { [part]: _, ...others } = draft.title;
    // Without a Vietnamese one people read the English; an empty one would be none.
    const left = part === 'vi' && title === '';
    const titled: Draft = { ...draft, title: left ? others : { ...draft.title, [part]: title } };
    // The id follows the name for as long as nobody has given another.
    const follows =
      fresh && part === 'en' && (draft.id === '' || draft.id === idOf(draft.agency, draft.title['en'] ?? ''));
    onDraft(follows ? renamed(titled, idOf(draft.agency, title)) : titled);
  }
  return (
    <fieldset className="basics" disabled={readOnly}>
      <legend className="visually-hidden">{words.basics}</legend>
      <div className="names">
        <div className="field">
          <label htmlFor={`${id}-ko`}>{words.titleKo}</label>
          <input
            id={`${id}-ko`}
            lang="ko"
            className="input"
            maxLength={200}
            value={draft.title['ko'] ?? ''}
            onChange={(event) => named('ko', event.target.value)}
          />
        </div>
        <div className="field">
          <label htmlFor={`${id}-en`}>{words.titleEn}</label>
          <input
            id={`${id}-en`}
            lang="en"
            className="input"
            maxLength={200}
            value={draft.title['en'] ?? ''}
            onChange={(event) => named('en', event.target.value)}
          />
        </div>
        <div className="field">
          <label htmlFor={`${id}-vi`}>{words.titleVi}</label>
          <input
            id={`${id}-vi`}
            lang="vi"
            className="input"
            maxLength={200}
            value={draft.title['vi'] ?? ''}
            aria-describedby={`${id}-vi-hint`}
            onChange={(event) => named('vi', event.target.value)}
          />
          <p id={`${id}-vi-hint`} className="hint">
            {words.titleViHint}
          </p>
        </div>
      </div>
      <div className="field wide">
        <label htmlFor={`${id}-on`}>{words.event}</label>
        <select
          id={`${id}-on`}
          className="input"
          value={draft.on}
          aria-describedby={`${id}-on-hint`}
          onChange={(event) => {
            const type = usable.find((one) => one.type === event.target.value);
            if (type !== undefined) onDraft(listeningTo(draft, type));
          }}
        >
          {draft.on === '' && <option value="">{words.chooseEvent}</option>}
          {usable.map((type) => (
            <option key={type.type} value={type.type}>
              {nameIn(type.title, language, type.type)}
            </option>
          ))}
        </select>
        <p id={`${id}-on-hint`} className="hint">
          {words.eventHint}
        </p>
      </div>
      <div className="field">
        <label htmlFor={`${id}-category`}>{words.category}</label>
        <select
          id={`${id}-category`}
          className="input"
          value={draft.category}
          onChange={(event) => onDraft({ ...draft, category: event.target.value as Draft['category'] })}
        >
          {CATEGORIES.map((category) => (
            <option key={category} value={category}>
              {rules.categories[category]}
            </option>
          ))}
        </select>
      </div>
      <div className="field">
        <label htmlFor={`${id}-reach`}>{words.reach}</label>
        <select
          id={`${id}-reach`}
          className="input"
          value={draft.reach}
          aria-describedby={`${id}-reach-hint`}
          onChange={(event) => onDraft({ ...draft, reach: event.target.value as Draft['reach'] })}
        >
          {REACHES.map((reach) => (
            <option key={reach} value={reach}>
              {words.reaches[reach]}
            </option>
          ))}
        </select>
        <p id={`${id}-reach-hint`} className="hint">
          {words.reachHint[draft.reach]}
        </p>
      </div>
      <div className="field">
        <label htmlFor={`${id}-id`}>{words.id}</label>
        <input
          id={`${id}-id`}
          className="input"
          readOnly={!fresh}
          maxLength={64}
          value={draft.id}
          aria-describedby={`${id}-id-hint`}
          onChange={(event) => onDraft(renamed(draft, event.target.value))}
        />
        <p id={`${id}-id-hint`} className="hint">
          {words.idHint}
        </p>
      </div>
      <div className="field">
        <label htmlFor={`${id}-law`}>{words.law}</label>
        <input
          id={`${id}-law`}
          className="input"
          maxLength={500}
          value={draft.basis?.['law'] ?? ''}
          aria-describedby={`${id}-law-hint`}
          onChange={(event) => onDraft({ ...draft, basis: { ...draft.basis, law: event.target.value } })}
        />
        <p id={`${id}-law-hint`} className="hint">
          {words.lawHint}
        </p>
      </div>
    </fieldset>
  );
}

/** Its templates are called after it: those that were named after the old id are named anew. */
function renamed(draft: Draft, id: string): Draft {
  const kept = Object.entries(draft.templates).filter(
    ([, name]) => draft.id === '' || !name.startsWith(`${draft.id}-`),
  );
  return withTemplates({ ...draft, id, templates: Object.fromEntries(kept) });
}
