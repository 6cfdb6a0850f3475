/**
 * Delivery receipts of SMPP 3.4: a deliver_sm whose text is "id:… sub:… dlvrd:… submit date:… done date:… stat:… err:… text:…" (appendix B,
 * which every SMSC varies), or whose TLVs receipted_message_id and message_state say the same (§5.3.2.12, §5.3.2.35). The TLVs count first.
 */
import type { Pdu } from 'smpp';
import { toE164 } from '../../domain/kr/telephone.ts';
import type { ReceiptVerdict } from '../../domain/receipt.ts';

export type SmppReceipt = {
  readonly reference: string;
  /** It came in a TLV, where it is as the answer had it. */
  readonly exact: boolean;
  /** E.164 of the handset; null where it cannot be read. */
  readonly address: string | null;
  readonly state: string;
  readonly verdict: ReceiptVerdict;
  readonly errorCode: string | null;
  /** As it stands in the text; null where it does not. */
  readonly doneAt: string | null;
  readonly words: string | null;
};

/** message_state by its number (§5.2.28), as the text has it. */
const STATES: Readonly<Record<number, string>> = {
  1: 'ENROUTE',
  2: 'DELIVRD',
  3: 'EXPIRED',
  4: 'DELETED',
  5: 'UNDELIV',
  6: 'ACCEPTD',
  7: 'UNKNOWN',
  8: 'REJECTD',
};
/**
 * What each says. Undeliverable is for good as far as this text goes, yet says nothing against the number: carriers use it for a handset that
 * was off as well. ACCEPTD is read by somebody in the subscriber's place (§5.2.28), which is no handset.
 */
const VERDICTS: Readonly<Record<string, ReceiptVerdict>> = {
  DELIVRD: 'delivered',
  UNDELIV: 'permanent',
  REJECTD: 'permanent',
  EXPIRED: 'temporary',
  DELETED: 'temporary',
  ENROUTE: 'none',
  ACCEPTD: 'none',
  UNKNOWN: 'none',
};

/** esm_class bits 5 to 2 (§5.2.12): receipt, delivery acknowledgement of the handset, intermediate notification. */
const RECEIPT_KINDS = new Set([0x04, 0x08, 0x20]);
const KIND_BITS = 0x3c;
const INTERNATIONAL = 1;

export function isReceipt(pdu: Pdu): boolean {
  return pdu.command === 'deliver_sm' && RECEIPT_KINDS.has((pdu.esm_class ?? 0) & KIND_BITS);
}

function textOf(pdu: Pdu): string {
  const short = pdu.short_message?.message;
  const message = short !== undefined && short.length > 0 ? short : pdu.message_payload?.message;
  return typeof message === 'string' ? message : (message?.toString('latin1') ?? '');
}

/** The value behind `name:`; names are found in any case, because SMSCs write "Text:" and "text:". */
function field(text: string, name: string, pattern: string): string | null {
  return new RegExp(`(?:^|\\s)${name}:\\s*(${pattern})`, 'i').exec(text)?.[1] ?? null;
}

function numberOf(pdu: Pdu): string | null {
  const digits = pdu.source_addr ?? '';
  if (!/^\+?\d{3,20}$/.test(digits)) return null;
  const international =
    pdu.source_addr_ton === INTERNATIONAL && !digits.startsWith('+') ? `+${digits}` : digits;
  // Carriers give the digits of an international number without saying that they are.
  return toE164(international) ?? toE164(`+${digits.replace(/^\+/, '')}`);
}

/** null for what cannot be read: no id, or no state. A state that nobody has heard of is not a verdict. */
export function readReceipt(pdu: Pdu): SmppReceipt | null {
  const text = textOf(pdu);
  const reference = (pdu.receipted_message_id ?? field(text, 'id', '[^\\s:]{1,64}(?=\\s|$)') ?? '').trim();
  const state =
    STATES[pdu.message_state ?? 0] ?? field(text, 'stat', '[A-Z]{4,10}')?.toUpperCase().slice(0, 7) ?? '';
  if (reference === '' || reference.length > 64 || state === '') return null;
  return {
    reference,
    exact: pdu.receipted_message_id !== undefined,
    address: numberOf(pdu),
    state,
    verdict: VERDICTS[state] ?? 'none',
    errorCode: field(text, 'err', '[0-9A-Za-z]{1,8}'),
    doneAt: field(text, 'done date', '\\d{10,12}'),
    words: /(?:^|\s)text:\s*(.{1,40})/is.exec(text)?.[1]?.trim() || null,
  };
}
