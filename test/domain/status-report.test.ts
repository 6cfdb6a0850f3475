/** What agencies are told, and how it is signed. */
import { expect, test } from '@jest/globals';
import { REPORT_REASONS, verdictOf } from '../../domain/status-report.ts';
import { DELIVERY_STATUSES } from '../../domain/statuses.ts';
import { newWebhookSecret, webhookHeaders } from '../../domain/webhook-signature.ts';

test('every end is told as delivered or failed, except what the agency ended itself', () => {
  const told = DELIVERY_STATUSES.map((status) => {
    const verdict = verdictOf(status, null);
    return `${status}: ${verdict === undefined ? 'not told' : `${verdict.status} ${verdict.reason ?? verdict.evidence}`}`;
  });
  expect(told).toEqual([
    'planned: not told',
    'waiting: not told',
    'sending: not told',
    'sent: delivered accepted',
    'delivered: delivered receipt',
    'suppressed: failed withheld',
    'expired: failed expired',
    'cancelled: not told',
    'failed-permanent: failed address',
    'failed-temporary: failed network',
    'failed-technical: failed technical',
    'ambiguous: failed unclear',
  ]);
});

test('a death, an opt-out and a channel switched off are not told apart', () => {
  const told = ['dead', 'opted-out', 'channel-off'].map((code) => verdictOf('suppressed', code));
  expect(new Set(told.map((verdict) => JSON.stringify(verdict))).size).toBe(1);
  expect(verdictOf('suppressed', 'address-gone')?.reason).toBe('address');
});

test('a simulated delivery says so', () => {
  expect(verdictOf('sent', 'trial')).toEqual({ status: 'delivered', reason: 'trial', evidence: 'simulated' });
});

test('reasons are the vocabulary that is documented', () => {
  const reasons = [...DELIVERY_STATUSES, 'no-address'].flatMap((status) =>
    [null, 'trial', 'address-gone'].map((code) => verdictOf(status, code)?.reason ?? null),
  );
  expect(new Set(reasons.filter((reason) => reason !== null))).toEqual(new Set(REPORT_REASONS));
});

test('signs as the reference vector of Standard Webhooks has it', () => {
  const headers = webhookHeaders(
    ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
    'msg_p5jXN8AQM9LWM0D4loKWxJek',
    1_614_265_330_999,
    '{"test": 2432232314}',
  );
  expect(headers).toEqual({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  });
});

test('signs with every secret that is valid, and secrets are as long as they must be', () => {
  const [old, fresh] = [newWebhookSecret(), newWebhookSecret()];
  const both = webhookHeaders([fresh, old], 'id', 0, '{}')['webhook-signature'].split(' ');
  expect(both).toEqual(
    [fresh, old].map((secret) => webhookHeaders([secret], 'id', 0, '{}')['webhook-signature']),
  );
  expect(Buffer.from(old.slice('whsec_'.length), 'base64')).toHaveLength(32);
  expect(old).not.toBe(fresh);
});
