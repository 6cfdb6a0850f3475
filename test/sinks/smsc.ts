/** A short message service centre on loopback (npm smpp): binds, takes submit_sm, answers enquire_link. */
import type { AddressInfo, Server } from 'node:net';
import smpp, { type Pdu, type Session } from 'smpp';
import { Book, type Failure, type ReceiptPlan, type Sink, type SinkOptions } from './sink.ts';

const STATUSES: Partial<Record<Failure, string>> = {
  refuse: 'ESME_RMSGQFUL',
  permanent: 'ESME_RINVDSTADR',
  technical: 'ESME_RINVSRCADR',
  throttle: 'ESME_RTHROTTLED',
  broken: 'ESME_RSYSERR',
};

/** stat and message_state (SMPP 3.4 §5.2.28) of what a receipt says. */
const ENDS = {
  delivered: ['DELIVRD', 2, '000'],
  undeliverable: ['UNDELIV', 5, '001'],
  expired: ['EXPIRED', 3, '027'],
  delayed: ['ENROUTE', 1, '000'],
} as const;

export type SmscReceipt = {
  /** As the answer had it, or not. */
  readonly id: string;
  /** `+82…`. */
  readonly from: string;
  readonly says?: keyof typeof ENDS;
  readonly words?: string;
  /** The TLVs say it too; else the text alone. */
  readonly tlv?: boolean;
  /** YYMMDDhhmm of the end. */
  readonly doneAt?: string;
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
  /** Delivers a receipt on a binding; resolves to the command status of its acknowledgement, or rejects where nobody is bound. */
  deliver(receipt: SmscReceipt): Promise<number>;
  /** Receipts that were acknowledged, and those that were refused. */
  told(): { readonly taken: number; readonly refused: number };
  /** The same, at once and with a reset. */
  reset(): void;
};

export async function startSmscSink(options: SinkOptions = {}): Promise<SmscSink> {
  const book = new Book(options);
  const sessions = new Set<Session>();
  let count = 0;
  let binds = 0;

  const told = { taken: 0, refused: 0 };

  function deliver(receipt: SmscReceipt): Promise<number> {
    const session = [...sessions].at(-1);
    if (session === undefined) return Promise.reject(new Error('nobody is bound'));
    const { id, from, says = 'delivered', words = '', tlv = false, doneAt = '2607101201' } = receipt;
    const [stat, state, error] = ENDS[says];
    const text = `id:${id} sub:001 dlvrd:001 submit date:2607101200 done date:${doneAt} stat:${stat} err:${error} text:${words}`;
    const pdu = new smpp.PDU('deliver_sm', {
      source_addr: from.replace(/^\+/, ''),
      source_addr_ton: 1,
      source_addr_npi: 1,
      destination_addr: '15771000',
      esm_class: 4,
      data_coding: 1,
      short_message: Buffer.from(text, 'latin1'),
      ...(tlv ? { receipted_message_id: id, message_state: state } : {}),
    });
    return new Promise((resolve, reject) => {
      const lost = () => reject(new Error('the binding was lost'));
      session.once('close', lost);
      session.send(pdu, (answer) => {
        session.off('close', lost);
        if (answer.command_status === 0) told.taken++;
        else told.refused++;
        resolve(answer.command_status);
      });
    });
  }

  /** Until it is taken, as an SMSC does. */
  async function tell(receipt: SmscReceipt): Promise<void> {
    const status = await deliver(receipt).catch(() => -1);
    if (status !== 0 && status !== smpp.errors['ESME_RX_R_APPN']) book.later(200, () => tell(receipt));
  }

  async function report(plan: ReceiptPlan, hex: string, from: string, words: string): Promise<void> {
    const id = plan.radix === 10 ? String(Number.parseInt(hex, 16)) : hex;
    const says = plan.says ?? 'delivered';
    const right = { id, from, says, words, tlv: plan.radix === undefined };
    if (plan.lies === 'forged') void tell({ ...right, id: `f0f0f0${id}`, says: 'undeliverable', tlv: false });
    if (plan.lies === 'foreign')
      void tell({ ...right, from: '+821099999999', says: 'undeliverable', tlv: false });
    if (plan.when !== 'disorder') {
      await tell(right);
      if (plan.when === 'twice' || plan.lies === 'replayed') for (let n = 0; n < 3; n++) await tell(right);
      return;
    }
    await tell(right);
    await tell({ ...right, says: 'delayed' });
    if (says === 'delivered') await tell({ ...right, says: 'undeliverable', doneAt: '2607101300' });
  }

  function submit(session: Session, pdu: Pdu): void {
    const plan = book.next(`+${pdu.destination_addr}`);
    if (plan?.kind === 'hang') return;
    const status = plan ? STATUSES[plan.kind] : undefined;
    if (status !== undefined) {
      session.send(pdu.response({ command_status: smpp.errors[status] }));
      return;
    }
    const id = (++count).toString(16);
    // `id`: what the answer will say.
    const headers = { source: pdu.source_addr ?? '', coding: String(pdu.data_coding ?? ''), id };
    const text = textOf(pdu);
    if (text === '') book.violation('an empty message');
    book.accept({ channel: 'sms', address: `+${pdu.destination_addr}`, delivery: null, headers, text });
    const later = pdu.registered_delivery === 1 ? book.receipt() : null;
    const tellLater = () => report(later!, id, `+${pdu.destination_addr}`, text.slice(0, 20));
    const answer = () => void session.send(pdu.response({ message_id: id }));
    if (later?.when === 'late') book.later(later.lateMs ?? 0, tellLater);
    else if (later !== null && later.when !== 'before') book.later(0, tellLater);
    if (plan?.kind === 'cut') {
      if (later?.when === 'before') book.later(0, tellLater);
      session.destroy();
    }
    // Acknowledged or not: the answer follows.
    else if (later?.when === 'before') void tellLater().finally(answer);
    else if (plan?.kind === 'slow') setTimeout(answer, plan.ms);
    else answer();
    if (plan?.kind === 'twice') setTimeout(answer, plan.ms ?? 0);
  }

  const server: Server = smpp.createServer((session) => {
    sessions.add(session);
    // One for each receipt that is not acknowledged yet.
    session.setMaxListeners(0);
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
    receipts: (plan) => {
      book.plan = plan;
    },
    deliver,
    told: () => ({ ...told }),
    binds: () => binds,
    drop() {
      for (const session of sessions) session.destroy();
    },
    reset() {
      for (const session of sessions) session.socket.resetAndDestroy();
    },
    async stop() {
      for (const session of sessions) session.destroy();
      await new Promise((done) => server.close(done));
      await book.close();
    },
  };
}
