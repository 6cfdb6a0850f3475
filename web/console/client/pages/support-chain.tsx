/** One notice from the event to the device: each step with its time and its reason. */
import { formatDay, formatTime } from '../formats.ts';
import { STAGE_NAMES } from '../stage-names.ts';
import { nameIn, useLanguage, useWords } from '../words.ts';
import { SENDING_WORDS } from './sending.words.ts';
import { type ChainStepKind, SUPPORT_WORDS } from './support.words.ts';

type Step = {
  readonly step: ChainStepKind;
  readonly at: string | null;
  readonly channel?: string;
  readonly reason?: string | null;
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
};

export type Chain = {
  readonly notice: string;
  readonly code: string;
  readonly agency: string;
  readonly agencyName: Readonly<Record<string, string>> | null;
  readonly citizen: string;
  readonly recipient: string;
  readonly rule: string;
  readonly ruleTitle: Readonly<Record<string, string>> | null;
  readonly eventTitle: Readonly<Record<string, string>> | null;
  readonly deliveries: readonly { readonly channel: string; readonly status: string }[];
  readonly chain: readonly Step[];
};

export function NoticeChain({ notice }: { readonly notice: Chain }) {
  const words = useWords(SUPPORT_WORDS);
  const language = useLanguage();
  const { code, citizen, recipient, agency, agencyName, chain } = notice;
  return (
    <>
      <dl className="facts">
        <div>
          <dt>{words.code}</dt>
          <dd>
            <code>{code}</code> · {nameIn(agencyName ?? undefined, language, agency)}
          </dd>
        </div>
        <div>
          <dt>{words.recipient}</dt>
          <dd>
            <code>{recipient}</code>
          </dd>
        </div>
        {citizen !== recipient && (
          <div>
            <dt>{words.about}</dt>
            <dd>
              <code>{citizen}</code>
            </dd>
          </div>
        )}
      </dl>
      <h3>{words.chain}</h3>
      <ol className="chain">
        {chain.map((step, index) => (
          // Steps have no names of their own, and never change places.
          // biome-ignore lint/suspicious/noArrayIndexKey: the order is what they are
          <li key={index} className={`chain-${step.step}`}>
            <StepLine step={step} notice={notice} />
          </li>
        ))}
      </ol>
    </>
  );
}

function StepLine({ step, notice }: { readonly step: Step; readonly notice: Chain }) {
  const words = useWords(SUPPORT_WORDS);
  const sending = useWords(SENDING_WORDS);
  const stageName = useWords(STAGE_NAMES);
  const language = useLanguage();
  const said = (code: string): string => sending.reasons[code] ?? sending.statuses[code] ?? code;
  const { details = {} } = step;
  const parts: string[] = [];
  if (step.step === 'event')
    parts.push(
      `${nameIn(notice.eventTitle ?? undefined, language, String(details['type']))} (${details['id']})`,
    );
  else if (step.step === 'rule')
    parts.push(
      words.rule(
        nameIn(notice.ruleTitle ?? undefined, language, notice.rule),
        Number(details['version']),
        stageName(String(details['stage'])),
      ),
    );
  if (step.channel !== undefined) parts.push(sending.channels[step.channel] ?? step.channel);
  if (typeof details['attempt'] === 'number') parts.push(words.attempt(details['attempt']));
  if (step.reason != null && step.step !== 'event') parts.push(said(step.reason));
  if (typeof details['code'] === 'string') parts.push(said(details['code']));
  if (typeof details['asOf'] === 'string') parts.push(words.judgedAsOf(formatDay(details['asOf'], language)));
  return (
    <>
      <strong>{words.steps[step.step]}</strong>
      {step.at !== null && (
        <time className="small muted" dateTime={step.at}>
          {formatTime(step.at, language)}
          {step.step === 'waits' && ` ${words.until}`}
        </time>
      )}
      <span className="chain-what">{parts.join(' · ')}</span>
    </>
  );
}
