/**
 * SMS over SMPP 3.4: one transceiver bind, a window of submit_sm, and a binding that is kept and made anew. Text is UCS-2: the SMSC turns it
 * into what the handset's carrier speaks. SMPP has no reference of ours: an answer that does not come leaves an unknown message id behind.
 * Receipts come on the same binding and are acknowledged when they are stored, so the SMSC keeps what we could not take.
 */
import smpp, { type Pdu, type Session } from 'smpp';
import { AllimError, messageOf } from '../../domain/errors.ts';
import { isTextable } from '../../domain/kr/telephone.ts';
import { type Logger, silentLogger } from '../../domain/logger.ts';
import { mark } from '../../domain/marks.ts';
import { paced } from '../../domain/pace.ts';
import { Flights, judged, SESSION_LOST, type Verdict } from './calls.ts';
import type { Outcome, OutgoingDelivery, Provider } from './provider.ts';
import { isReceipt, readReceipt, type SmppReceipt } from './smpp-receipt.ts';

export type SmsReceipts = {
  /** Resolves when it is kept which delivery this id is of; never rejects. */
  accepted(reference: string, delivery: OutgoingDelivery): Promise<void>;
  /** Resolves when stored. */
  received(receipt: SmppReceipt): Promise<void>;
  /** One that cannot be read. */
  refused(): void;
};

export type SmsOptions = {
  /** smpp://systemId:password@host:port, or ssmpp:// with TLS. */
  readonly url: string;
  /** The registered sender number, as the carrier wants it. */
  readonly source: string;
  readonly window?: number;
  readonly answerTimeoutMs?: number;
  readonly enquireMs?: number;
  /** First pause before binding anew; doubles up to 30 s. */
  readonly reconnectMs?: number;
  /** Without it no receipts are asked for. */
  readonly receipts?: SmsReceipts;
  readonly logger?: Logger;
};

/** command_status by its name → verdict (SMPP 3.4 §5.1.3). */
const ANSWERS: Readonly<Record<string, Verdict>> = {
  ESME_RINVMSGLEN: 'technical',
  ESME_RINVCMDLEN: 'technical',
  ESME_RINVCMDID: 'technical',
  ESME_RINVBNDSTS: 'temporary',
  ESME_RSYSERR: 'temporary',
  ESME_RINVSRCADR: 'technical',
  ESME_RINVDSTADR: 'permanent',
  ESME_RMSGQFUL: 'temporary',
  ESME_RINVSERTYP: 'technical',
  ESME_RINVESMCLASS: 'technical',
  ESME_RSUBMITFAIL: 'temporary',
  ESME_RINVSRCTON: 'technical',
  ESME_RINVSRCNPI: 'technical',
  ESME_RINVDSTTON: 'technical',
  ESME_RINVDSTNPI: 'technical',
  ESME_RTHROTTLED: 'temporary',
  ESME_RINVSCHED: 'technical',
  ESME_RINVEXPIRY: 'technical',
  ESME_RX_T_APPN: 'temporary',
  ESME_RX_P_APPN: 'permanent',
  ESME_RX_R_APPN: 'technical',
  ESME_RINVTLVSTREAM: 'technical',
  ESME_RTLVNOTALLWD: 'technical',
  ESME_RINVTLVLEN: 'technical',
  ESME_RINVTLVVAL: 'technical',
  ESME_RDELIVERYFAILURE: 'temporary',
  ESME_RUNKNOWNERR: 'temporary',
};
const NAMES = new Map(Object.entries(smpp.errors).map(([name, code]) => [code, name]));
/** A throttled SMSC says no more than that; a second is the unit its limits are counted in. */
const THROTTLED_MS = paced(1_000);
/** Octets that fit the length byte of short_message; longer text travels in message_payload. */
const SHORT_MESSAGE_OCTETS = 254;
const UCS2 = 8;

