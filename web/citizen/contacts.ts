/**
 * Addresses that a citizen proves by typing what was sent there. A code is sent by the ordinary provider of its channel, outside of fan-outs:
 * nothing of it is planned, repeated or kept but its hash (store/contact-codes.ts). Neither address nor code is ever logged.
 */
import { randomInt, randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isTextable } from '../../domain/kr/telephone.ts';
import { normalAddress } from '../../producers/citizen-body.ts';
import {
  CODE_MINUTES,
  CODE_TRIES,
  type CodeChannel,
  openCode,
  startCode,
  tryCode,
} from '../../store/contact-codes.ts';
import { removeOwnContact } from '../../store/own-choices.ts';
import { readStopScopes } from '../../store/stops.ts';
import { readForm } from '../pages/forms.ts';
import type { ChoicesPage } from './choices.ts';
import type { Reader, Show, ShowParts } from './show.ts';

/** Calls the provider of a channel once. False where it did not take it. */
export type SendCode = (given: {
  readonly id: string;
  readonly channel: CodeChannel;
  readonly address: string;
  readonly subject: string;
  readonly text: string;
  readonly lang: string;
  readonly expiresAtMs: number;
}) => Promise<boolean>;

export type ContactsParts = ShowParts & {
  readonly show: Show;
  readonly sendCode: SendCode;
  /** Where nothing leaves the machine, what would have: a demonstration has no telephone to look at. Null elsewhere, and in production. */
  readonly shownCode: ((id: string) => Promise<string | null>) | null;
  readonly choicesPage: ChoicesPage;
};

const CITIZEN = { permission: 'citizen', signIn: 'citizen' } as const;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const CODE_DIGITS = 6;

/** In normal form; null where a code cannot be sent to it. */
function readAddress(channel: CodeChannel, typed: string): string | null {
  const address = normalAddress(channel, typed);
  return address === null || (channel === 'sms' && !isTextable(address)) ? null : address;
}

export function mountContacts(app: FastifyInstance, parts: ContactsParts): void {
  const { pool, sealer, clock, logger, show } = parts;

  app.post('/me/contacts', { config: CITIZEN }, async (request, reply) => {
    const reader = show.readerOf(request);
    const { t, citizen } = reader;
    const form = readForm(request.body);
    const channel: CodeChannel = form.text('channel') === 'email' ? 'email' : 'sms';
    const typed = form.text('address');
    const refuse = (text: string, status = 422) =>
      parts.choicesPage(request, reply, reader, { part: channel, text, typed, status });
    const address = readAddress(channel, typed);
    if (address === null) return refuse(channel === 'sms' ? t.contacts.wrongSms : t.contacts.wrongEmail);
    // A stop of everything or of the channel is a stop of codes too.
    const stops = await readStopScopes(pool);
    if (stops.includes('all') || stops.includes(`channel:${channel}`)) return refuse(t.contacts.notSent);
    const id = randomUUID();
    const code = String(randomInt(10 ** CODE_DIGITS)).padStart(CODE_DIGITS, '0');
    const nowMs = clock.nowMs();
    const started = await startCode(pool, sealer, { id, citizen, channel, address, code }, nowMs);
    if (started !== 'started') {
      reply.header('retry-after', started.waitSeconds);
      return refuse(t.contacts.tooMany, 429);
    }
    const text = t.contacts.message(code);
    const sent = await parts.sendCode({
      id,
      channel,
      address,
      subject: t.contacts.subject,
      text,
      lang: reader.lang,
      expiresAtMs: nowMs + CODE_MINUTES * 60_000,
    });
    logger.info({ citizen, channel, sent }, 'a code was asked for');
    return sent ? reply.redirect(`/me/contacts/${id}`, 303) : refuse(t.contacts.notSent);
  });

  async function codePage(
    request: FastifyRequest,
    reply: FastifyReply,
    reader: Reader,
    id: string,
    fault = '',
  ): Promise<FastifyReply> {
    const { t, citizen } = reader;
    const open = UUID.test(id) ? await openCode(pool, sealer, citizen, id, clock.nowMs()) : undefined;
    const view = {
      open: open !== undefined,
      shown: open === undefined ? '' : ((await parts.shownCode?.(id)) ?? ''),
      action: `/me/contacts/${id}`,
      sent: open === undefined ? '' : t.contacts.codeSent(open.address),
      fault: open === undefined ? t.contacts.codeEnded : fault,
    };
    const status = view.fault === '' ? 200 : 422;
    return show.page(request, reply, reader, {
      name: 'code',
      place: 'choices',
      title: t.contacts.codeTitle,
      view,
      status,
    });
  }

  app.get('/me/contacts/:id', { config: CITIZEN }, async (request, reply) => {
    const { id } = request.params as { id: string };
    return codePage(request, reply, show.readerOf(request), id);
  });

  app.post('/me/contacts/:id', { config: CITIZEN }, async (request, reply) => {
    const reader = show.readerOf(request);
    const { id } = request.params as { id: string };
    const code = readForm(request.body).text('code').replaceAll(/\D/g, '');
    if (!UUID.test(id)) return codePage(request, reply, reader, id);
    // What is no code at all costs no try.
    if (code.length !== CODE_DIGITS) {
      const open = await openCode(pool, sealer, reader.citizen, id, clock.nowMs());
      return codePage(request, reply, reader, id, reader.t.contacts.codeWrong(open?.triesLeft ?? CODE_TRIES));
    }
    const tried = await tryCode(pool, sealer, { id, citizen: reader.citizen, code }, clock.nowMs());
    if (tried.kind === 'right') return reply.redirect('/me/choices?said=code#contacts', 303);
    const fault = tried.kind === 'wrong' ? reader.t.contacts.codeWrong(tried.triesLeft) : '';
    return codePage(request, reply, reader, id, fault);
  });

  app.post('/me/contacts/remove', { config: CITIZEN }, async (request, reply) => {
    const { citizen } = show.readerOf(request);
    const id = readForm(request.body).text('id');
    if (UUID.test(id)) await removeOwnContact(pool, citizen, id);
    return reply.redirect('/me/choices?said=removed#contacts', 303);
  });
}
