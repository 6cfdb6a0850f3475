/**
 * The code check: a code and the last four digits of the number that got it, and the true text is shown. What is wrong and what is unknown are
 * told alike, after the same time: the page must not say which codes exist, nor whose number ends how.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { dayOf } from '../../domain/clock.ts';
import { messageOf } from '../../domain/errors.ts';
import { HELP_LINES } from '../../domain/kr/help-lines.ts';
import { inLocale } from '../../domain/locales.ts';
import type { Metrics } from '../../domain/metrics.ts';
import { parseShortCode } from '../../domain/short-code.ts';
import { noticeOf } from '../../store/citizen-notices.ts';
import { noticesByCode } from '../../store/notice-codes.ts';
import { ownContacts } from '../../store/own-choices.ts';
import { createFailures } from '../api/failures.ts';
import { createNoticeTexts } from '../citizen/notice-text.ts';
import { dayWord } from '../citizen/notice-view.ts';
import { readForm } from '../pages/forms.ts';
import type { PublicParts, ShowPublic } from './routes.ts';

export type CheckParts = PublicParts & { readonly metrics?: Metrics; readonly answerMs?: number };

const PUBLIC = { permission: 'public' } as const;
const CHECKS_A_MINUTE = 10;
/** Of one code, whoever asks and whether there is such a one: with a thousand addresses four digits are guessed in minutes. */
const OF_A_CODE = 20;
const OF_A_CODE_MS = 3_600_000;
/** Longer than finding and writing takes, so that neither shows. */
const ANSWER_MS = 400;

type Found = {
  readonly agency: string;
  readonly day: string;
  readonly lines: readonly string[];
  readonly lang: string;
};

export function mountCheck(app: FastifyInstance, parts: CheckParts, show: ShowPublic): void {
  const { pool, sealer, clock, catalogue, logger, metrics } = parts;
  const textOf = createNoticeTexts(parts);
  const checks = createFailures(CHECKS_A_MINUTE);
  const ofCode = createFailures(OF_A_CODE, () => performance.now(), OF_A_CODE_MS);
  const answerMs = parts.answerMs ?? ANSWER_MS;

  /** The newest notice of that code whose recipient has a number that ends so. */
  async function find(code: string, last: string, lang: string): Promise<Found | null> {
    for (const { id, recipient, agency } of await noticesByCode(pool, code)) {
      const numbers = await ownContacts(pool, sealer, recipient);
      if (!numbers.some((one) => one.channel === 'sms' && one.verified && one.address.endsWith(last)))
        continue;
      const notice = await noticeOf(pool, recipient, id);
      if (notice === undefined) continue;
      try {
        // As it was sent: in its own language, whoever reads the page.
        const text = await textOf(notice, notice.locale);
        const { agencies, localeFallbacks } = catalogue.current();
        return {
          agency: inLocale(agencies.get(agency)?.name, lang, localeFallbacks) ?? agency,
          day: dayWord(dayOf(Date.parse(notice.at)), lang, dayOf(clock.nowMs())),
          lines: text.short().split('\n'),
          lang: text.lang,
        };
      } catch (error) {
        logger.warn(
          { notification: id, err: messageOf(error) },
          'a notice could not be shown to who checked it',
        );
      }
    }
    return null;
  }

  type Answer = {
    readonly state: 'asked' | 'found' | 'none';
    readonly code?: string;
    readonly last?: string;
    readonly codeFault?: string;
    readonly lastFault?: string;
    readonly found?: Found;
    readonly tooMany?: 'tooMany' | 'tooManyOfCode';
  };

  function page(request: FastifyRequest, reply: FastifyReply, answer: Answer): FastifyReply {
    return show(request, reply, (t, lang) => {
      const agency = HELP_LINES.fraudAgency[lang === 'ko' || lang === 'vi' ? lang : 'en'];
      const { found } = answer;
      return {
        name: 'check',
        title: t.check.title,
        status: answer.tooMany ? 429 : answer.codeFault || answer.lastFault ? 422 : 200,
        view: {
          asked: answer.state === 'asked',
          found: found ?? null,
          foundText: found === undefined ? '' : t.check.found(found.agency, found.day),
          none: answer.state === 'none',
          tooMany: answer.tooMany === undefined ? '' : t.check[answer.tooMany],
          code: answer.code ?? '',
          last: answer.last ?? '',
          codeFault: answer.codeFault ?? '',
          lastFault: answer.lastFault ?? '',
          report: t.check.report(HELP_LINES.fraud, agency),
        },
      };
    });
  }

  app.get('/check', { config: PUBLIC }, async (request, reply) => page(request, reply, { state: 'asked' }));

  app.post('/check', { config: PUBLIC }, async (request, reply) => {
    const startedMs = performance.now();
    const { t, lang } = show.languageOf(request);
    const form = readForm(request.body);
    const typed = { code: form.text('code').slice(0, 20), last: form.text('last').slice(0, 8) };
    const code = parseShortCode(typed.code);
    const last = /^\d{4}$/.test(typed.last) ? typed.last : null;
    const here = checks.waitSeconds(request.ip);
    const wait = here ?? (code === null ? null : ofCode.waitSeconds(code));
    if (wait !== null) {
      metrics?.add('code_checks', { outcome: 'limited' });
      reply.header('retry-after', wait);
      return page(request, reply, {
        state: 'asked',
        ...typed,
        tooMany: here === null ? 'tooManyOfCode' : 'tooMany',
      });
    }
    // Every check counts, right or wrong: what is counted must not tell either.
    checks.begin(request.ip);
    if (code === null || last === null)
      return page(request, reply, {
        state: 'asked',
        ...typed,
        codeFault: code === null ? t.check.wrongCode : '',
        lastFault: last === null ? t.check.wrongLast : '',
      });
    ofCode.begin(code);
    const found = await find(code, last, lang);
    metrics?.add('code_checks', { outcome: found === null ? 'none' : 'found' });
    const tookMs = performance.now() - startedMs;
    // To the next whole portion: what takes longer than one does not tell by how much.
    await delay(Math.ceil(tookMs / answerMs) * answerMs - tookMs);
    return page(request, reply, found === null ? { state: 'none' } : { state: 'found', found });
  });
}
