/** What a receipt means, whom it is believed, and when. */
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { type DeliveryId, randomId } from '../../domain/ids.ts';
import { judgeReceipt, RECEIPT_VERDICTS } from '../../domain/receipt.ts';
import { createReceiptTokens } from '../../domain/receipt-tokens.ts';
import { createSealer } from '../../domain/sealing.ts';
import { DELIVERY_STATUSES, mayFollow } from '../../domain/statuses.ts';
import {
  isWebhookSecret,
  newWebhookSecret,
  verifiedWebhook,
  webhookHeaders,
} from '../../domain/webhook-signature.ts';

test('whatever a receipt says, of whatever delivery: the table allows it, and nothing that has ended comes back', () => {
  for (const status of DELIVERY_STATUSES)
    for (const verdict of RECEIPT_VERDICTS)
      for (const addressDead of [true, false])
        for (const attempt of [null, 1, 2]) {
          const became = judgeReceipt({ status, attempt: 2, code: null }, { verdict, attempt, addressDead });
          if (['later', 'moot', 'address'].includes(became)) continue;
          expect(mayFollow(status, became as never)).toBe(true);
          expect(['sent', 'ambiguous', 'waiting', 'planned']).toContain(status);
        }
});

test('a row that was never called has no receipts', () => {
  const planned = { status: 'planned', attempt: 0, code: null } as const;
  expect(judgeReceipt(planned, { verdict: 'delivered', attempt: null, addressDead: false })).toBe('moot');
});

describe('tokens', () => {
  const keys = [randomBytes(32), randomBytes(32)] as const;
  const tokens = createReceiptTokens(createSealer(...keys));
  const id = randomId<DeliveryId>();

  test('of a push are good for their delivery and attempt alone', () => {
    const token = tokens.push(id, 3);
    expect(tokens.readPush(id, token)).toBe(3);
    expect(tokens.readPush(randomId<DeliveryId>(), token)).toBeNull();
    expect(tokens.readPush(id, token.replace('3.', '2.'))).toBeNull();
    expect(tokens.readPush(id, `${token.slice(0, -2)}AA`)).toBeNull();
    for (const text of ['', '3.', '.x', `3.${'A'.repeat(23)}`, '99999999.AAAA'])
      expect(tokens.readPush(id, text)).toBeNull();
  });

  test('of a bounce fit a local part, survive being folded, and are no good for a push', () => {
    const local = tokens.bounce(id, 32_767);
    expect(local.length).toBeLessThanOrEqual(64);
    expect(local).toBe(local.toLowerCase());
    expect(tokens.readBounce(local.toUpperCase())).toEqual({ delivery: id, attempt: 32_767 });
    expect(tokens.readBounce(local.replace('.32767.', '.1.'))).toBeNull();
    expect(tokens.readBounce(`${local.slice(0, -1)}${local.endsWith('0') ? '1' : '0'}`)).toBeNull();
    expect(tokens.readBounce('bounce')).toBeNull();
    const another = createReceiptTokens(createSealer(keys[0], randomBytes(32)));
    expect(another.readBounce(local)).toBeNull();
  });
});

describe('a signed call', () => {
  const secret = newWebhookSecret();
  const body = Buffer.from('{"receipts":[]}');
  const at = 1_700_000_000_000;
  const headers = webhookHeaders([newWebhookSecret(), secret], 'msg-1', at, body.toString());

  test('is known by any of its signatures, for five minutes either way', () => {
    for (const offsetMs of [0, 299_000, -299_000])
      expect(verifiedWebhook(secret, headers, body, at + offsetMs)).toBe('msg-1');
    for (const offsetMs of [301_000, -301_000])
      expect(verifiedWebhook(secret, headers, body, at + offsetMs)).toBeNull();
  });

  test.each([
    ['another body', headers, Buffer.from('{"receipts":[1]}')],
    ['another id', { ...headers, 'webhook-id': 'msg-2' }, body],
    ['another time', { ...headers, 'webhook-timestamp': '1700000001' }, body],
    [
      'another version',
      { ...headers, 'webhook-signature': headers['webhook-signature'].replaceAll('v1,', 'v2,') },
      body,
    ],
    ['no signature', { ...headers, 'webhook-signature': '' }, body],
    ['a header twice', { ...headers, 'webhook-id': ['msg-1', 'msg-1'] }, body],
  ])('with %s is refused', (_, given, bytes) => {
    expect(verifiedWebhook(secret, given, bytes, at)).toBeNull();
    expect(verifiedWebhook(newWebhookSecret(), given, bytes, at)).toBeNull();
  });

  test('secrets are told by their form', () => {
    expect(isWebhookSecret(secret)).toBe(true);
    expect(isWebhookSecret(secret.slice(6))).toBe(false);
    expect(isWebhookSecret('whsec_c2hvcnQ=')).toBe(false);
  });
});
