import { expect, test } from '@jest/globals';
import { holdsResidentNumber } from '../../domain/kr/resident-number.ts';

test.each([
  '900101-1234567',
  '9001011234567',
  '900101 – 1234567',
  '번호는 000229-4123456 입니다',
  '950731-5123456',
  '９００１０１－１２３４５６７'.replace('－', '-'),
  '한 줄\n900101-2000000\n',
])('%j holds one', (text) => expect(holdsResidentNumber(text)).toBe(true));

test.each([
  '',
  '010-1234-5678',
  '901301-1234567',
  '900100-1234567',
  '900231-1234567',
  '900101-123456',
  '19900101-12345678',
  '2026-07-000123',
  'K7Q2-93',
  '1577-1000',
  '90010112345678',
])('%j holds none', (text) => expect(holdsResidentNumber(text)).toBe(false));
