/**
 * Email over SMTP (RFC 5321): a small pool of nodemailer's connections, one message at a time on each. A message counts from its final dot:
 * lost before that had left, nothing was sent, for a server must forget what was cut off; lost after it, nobody knows.
 * Message-ID is `<delivery id@domain>`, so the same delivery sent twice can be told apart from two.
 */
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { type Clock, systemClock } from '../../domain/clock.ts';
import { AllimError } from '../../domain/errors.ts';
import type { DeliveryId } from '../../domain/ids.ts';
import { type Logger, silentLogger } from '../../domain/logger.ts';
import { mark } from '../../domain/marks.ts';
import { paced } from '../../domain/pace.ts';
import { Flights, judged, SESSION_LOST, type Verdict, waitIn } from './calls.ts';
import { composeMail, isMailbox } from './mime.ts';
import type { Outcome, OutgoingDelivery, Provider } from './provider.ts';

export type EmailOptions = {
  /** smtp://user:password@host:port or smtps://…; with `?requireTLS=true` a server that offers no STARTTLS gets no mail. */
  readonly url: string;
  readonly from: { readonly name: string; readonly address: string };
  /** Right side of Message-IDs; the sender's domain unless told. */
  readonly domain?: string;
  /** Envelope sender of one call, so that what bounces says by its recipient what it is of; `from` unless told. */
  readonly envelopeSender?: (delivery: DeliveryId, attempt: number) => string;
  /** Connections, and so calls in flight. */
  readonly window?: number;
  readonly connectTimeoutMs?: number;
  /** Silence on the connection; RFC 5321 §4.5.3.2.6 wants ten minutes after the final dot. */
  readonly answerTimeoutMs?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
};

/** `stage code` → verdict. The stage says whose fault it is: of a sender ours, of a recipient the address's, of a message ours again. */
const ANSWERS: Readonly<Record<string, Verdict>> = {
  'mail 421': 'temporary',
  'mail 450': 'temporary',
  'mail 451': 'temporary',
  'mail 452': 'temporary',
  'mail 500': 'technical',
  'mail 501': 'technical',
  'mail 503': 'technical',
  'mail 530': 'technical',
  'mail 550': 'technical',
  'mail 552': 'technical',
  'mail 553': 'technical',
  'mail 554': 'technical',
  'mail 555': 'technical',
  'rcpt 421': 'temporary',
  'rcpt 450': 'temporary',
  'rcpt 451': 'temporary',
  'rcpt 452': 'temporary',
  'rcpt 500': 'technical',
  'rcpt 501': 'permanent',
  'rcpt 503': 'technical',
  'rcpt 530': 'technical',
  'rcpt 550': 'permanent',
  'rcpt 551': 'permanent',
  // A full mailbox; RFC 5321 §4.5.3.1.10 asks to read it as 452.
  'rcpt 552': 'temporary',
  'rcpt 553': 'permanent',
  'rcpt 554': 'permanent',
  'rcpt 555': 'technical',
  'rcpt 556': 'permanent',
  'data 421': 'temporary',
  'data 450': 'temporary',
  'data 451': 'temporary',
  'data 452': 'temporary',
  'data 500': 'technical',
  'data 503': 'technical',
  'data 550': 'technical',
  'data 552': 'technical',
  'data 554': 'technical',
};
/** Enhanced codes (RFC 3463) that say more than the code they come with, at the rcpt and data stages. */
const ENHANCED: Readonly<Record<string, Verdict>> = {
  '5.1.1': 'permanent',
  '5.1.2': 'permanent',
  '5.1.3': 'permanent',
  '5.1.6': 'permanent',
  '5.1.10': 'permanent',
  '5.2.1': 'permanent',
  '5.2.2': 'temporary',
  '5.7.1': 'technical',
  '5.7.25': 'technical',
  '5.7.26': 'technical',
};
/** nodemailer's codes while a connection is being made. */
const CONNECTING: Readonly<Record<string, Verdict>> = {
  EAUTH: 'technical',
  ECONNECTION: 'temporary',
  EDNS: 'temporary',
  EPROTOCOL: 'temporary',
  ESOCKET: 'temporary',
  ETIMEDOUT: 'temporary',
  ETLS: 'temporary',
};

type SmtpError = Error & {
  readonly code?: string | undefined;
  readonly command?: string | undefined;
  readonly responseCode?: number | undefined;
  readonly response?: string | undefined;
  readonly syscall?: string | undefined;
};
/** Answers no longer belong to what was said; the connection is given up and the mail goes over another. */
const OUT_OF_STEP: Outcome = { kind: 'temporary', code: 'out-of-step' };
const STAGES: Readonly<Record<string, string>> = { 'MAIL FROM': 'mail', 'RCPT TO': 'rcpt', DATA: 'data' };

