/** A mail server on loopback (npm smtp-server). Every message is parsed by mailparser, in full, before it is accepted. */
import type { AddressInfo, Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { type BounceEnd, bounceOf } from './bounce.ts';
import { Book, type Failure, type ReceiptPlan, type Sink, type SinkOptions } from './sink.ts';
import { tell } from './tell.ts';

function answer(responseCode: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode });
}

/** Refusals at RCPT; `technical` is a refused sender, `broken` a refusal after the message. */
const AT_RCPT: Partial<Record<Failure, Error>> = {
  refuse: answer(451, '4.3.0 try later'),
  permanent: answer(550, '5.1.1 no such mailbox'),
  throttle: answer(452, '4.5.3 too many messages'),
};

/** What the receiving mail system sends back to the envelope's sender, and what ours makes of it: a pipe into the product. */
async function bounce(plan: ReceiptPlan, sender: string, recipient: string): Promise<void> {
  const post = async (to: string, end: BounceEnd) => {
    const status = await tell(`${plan.to}/receipts/email`, {
      method: 'POST',
      headers: { 'content-type': 'message/rfc822', authorization: `Bearer ${plan.token}` },
      body: bounceOf({ to, recipient, end }),
    });
    if (status !== 202) throw new Error(`a bounce was answered ${status}`);
  };
  if (plan.lies === 'forged') await post(sender.replace(/\.[0-9a-f]{16}@/, '.0123456789abcdef@'), 'hard');
  if (plan.lies === 'foreign') await post('somebody@example.kr', 'hard');
  const end = { delivered: 'delivered', undeliverable: 'hard', expired: 'soft', delayed: 'delayed' } as const;
  const times = plan.when === 'twice' || plan.lies === 'replayed' ? 4 : 1;
  for (let n = 0; n < times; n++) await post(sender, end[plan.says ?? 'delivered']);
  if (plan.when === 'disorder') await post(sender, 'delayed');
}
type Connection = { readonly session?: { readonly id: string }; readonly _socket?: Socket };

/** RFC 8058: where the mail says that mails like it are stopped, and how. */
function unsubscribing(lines: readonly { readonly key: string; readonly line: string }[]) {
  const names = ['list-unsubscribe', 'list-unsubscribe-post'];
  return Object.fromEntries(
    lines.flatMap(({ key, line }) =>
      names.includes(key) ? [[key, line.slice(line.indexOf(':') + 1).trim()]] : [],
    ),
  );
}

async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export async function startSmtpSink(options: SinkOptions = {}): Promise<Sink> {
  const book = new Book(options);
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    maxClients: 500,
    closeTimeout: 100,
    onMailFrom(_address, _session, done) {
      // Whoever it is for: a share of the addresses is not known yet.
      if (book.peek('') === 'technical') {
        book.next('');
        return done(answer(553, '5.7.1 sender refused'));
      }
      return done();
    },
    onRcptTo({ address }, _session, done) {
      const refusal = AT_RCPT[book.peek(address) ?? 'cut'];
      if (refusal) book.next(address);
      return done(refusal);
    },
    onData(stream, session, done) {
      void (async () => {
        const raw = await readAll(stream);
        const recipient = session.envelope.rcptTo[0]?.address ?? '';
        const plan = book.next(recipient);
        if (plan?.kind === 'hang') return;
        if (plan?.kind === 'broken') return done(answer(554, '5.6.0 message refused'));
        const mail = await simpleParser(raw, { skipImageLinks: true, skipTextToHtml: true });
        if (!mail.text || !mail.html || !mail.subject || !mail.date)
          book.violation('a mail lacks text, html, subject or date');
        book.accept({
          channel: 'email',
          address: recipient,
          delivery: mail.messageId ?? null,
          headers: {
            subject: mail.subject ?? '',
            from: mail.from?.text ?? '',
            html: mail.html || '',
            ...unsubscribing(mail.headerLines),
          },
          text: (mail.text ?? '').trim(),
        });
        const later = book.receipt();
        const from = session.envelope.mailFrom === false ? '' : (session.envelope.mailFrom.address ?? '');
        const report = () =>
          bounce(later!, from, recipient).catch((error: Error) => book.violation(error.message));
        if (later?.when === 'late') book.later(later.lateMs ?? 0, report);
        else if (later?.when === 'before') await report();
        else if (later !== null) book.later(0, report);
        const socket = [...(server.connections as Iterable<Connection>)].find(
          (connection) => connection.session?.id === session.id,
        )?._socket;
        if (plan?.kind === 'cut') return void socket?.destroy();
        if (plan?.kind === 'slow') await delay(plan.ms ?? 0);
        done(null);
        if (plan?.kind === 'twice')
          setTimeout(() => socket?.write('250 OK: once more\r\n', () => {}), plan.ms ?? 0);
      })().catch((error: Error) => {
        // Whoever sends may be killed in the midst of a mail: nothing wrong has come.
        if (!error.message.startsWith('Connection closed before')) book.violation(error.message);
        done(answer(451, 'the sink failed'));
      });
    },
  });
  server.on('error', () => {});
  await new Promise<void>((done) => server.listen(options.port ?? 0, '127.0.0.1', done));
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${port}`,
    port,
    received: book.received,
    violations: book.violations,
    fail: (plan) => book.fail(plan),
    receipts: (plan) => {
      book.plan = plan;
    },
    async stop() {
      await new Promise<void>((done) => server.close(done));
      await book.close();
    },
  };
}
