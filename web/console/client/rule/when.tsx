/** Step two, when: the deadline, the stages before it, and the days on which they would leave for an event of our choice. */
import { useId, useState } from 'react';
import type { Expression, Stage } from '../../../../domain/rule.ts';
import { eventWord } from '../../../../rules/say/event-words.ts';
import { formatDay, today } from '../formats.ts';
import { Failed } from '../parts/states.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { STAGE_NAMES } from '../stage-names.ts';
import { type Language, useLanguage, useWords } from '../words.ts';
import { type Draft, datesOf, type EventType, withTemplates } from './model.ts';
import { type Mark, Ribbon } from './ribbon.tsx';
import { useAboutDraft } from './use-check.ts';
import { WHEN_WORDS } from './when.words.ts';

export type StepGiven = {
  readonly draft: Draft;
  readonly onDraft: (draft: Draft) => void;
  readonly eventType: EventType | undefined;
  readonly readOnly: boolean;
};

type Timeline = {
  readonly arrivesOn: string;
  readonly deadline: string | null;
  readonly moved: string | null;
  readonly stages: readonly { readonly kind: string; readonly dueAt: string | null }[];
  readonly daysOff: readonly { readonly day: string; readonly name: string | null }[];
};

const SUGGESTED = [30, 7, 1];

export function When(given: StepGiven) {
  const words = useWords(WHEN_WORDS);
  const { draft, eventType } = given;
  const [example, setExample] = useState(0);
  const [arrivesOn, setArrivesOn] = useState(() => today());
  const { id, agency, on, deadline, stages } = draft;
  const { data, error, refetch } = useAboutDraft<Timeline>(
    '/api/v1/rules/timeline',
    { rule: { id, agency, on, stages, ...(deadline === undefined ? {} : { deadline }) }, example, arrivesOn },
    eventType !== undefined && arrivesOn !== '',
  );
  if (eventType === undefined) return <p className="notice">{words.noEvent}</p>;
  return (
    <div className="stack">
      <Deadline {...given} eventType={eventType} />
      <Stages {...given} timeline={data} />
      <Example
        eventType={eventType}
        example={example}
        onExample={setExample}
        arrivesOn={arrivesOn}
        onArrivesOn={setArrivesOn}
      />
      {error !== null && <Failed error={error} again={() => void refetch()} />}
      {data !== undefined && <Days timeline={data} />}
    </div>
  );
}

function nameOfVariable(expression: Expression | undefined): string {
  const name = (expression as { var?: unknown } | null | undefined)?.var;
  return typeof name === 'string' ? name.replace(/^event\./, '') : '';
}

function Deadline({ draft, onDraft, eventType, readOnly }: StepGiven & { readonly eventType: EventType }) {
  const words = useWords(WHEN_WORDS);
  const language = useLanguage();
  const id = useId();
  const dates = datesOf(eventType);
  const at = nameOfVariable(draft.deadline?.at);
  function chosen(name: string): void {
    const { deadline, ...rest } = draft;
    if (name === '')
      onDraft(withTemplates({ ...rest, stages: rest.stages.filter(({ anchor }) => anchor !== 'deadline') }));
    else onDraft({ ...rest, deadline: { ifDayOff: 'next', ...deadline, at: { var: `event.${name}` } } });
  }
  return (
    <fieldset className="basics" disabled={readOnly}>
      <legend className="label">{words.deadline}</legend>
      <div className="field">
        <label htmlFor={`${id}-at`}>{words.deadlineAt}</label>
        <select id={`${id}-at`} className="input" value={at} onChange={(event) => chosen(event.target.value)}>
          <option value="">{words.noDeadline}</option>
          {[...new Set([...dates, ...(at === '' ? [] : [at])])].map((name) => (
            <option key={name} value={name}>
              {eventWord([name])?.labels[language] ?? name}
            </option>
          ))}
        </select>
      </div>
      {draft.deadline !== undefined && (
        <label className="choice" htmlFor={`${id}-off`}>
          <input
            id={`${id}-off`}
            type="checkbox"
            checked={draft.deadline.ifDayOff === 'next'}
            onChange={(event) =>
              onDraft({
                ...draft,
                deadline: { ...draft.deadline!, ifDayOff: event.target.checked ? 'next' : 'keep' },
              })
            }
          />
          {words.dayOff} {words.rollNext}
        </label>
      )}
    </fieldset>
  );
}

/** Days of an offset that has days and weeks alone; undefined for others, which are shown as they are. */
function daysOf(offset: string): number | undefined {
  const match = /^(-?)P(?:(\d+)W)?(?:(\d+)D)?$/.exec(offset);
  if (match === null) return undefined;
  const days = Number(match[2] ?? 0) * 7 + Number(match[3] ?? 0);
  return match[1] === '-' ? -days : days;
}

const offsetOf = (days: number): string => (days < 0 ? `-P${-days}D` : `P${days}D`);