export function createEmailProvider(options: EmailOptions): Provider {
  const { from, window = 20, connectTimeoutMs = paced(10_000), answerTimeoutMs = paced(600_000) } = options;
  const clock = options.clock ?? systemClock;
  const logger = options.logger ?? silentLogger;
  const url = URL.parse(options.url);
  if (!url || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '')
    throw new AllimError('config-invalid', 'SMTP_URL is not smtp://host:port or smtps://host:port');
  if (!isMailbox(from.address)) throw new AllimError('config-invalid', 'the sender is not a mail address');
  const domain = options.domain ?? from.address.slice(from.address.indexOf('@') + 1);
  const secure = url.protocol === 'smtps:';
  const user = decodeURIComponent(url.username);
  const pass = decodeURIComponent(url.password);
  const server = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 465 : 587) : Number(url.port),
    secure,
    requireTLS: url.searchParams.get('requireTLS') === 'true',
    connectionTimeout: connectTimeoutMs,
    greetingTimeout: Math.max(connectTimeoutMs, paced(30_000)),
    socketTimeout: answerTimeoutMs,
  };
  const flights = new Flights();
  const idle: SMTPConnection[] = [];

  function open(): Promise<SMTPConnection> {
    return new Promise((resolve, reject) => {
      const connection = new SMTPConnection(server);
      connection.on('error', reject);
      connection.on('end', () => {
        const at = idle.indexOf(connection);
        if (at >= 0) idle.splice(at, 1);
        reject(Object.assign(new Error('the server closed the connection'), { code: 'ECONNECTION' }));
      });
      connection.connect((error) => {
        if (error) return reject(error);
        if (user === '') return resolve(connection);
        return connection.login({ user, pass, credentials: { user, pass } }, (failure) => {
          if (!failure) return resolve(connection);
          connection.close();
          return reject(failure);
        });
      });
    });
  }

  /** A connection goes back after a message, or after a refusal that a reset clears; else it is closed. */
  function release(connection: SMTPConnection, clean: boolean): void {
    if (clean) return void idle.push(connection);
    connection.reset((error) => {
      if (error) connection.close();
      else idle.push(connection);
    });
  }

  function answer(error: SmtpError): Outcome {
    const stage = STAGES[error.command ?? ''] ?? 'mail';
    const enhanced = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})/.exec(error.response ?? '')?.[1];
    if (stage !== 'mail' && enhanced !== undefined && Object.hasOwn(ENHANCED, enhanced))
      return judged(ENHANCED, enhanced, logger, 'email', waitIn(error.response));
    return judged(ANSWERS, `${stage} ${error.responseCode}`, logger, 'email', waitIn(error.response));
  }

  function transmit(
    connection: SMTPConnection,
    sender: string,
    to: string,
    message: Buffer,
    mayCall: () => boolean,
  ): Promise<Outcome> {
    return new Promise((settle) => {
      /** The final dot has been given to the connection. */
      let ended = false;
      // nodemailer asks for the message with `pipe` once the server has answered DATA: only then do its bytes leave.
      const source = {
        pipe(stream: NodeJS.ReadWriteStream) {
          // The library takes 250 for a go-ahead as well. That is the answer before this one, given twice.
          const inStep = String(connection.lastServerResponse).startsWith('354');
          if (!inStep || !mayCall()) {
            // Closing on purpose is no error to the library, so it will not call back.
            connection.close();
            settle(inStep ? SESSION_LOST : OUT_OF_STEP);
            return;
          }
          stream.once('end', () => {
            ended = true;
            mark('call:sent');
          });
          stream.end(message);
        },
      };
      const envelope = { from: sender, to: [to], size: message.length };
      connection.send(envelope, source as unknown as Buffer, (error: SmtpError | null, info) => {
        if (!error) {
          release(connection, true);
          return settle({ kind: 'accepted', reference: info.response.slice(0, 200) });
        }
        if (ended && error.responseCode !== undefined && error.responseCode < 400) {
          connection.close();
          return settle({ kind: 'unknown', code: 'out-of-step' });
        }
        if (error.responseCode !== undefined) {
          if (error.responseCode === 421 || error.command === 'CONN') connection.close();
          else release(connection, false);
          return settle(answer(error));
        }
        connection.close();
        const code = error.code ?? 'ESOCKET';
        // A write that failed was the last one, and the dot is at the end of it.
        const flushed = ended && error.syscall !== 'write';
        // A message over the server's announced SIZE is refused by the library, before anything is sent.
        if (code === 'EMESSAGE' && !flushed) return settle({ kind: 'technical', code: 'message-too-large' });
        if (code === 'EENVELOPE' && !flushed) return settle({ kind: 'permanent', code: 'address-invalid' });
        return settle(flushed ? { kind: 'unknown', code } : judged(CONNECTING, code, logger, 'email'));
      });
    });
  }

  async function send(delivery: OutgoingDelivery, mayCall: () => boolean): Promise<Outcome> {
    const { content, address } = delivery;
    if (content.channel !== 'email') return { kind: 'technical', code: 'content-mismatch' };
    if (!isMailbox(address)) return { kind: 'permanent', code: 'address-invalid' };
    const messageId = `${delivery.delivery}@${domain}`;
    const { subject, text, html, unsubscribe } = content;
    const dateMs = clock.nowMs();
    const message = composeMail({ from, to: address, messageId, dateMs, subject, text, html, unsubscribe });
    let connection: SMTPConnection;
    try {
      connection = idle.pop() ?? (await open());
    } catch (error) {
      return judged(CONNECTING, (error as SmtpError).code ?? 'ESOCKET', logger, 'email');
    }
    const id = delivery.delivery as DeliveryId;
    const sender = options.envelopeSender?.(id, delivery.attempt) ?? from.address;
    return transmit(connection, sender, address, message, mayCall);
  }

  return {
    name: 'smtp',
    channel: 'email',
    window,
    repeats: 'recognised',
    async start() {},
    async stop() {
      await flights.idle();
      for (const connection of idle.splice(0)) connection.quit();
    },
    send: (delivery, mayCall) => flights.track(send(delivery, mayCall)),
  };
}
