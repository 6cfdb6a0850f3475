/** A short message service centre on loopback (npm smpp): binds, takes submit_sm, answers enquire_link. */
import type { AddressInfo, Server } from 'node:net';
import smpp, { type Pdu, type Session } from 'smpp';
import { Book, type Failure, type Sink, type SinkOptions } from './sink.ts';

const STATUSES: Partial<Record<Failure, string>> = {
  refuse: 'ESME_RMSGQFUL',
  permanent: 'ESME_RINVDSTADR',
  technical: 'ESME_RINVSRCADR',
  throttle: 'ESME_RTHROTTLED',
  broken: 'ESME_RSYSERR',
};

function textOf(pdu: Pdu): string {
  const short = pdu.short_message?.message;
  const message = short !== undefined && short.length > 0 ? short : pdu.message_payload?.message;
  return typeof message === 'string' ? message : (message?.toString('latin1') ?? '');
}

export type SmscSink = Sink & {
  /** Binds accepted so far. */
  binds(): number;
  /** Drops every binding, as a maintenance would. */
  drop(): void;
};

export async function startSmscSink(options: SinkOptions = {}): Promise<SmscSink> {
  const book = new Book(options);
  const sessions = new Set<Session>();
  let count = 0;
  let binds = 0;

  function submit(session: Session, pdu: Pdu): void {
    const plan = book.next();
    if (plan?.kind === 'hang') return;
    const status = plan ? STATUSES[plan.kind] : undefined;
    if (status !== undefined) {
      session.send(pdu.response({ command_status: smpp.errors[status] }));
      return;
    }
    const headers = { source: pdu.source_addr ?? '', coding: String(pdu.data_coding ?? '') };
    const text = textOf(pdu);
    if (text === '') book.violation('an empty message');
    book.accept({ channel: 'sms', address: `+${pdu.destination_addr}`, delivery: null, headers, text });
    if (plan?.kind === 'cut') session.destroy();
    else session.send(pdu.response({ message_id: (++count).toString(16) }));
  }

  const server: Server = smpp.createServer((session) => {
    sessions.add(session);
    let bound = false;
    session.on('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
    session.on('pdu', (pdu) => {
      if (pdu.isResponse()) return;
      if (pdu.command.startsWith('bind_')) {
        bound = pdu.password !== 'wrong';
        if (bound) binds++;
        session.send(
          pdu.response(bound ? { system_id: 'sink' } : { command_status: smpp.errors['ESME_RINVPASWD'] }),
        );
      } else if (pdu.command === 'submit_sm' && bound) submit(session, pdu);
      else if (pdu.command === 'submit_sm')
        session.send(pdu.response({ command_status: smpp.errors['ESME_RINVBNDSTS'] }));
      else session.send(pdu.response());
    });
  });
  await new Promise<void>((done) => server.listen(options.port ?? 0, '127.0.0.1', () => done()));
  const { port } = server.address() as AddressInfo;
  return {
    url: `smpp://allim:secret@127.0.0.1:${port}`,
    port,
    received: book.received,
    violations: book.violations,
    fail: (plan) => book.fail(plan),
    binds: () => binds,
    drop() {
      for (const session of sessions) session.destroy();
    },
    async stop() {
      for (const session of sessions) session.destroy();
      await new Promise((done) => server.close(done));
      await book.close();
    },
  };
}