function ucs2(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

/** SMPP's absolute time, UTC: YYMMDDhhmmsstnnp. */
function smppTime(instantMs: number): string {
  const at = new Date(instantMs).toISOString();
  return `${at.slice(2, 19).replaceAll(/[-T:]/g, '')}000+`;
}

function international(number: string): { address: string; ton: number; npi: number } {
  return number.startsWith('+')
    ? { address: number.slice(1), ton: 1, npi: 1 }
    : { address: number, ton: 2, npi: 1 };
}

export function createSmsProvider(options: SmsOptions): Provider {
  const {
    window = 20,
    answerTimeoutMs = paced(60_000),
    enquireMs = paced(30_000),
    reconnectMs = paced(500),
  } = options;
  const { receipts } = options;
  const logger = options.logger ?? silentLogger;
  const url = URL.parse(options.url);
  if (!url || !['smpp:', 'ssmpp:'].includes(url.protocol) || url.hostname === '')
    throw new AllimError('config-invalid', 'SMS_URL is not smpp://host:port or ssmpp://host:port');
  const tls = url.protocol === 'ssmpp:';
  const server = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || (tls ? 3550 : 2775)),
    tls,
  };
  const login = {
    system_id: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    interface_version: 0x34,
  };
  const source = international(options.source);
  const flights = new Flights();
  /** Submits that wait for an answer on the session of now; the library forgets them when it closes. */
  const waiting = new Set<(code: string) => void>();
  let session: Session | null = null;
  let bound = false;
  let stopped = true;
  let pauseMs = reconnectMs;
  let timer: NodeJS.Timeout | undefined;
  let enquiry: NodeJS.Timeout | undefined;

  function bind(): Promise<void> {
    return new Promise((attempted) => {
      const opened = smpp.connect(server);
      session = opened;
      opened.socket.setNoDelay(true);
      const deadline = setTimeout(() => opened.destroy(), 10_000);
      opened.on(tls ? 'secureConnect' : 'connect', () => {
        opened.send(new smpp.PDU('bind_transceiver', login), (answer) => {
          clearTimeout(deadline);
          if (answer.command_status !== 0) {
            logger.error(
              { provider: 'sms', code: NAMES.get(answer.command_status) },
              'the SMSC refused the bind',
            );
            return opened.destroy();
          }
          bound = true;
          pauseMs = reconnectMs;
          enquiry = setInterval(() => enquire(opened), enquireMs).unref();
          attempted();
        });
      });
      opened.on('pdu', (pdu) => reply(opened, pdu));
      opened.on('error', (error) => {
        logger.warn({ provider: 'sms', reason: messageOf(error) }, 'the SMPP session failed');
        // After a PDU it cannot read the library reads nothing more.
        opened.destroy();
      });
      opened.on('close', () => {
        clearTimeout(deadline);
        clearInterval(enquiry);
        bound = false;
        for (const lose of [...waiting]) lose('connection-lost');
        attempted();
        if (stopped) return;
        timer = setTimeout(() => void bind(), pauseMs).unref();
        pauseMs = Math.min(paced(30_000), pauseMs * 2);
      });
    });
  }

  /** A link that stays silent for one interval is dead, whatever TCP believes. */
  function enquire(on: Session): void {
    const deadline = setTimeout(() => on.destroy(), Math.min(enquireMs, 10_000)).unref();
    if (!on.send(new smpp.PDU('enquire_link'), () => clearTimeout(deadline))) on.destroy();
  }

  function reply(on: Session, pdu: Pdu): void {
    if (pdu.isResponse()) return;
    if (pdu.command === 'enquire_link') on.send(pdu.response());
    else if (pdu.command === 'unbind') on.send(pdu.response());
    else if (receipts !== undefined && isReceipt(pdu)) void receive(on, pdu, receipts);
    // What a person writes back, and anything else: nobody here reads it, now or later.
    else on.send(pdu.response({ command_status: smpp.errors['ESME_RX_R_APPN'] }));
  }

  async function receive(on: Session, pdu: Pdu, { received, refused }: SmsReceipts): Promise<void> {
    const receipt = readReceipt(pdu);
    if (receipt === null) {
      logger.warn({ provider: 'sms' }, 'a receipt without an id or a state was refused');
      refused();
      on.send(pdu.response({ command_status: smpp.errors['ESME_RX_R_APPN'] }));
      return;
    }
    try {
      await received(receipt);
      on.send(pdu.response({ command_status: 0 }));
    } catch (error) {
      logger.warn({ provider: 'sms', reason: messageOf(error) }, 'a receipt stays with the SMSC');
      on.send(pdu.response({ command_status: smpp.errors['ESME_RX_T_APPN'] }));
    }
  }

  function submit(delivery: OutgoingDelivery, text: string, mayCall: () => boolean): Promise<Outcome> {
    const target = international(delivery.address);
    const message = ucs2(text);
    const pdu = new smpp.PDU('submit_sm', {
      source_addr: source.address,
      source_addr_ton: source.ton,
      source_addr_npi: source.npi,
      destination_addr: target.address,
      dest_addr_ton: target.ton,
      dest_addr_npi: target.npi,
      data_coding: UCS2,
      // The end of it, whichever that is (§5.2.17); what happens on the way is not asked for.
      registered_delivery: receipts === undefined ? 0 : 1,
      priority_flag: delivery.urgent ? 1 : 0,
      ...(delivery.expiresAtMs === null ? {} : { validity_period: smppTime(delivery.expiresAtMs) }),
      ...(message.length <= SHORT_MESSAGE_OCTETS ? { short_message: message } : { message_payload: message }),
    });
    return new Promise((resolve) => {
      const on = session;
      /** The operating system has it. */
      let flushed = false;
      const settle = (outcome: Outcome): void => {
        clearTimeout(deadline);
        if (waiting.delete(lose)) resolve(outcome);
      };
      const lose = (code: string): void =>
        settle(flushed ? { kind: 'unknown', code } : { kind: 'temporary', code: 'not-written' });
      /** The answer is here, whatever becomes of the session while its id is written down. */
      const accepted = async (reference: string | null): Promise<void> => {
        clearTimeout(deadline);
        if (!waiting.delete(lose)) return;
        if (reference !== null && reference !== '') await receipts?.accepted(reference, delivery);
        resolve({ kind: 'accepted', reference });
      };
      const deadline = setTimeout(() => lose('answer-timeout'), answerTimeoutMs);
      waiting.add(lose);
      if (!mayCall()) return settle(SESSION_LOST);
      try {
        const written = on?.send(
          pdu,
          (answer) => {
            if (answer.command_status === 0) return void accepted(answer.message_id ?? null);
            const code = NAMES.get(answer.command_status) ?? `0x${answer.command_status.toString(16)}`;
            return settle(
              judged(ANSWERS, code, logger, 'sms', code === 'ESME_RTHROTTLED' ? THROTTLED_MS : undefined),
            );
          },
          // Also called where the write failed or the connection was given up before it.
          () => {
            flushed ||= !on.socket.destroyed && on.socket.errored === null;
          },
        );
        // As a rule it is written at once.
        flushed = on?.socket.writableLength === 0 && on.socket.errored === null;
        mark('call:sent');
        if (!written) settle({ kind: 'temporary', code: 'not-bound' });
      } catch (error) {
        // The library encodes before it writes: what it cannot encode has not left.
        logger.error({ provider: 'sms', reason: messageOf(error) }, 'a text could not be encoded');
        settle({ kind: 'technical', code: 'not-encodable' });
      }
    });
  }

  async function send(delivery: OutgoingDelivery, mayCall: () => boolean): Promise<Outcome> {
    if (delivery.content.channel !== 'sms') return { kind: 'technical', code: 'content-mismatch' };
    if (!isTextable(delivery.address)) return { kind: 'permanent', code: 'address-invalid' };
    if (!bound) return { kind: 'temporary', code: 'not-bound' };
    return submit(delivery, delivery.content.text, mayCall);
  }

  return {
    name: 'smpp',
    channel: 'sms',
    window,
    repeats: 'blind',
    /** Resolves after the first attempt, bound or not: an SMSC that is away must not keep the other channels from starting. */
    async start() {
      if (!stopped) return;
      stopped = false;
      await bind();
    },
    async stop() {
      if (stopped) return;
      stopped = true;
      clearTimeout(timer);
      await flights.idle();
      clearInterval(enquiry);
      const on = session;
      if (on && bound) on.send(new smpp.PDU('unbind'));
      on?.close();
    },
    send: (delivery, mayCall) => flights.track(send(delivery, mayCall)),
  };
}
