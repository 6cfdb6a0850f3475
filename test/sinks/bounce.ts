/** Bounces as mail systems write them (RFC 3464), for the SMTP sink and for tests of what reads them. */
export type BounceEnd = 'hard' | 'soft' | 'delayed' | 'delivered';

const ENDS = {
  hard: ['failed', '5.1.1', 'smtp; 550 5.1.1 no such mailbox'],
  soft: ['failed', '4.4.7', 'smtp; 451 4.4.7 gave up after five days'],
  delayed: ['delayed', '4.4.1', 'smtp; 451 4.4.1 no answer'],
  delivered: ['delivered', '2.0.0', 'smtp; 250 2.0.0 taken'],
} as const;

export type BounceOptions = {
  /** Whom the bounce is for: the envelope's sender of what bounced. */
  readonly to: string;
  /** Whose mailbox it is about. */
  readonly recipient: string;
  readonly end: BounceEnd;
  readonly status?: string;
  readonly messageId?: string;
};

/** The same bounce has the same Message-ID: a mail system that is not sure whether it was taken brings it again. */
export function bounceOf({ to, recipient, end, status, messageId }: BounceOptions): string {
  const [action, ordinary, diagnostic] = ENDS[end];
  return [
    `Return-Path: <>`,
    `Delivered-To: ${to}`,
    `Message-ID: <${messageId ?? `${end}-${to.replaceAll(/[^0-9a-z]/gi, '')}@mx.example.kr`}>`,
    'Date: Fri, 10 Jul 2026 03:00:00 +0000',
    'From: MAILER-DAEMON@mx.example.kr (Mail Delivery System)',
    `To: ${to}`,
    'Subject: Undelivered Mail Returned to Sender',
    'Auto-Submitted: auto-replied',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status;',
    '\tboundary="9B095B5ADSN=_01D"',
    '',
    'This is a MIME-encapsulated message.',
    '',
    '--9B095B5ADSN=_01D',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'I am sorry to have to inform you that your message could not be delivered.',
    '',
    '--9B095B5ADSN=_01D',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example.kr',
    'Arrival-Date: Fri, 10 Jul 2026 02:59:58 +0000',
    '',
    `Final-Recipient: rfc822; ${recipient}`,
    `Action: ${action}`,
    `Status: ${status ?? ordinary}`,
    `Diagnostic-Code: ${diagnostic.slice(0, 20)}`,
    ` ${diagnostic.slice(20)}`,
    '',
    '--9B095B5ADSN=_01D',
    'Content-Type: text/rfc822-headers',
    '',
    'Subject: what was sent',
    '',
    '--9B095B5ADSN=_01D--',
    '',
  ].join('\r\n');
}