function Stages({
  draft,
  onDraft,
  readOnly,
  timeline,
}: StepGiven & { readonly timeline: Timeline | undefined }) {
  const words = useWords(WHEN_WORDS);
  const stageName = useWords(STAGE_NAMES);
  const set = (stages: readonly Stage[]): void => onDraft(withTemplates({ ...draft, stages }));
  const change = (index: number, changes: Changes): void =>
    set(draft.stages.map((stage, at) => (at === index ? changed(stage, changes) : stage)));
  const has = (days: number): boolean => draft.stages.some(({ kind }) => kind === `d${days}`);
  return (
    <fieldset className="stack tight" disabled={readOnly}>
      <legend className="label">{words.stages}</legend>
      <ol className="stages">
        {draft.stages.map((stage, index) => (
          <StageRow
            key={stage.kind}
            stage={stage}
            dueAt={timeline?.stages.find(({ kind }) => kind === stage.kind)?.dueAt}
            arrivesOn={timeline?.arrivesOn}
            onChange={(changes) => change(index, changes)}
            onRemove={
              draft.stages.length > 1 ? () => set(draft.stages.filter((_, at) => at !== index)) : undefined
            }
          />
        ))}
      </ol>
      {draft.deadline !== undefined && !readOnly && (
        <div className="row">
          {SUGGESTED.filter((days) => !has(days)).map((days) => (
            <button
              key={days}
              type="button"
              className="button small"
              onClick={() =>
                set([
                  ...draft.stages,
                  {
                    kind: `d${days}`,
                    anchor: 'deadline',
                    offset: offsetOf(-days),
                    time: '09:00',
                    workingDay: 'previous',
                  },
                ])
              }
            >
              ＋ {words.addStage(stageName(`d${days}`))}
            </button>
          ))}
        </div>
      )}
    </fieldset>
  );
}

