import { expect, test } from '@jest/globals';
import { readableCode } from '../../domain/provider-codes.ts';

test.each([
  '550',
  '5.1.1',
  'rcpt 577',
  'number-unknown',
  '0x00000045',
  'ESME_RINVDSTADR',
  'ECONNREFUSED',
  'UNDELIV:123',
])('%s is a code', (code) => expect(readableCode(code)).toBe(code));

test.each([
  '+821012345678',
  'no-such-number-821012345678',
  'kim@example.kr',
  'nobody of that name',
  'https://push.example/abc',
  'x'.repeat(65),
  '',
  '김하늘',
  '0x123456789',
])('%j is none, and may be somebody’s', (code) => expect(readableCode(code)).toBe('unreadable-code'));
