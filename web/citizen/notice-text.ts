/**
 * What a notice says, in the words that were sent: its template's own text, in the reader's language where the template has it, else in the
 * one that it was planned in. The inbox is signed in, so what is sensitive is said here and nowhere else.
 */
import { LRUCache } from 'lru-cache';
import type { CloudEvent } from '../../domain/event.ts';
import { inLocale } from '../../domain/locales.ts';
import type { Rule } from '../../domain/rule.ts';
import type { Channel } from '../../domain/statuses.ts';
import type { WorkingDays } from '../../domain/timeline.ts';
import type { Catalogue } from '../../store/catalogue.ts';
import type { CitizenNotice } from '../../store/citizen-notices.ts';
import { parseTemplate, renderContent, type Template } from '../../templates/catalogue.ts';
import { noticeDeadline, noticeValues } from '../../templates/notice-values.ts';

export type NoticeText = {
  readonly rule: Rule;
  /** Of the text; the page around it may have another. */
  readonly lang: string;
  readonly title: string;
  /** Paragraphs of lines. */
  readonly paragraphs: readonly (readonly string[])[];
  /** As a text message or an app notification said it: what the public check shows. */
  readonly short: () => string;
  readonly deadline: string | null;
  /** Of a correction: the deadline that was told before. */
  readonly previousDeadline: string | null;
  readonly sensitive: boolean;
};

/** What a text is made from; a notice of the inbox has it all. */
export type Told = Pick<
  CitizenNotice,
  'id' | 'agency' | 'rule' | 'ruleVersion' | 'template' | 'locale' | 'reach' | 'values'
> & { readonly body: CloudEvent; readonly previous: CloudEvent | null };

export type TextParts = { readonly catalogue: Catalogue; readonly calendar: WorkingDays };

const CACHED_TEMPLATES = 500;
/** The fullest first. */
const FULL: readonly Channel[] = ['email', 'push', 'sms'];
const SHORT: readonly Channel[] = ['sms', 'push', 'email'];

export function createNoticeTexts({ catalogue, calendar }: TextParts) {
  const templates = new LRUCache<number, Template>({ max: CACHED_TEMPLATES });

  async function templateOf(id: number): Promise<Template> {
    let found = templates.get(id);
    if (found === undefined) {
      const { name, files } = (await catalogue.template(id)) as {
        name: string;
        files: Record<string, string>;
      };
      found = parseTemplate(name, files);
      templates.set(id, found);
    }
    return found;
  }

  /** Throws where its rule or template is gone or no longer fits its event. */
  return async function textOf(notice: Told, wanted: string): Promise<NoticeText> {
    const live = await catalogue.ruleVersion(notice.rule, notice.ruleVersion);
    if (live === undefined) throw new Error('the rule of a notice is not in the ledger');
    const template = await templateOf(notice.template);
    const { agencies, localeFallbacks } = catalogue.current();
    const has = (lang: string, channel: Channel) => template.byKey.has(`${lang}.${channel}.${notice.reach}`);
    const lang = FULL.some((channel) => has(wanted, channel)) ? wanted : notice.locale;
    const { rule } = live;
    const deadline = noticeDeadline(rule, notice.values, notice.body, calendar);
    const values = noticeValues({
      notification: notice.id,
      rule,
      event: notice.body,
      previous: notice.previous ?? undefined,
      values: notice.values,
      deadline,
      agency: inLocale(agencies.get(notice.agency)?.name, lang, localeFallbacks) ?? notice.agency,
      calendar,
    });
    const contentOn = (order: readonly Channel[]) => {
      const channel = order.find((one) => has(lang, one)) ?? order[0]!;
      return renderContent(template, { channel, locale: lang, reach: notice.reach, values });
    };
    const full = contentOn(FULL);
    // A sensitive template's app notification says only that there is something.
    const headed = template.sensitive || !has(lang, 'push') ? full : contentOn(['push']);
    const paragraphs = (full.channel === 'push' ? full.body : full.text)
      .split(/\n{2,}/)
      // The code has a place of its own on every page.
      .map((paragraph) =>
        paragraph.split('\n').filter((line) => line.trim() !== '' && !line.includes(values.code)),
      )
      .filter((lines) => lines.length > 0);
    return {
      rule,
      lang,
      title:
        headed.channel === 'email'
          ? headed.subject
          : headed.channel === 'push'
            ? headed.title
            : (inLocale(rule.title, lang, localeFallbacks) ?? rule.id),
      paragraphs,
      short() {
        const content = contentOn(SHORT);
        return content.channel === 'push' ? `${content.title}\n${content.body}` : content.text;
      },
      deadline,
      previousDeadline: values.old?.deadline ?? null,
      sensitive: template.sensitive,
    };
  };
}

export type NoticeTexts = ReturnType<typeof createNoticeTexts>;