/** What was set to nothing is left out, as a rule file has it. */
function changed(stage: Stage, changes: Changes): Stage {
  const entries = Object.entries({ ...stage, ...changes }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Stage;
}

type Changes = { readonly [Name in keyof Stage]?: Stage[Name] | undefined };

type RowGiven = {
  readonly stage: Stage;
  readonly dueAt: string | null | undefined;
  readonly arrivesOn: string | undefined;
  readonly onChange: (changes: Changes) => void;
  readonly onRemove: (() => void) | undefined;
};

function StageRow({ stage, dueAt, arrivesOn, onChange, onRemove }: RowGiven) {
  const words = useWords(WHEN_WORDS);
  const id = useId();
  const days = daysOf(stage.offset);
  const anchor = stage.anchor === 'event' || stage.anchor === 'deadline' ? stage.anchor : null;
  const name = useWords(STAGE_NAMES)(stage.kind);
  return (
    <li className="stage">
      <div className="stage-head">
        <div className="stage-what">
          <strong>{name}</strong>
          <Leaves stage={stage} dueAt={dueAt} arrivesOn={arrivesOn} />
        </div>
        {onRemove !== undefined && (
          <button
            type="button"
            className="button icon small quiet"
            aria-label={words.remove(name)}
            title={words.remove(name)}
            onClick={onRemove}
          >
            <span aria-hidden="true">✕</span>
          </button>
        )}
      </div>
      <div className="stage-parts">
        <div className="field">
          <label htmlFor={`${id}-anchor`}>{words.anchor}</label>
          {anchor === null ? (
            <input
              id={`${id}-anchor`}
              className="input small"
              readOnly
              value={`${words.otherAnchor}: ${nameOfVariable(stage.anchor as Expression)}`}
            />
          ) : (
            <select
              id={`${id}-anchor`}
              className="input small"
              value={anchor}
              onChange={(event) => onChange({ anchor: event.target.value as 'event' | 'deadline' })}
            >
              <option value="event">{words.anchors.event}</option>
              <option value="deadline">{words.anchors.deadline}</option>
            </select>
          )}
        </div>
        <div className="field">
          <label htmlFor={`${id}-days`}>{words.days}</label>
          {days === undefined ? (
            <input id={`${id}-days`} className="input small" readOnly value={stage.offset} />
          ) : (
            <span className="row nowrap">
              <input
                id={`${id}-days`}
                className="input small days"
                type="number"
                min={0}
                max={9999}
                value={Math.abs(days)}
                onChange={(event) =>
                  onChange({ offset: offsetOf((days < 0 ? -1 : 1) * Math.abs(Number(event.target.value))) })
                }
              />
              <select
                className="input small"
                aria-label={words.direction}
                value={days < 0 ? 'before' : 'after'}
                onChange={(event) =>
                  onChange({ offset: offsetOf((event.target.value === 'before' ? -1 : 1) * Math.abs(days)) })
                }
              >
                <option value="before">{words.before}</option>
                <option value="after">{words.after}</option>
              </select>
            </span>
          )}
        </div>
        <div className="field">
          <label htmlFor={`${id}-time`}>{words.time}</label>
          <input
            id={`${id}-time`}
            className="input small"
            type="time"
            value={stage.time ?? ''}
            onChange={(event) =>
              onChange({ time: event.target.value === '' ? undefined : event.target.value })
            }
          />
        </div>
        <div className="field">
          <label htmlFor={`${id}-off`}>{words.ifOff}</label>
          <select
            id={`${id}-off`}
            className="input small"
            value={stage.workingDay ?? ''}
            onChange={(event) =>
              onChange({
                workingDay:
                  event.target.value === '' ? undefined : (event.target.value as 'previous' | 'next'),
              })
            }
          >
            <option value="">{words.offKeep}</option>
            <option value="previous">{words.offPrevious}</option>
            <option value="next">{words.offNext}</option>
          </select>
        </div>
      </div>
    </li>
  );
}

/** The day on which it would leave. */
function Leaves({ stage, dueAt, arrivesOn }: Pick<RowGiven, 'stage' | 'dueAt' | 'arrivesOn'>) {
  const words = useWords(WHEN_WORDS);
  const language = useLanguage();
  return (
    <span className="leaves">
      <span className="visually-hidden">{words.leaves}: </span>
      {dueAt == null ? (
        <span className="muted">{dueAt === null ? words.never : '…'}</span>
      ) : (
        <time dateTime={dueAt}>
          {stage.anchor === 'event' && stage.time === undefined
            ? `${words.atOnce} · ${formatDay(dayOf(dueAt), language)}`
            : `${formatDay(dayOf(dueAt), language)} ${stage.time ?? ''}`}
        </time>
      )}
      {dueAt != null && arrivesOn !== undefined && dayOf(dueAt) < arrivesOn && (
        <span className="warned">{words.past}</span>
      )}
    </span>
  );
}

const dayOf = (instant: string): string => today(new Date(instant));

type ExampleGiven = {
  readonly eventType: EventType;
  readonly example: number;
  readonly onExample: (example: number) => void;
  readonly arrivesOn: string;
  readonly onArrivesOn: (day: string) => void;
};

/** What tells one example from another: its values that have names, most of all its days. */
function sayExample(data: Readonly<Record<string, unknown>>, language: Language): string {
  return Object.entries(data)
    .flatMap(([name, value]) => {
      const word = eventWord([name]);
      if (word === undefined || typeof value === 'object') return [];
      const said = String(value);
      const shown = /^\d{4}-\d{2}-\d{2}$/.test(said)
        ? formatDay(said, language)
        : (word.values?.[said]?.[language] ?? said);
      return [`${word.labels[language]} ${shown}`];
    })
    .join(', ')
    .slice(0, 120);
}

function Example({ eventType, example, onExample, arrivesOn, onArrivesOn }: ExampleGiven) {
  const words = useWords(WHEN_WORDS);
  const language = useLanguage();
  const id = useId();
  return (
    <div className="basics">
      <div className="field">
        <label htmlFor={`${id}-example`}>{words.example}</label>
        <select
          id={`${id}-example`}
          className="input"
          value={example}
          onChange={(event) => onExample(Number(event.target.value))}
        >
          {eventType.examples.map((data, index) => (
            <option key={JSON.stringify(data)} value={index}>
              {words.exampleOf(index + 1)}: {sayExample(data, language)}
            </option>
          ))}
        </select>
      </div>
      <div className="field">
        <label htmlFor={`${id}-arrives`}>{words.arrives}</label>
        <input
          id={`${id}-arrives`}
          className="input"
          type="date"
          value={arrivesOn}
          onChange={(event) => onArrivesOn(event.target.value)}
        />
      </div>
    </div>
  );
}

function Days({ timeline }: { readonly timeline: Timeline }) {
  const words = useWords(WHEN_WORDS);
  const language = useLanguage();
  const stageName = useWords(STAGE_NAMES);
  const { arrivesOn, deadline, moved, stages, daysOff } = timeline;
  const marks: Mark[] = [
    { day: arrivesOn, label: words.arrival, kind: 'event' },
    ...stages.flatMap(({ kind, dueAt }): Mark[] =>
      dueAt === null ? [] : [{ day: dayOf(dueAt), label: stageName(kind), kind: 'stage' }],
    ),
    ...(deadline === null ? [] : [{ day: deadline, label: words.end, kind: 'deadline' } as const]),
  ];
  const rows = marks.toSorted((a, b) => a.day.localeCompare(b.day));
  const columns: Column<Mark>[] = [
    { name: 'label', label: words.stage, head: true, cell: ({ label }) => label },
    {
      name: 'day',
      label: words.leaves,
      cell: ({ day }) => <time dateTime={day}>{formatDay(day, language)}</time>,
    },
  ];
  return (
    <div className="stack tight">
      {moved !== null && deadline !== null && (
        <p className="notice">{words.moved(formatDay(moved, language), formatDay(deadline, language))}</p>
      )}
      <Table
        caption={words.stages}
        columns={columns}
        rows={rows}
        keyOf={({ day, label }) => day + label}
        tight
      />
      <Ribbon marks={marks} daysOff={daysOff} />
    </div>
  );
}
