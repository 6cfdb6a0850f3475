/** The texts of a rule as a reader would see them, for whoever writes them: with the data of one event, and values as long as they come. */
import type { Content } from '../domain/content.ts';
import { type Fault, messageOf } from '../domain/errors.ts';
import { measureSms } from '../domain/kr/sms-bytes.ts';
import type { Reach, Rule } from '../domain/rule.ts';
import type { Channel } from '../domain/statuses.ts';
import { deadlineOf } from '../domain/timeline.ts';
import { WORKING_DAYS } from '../domain/working-days.ts';
import { renderContent, type TemplateCatalogue, type TemplateValues } from './catalogue.ts';
import type { CheckReport } from './check.ts';

export type RenderedText = {
  readonly template: string;
  readonly file: string;
  readonly channel: Channel;
  readonly locale: string;
  readonly reach: Reach;
  /** null where it cannot be rendered; `fault` says why. */
  readonly content: Content | null;
  readonly fault: string | null;
  /** Of an SMS as it stands: bytes for Korean carriers, what it is sent as, and in how many parts an LMS-less carrier would. */
  readonly sms: {
    readonly bytes: number;
    readonly kind: 'sms' | 'lms' | 'too long';
    readonly parts: number;
  } | null;
};

export type TemplatePreviews = {
  readonly texts: readonly RenderedText[];
  readonly faults: readonly Fault[];
  readonly missing: CheckReport['missing'];
  readonly sizes: CheckReport['sizes'];
};

/** A code as it looks; the notice's own is made when it is planned. */
const CODE = 'K7Q2-93';
/** GSM 03.40: a single message, and one of several, in bytes of 8 bits. */
const [ONE_PART, EACH_PART] = [140, 134];

function partsOf(text: string): number {
  const bytes = text.length * 2;
  return bytes <= ONE_PART ? 1 : Math.ceil(bytes / EACH_PART);
}

/** Every text of every template that the rule names. `citizenFields`: fields that the agency may use, each with a value. */
export function renderedTexts(
  catalogue: TemplateCatalogue,
  rule: Rule,
  event: Readonly<Record<string, unknown>>,
  citizenFields: ReadonlyMap<string, string | number | boolean>,
): readonly RenderedText[] {
  const deadline = deadlineOf(rule, event, WORKING_DAYS);
  const values = (locale: string): TemplateValues => ({
    event,
    citizen: Object.fromEntries(citizenFields),
    deadline,
    ...(rule.action === undefined ? {} : { action: rule.action }),
    agency: catalogue.agencyName(rule.agency, locale),
    code: CODE,
    old: { deadline, event },
  });
  return [...catalogue.templates.values()].flatMap((template) =>
    template.texts.map(({ file, channel, locale, reach }): RenderedText => {
      const text = { template: template.name, file, channel, locale, reach };
      try {
        const content = renderContent(template, { channel, locale, reach, values: values(locale) });
        const sms = content.channel === 'sms' ? measureSms(content.text) : null;
        return {
          ...text,
          content,
          fault: null,
          sms:
            content.channel === 'sms' && sms !== null
              ? { bytes: sms.bytes, kind: sms.kind, parts: partsOf(content.text) }
              : null,
        };
      } catch (error) {
        return { ...text, content: null, fault: messageOf(error), sms: null };
      }
    }),
  );
}
