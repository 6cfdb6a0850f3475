import { describe, expect, test } from '@jest/globals';
import { besideId, keyId, type NotificationId, type ObligationId, placedId } from '../../domain/ids.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const obligation = (citizen: string, ref = '2026') =>
  placedId<ObligationId>('obligation', ['nhis', 'checkup', ref], citizen);

describe('ids of keys', () => {
  test('the same key has the same id, another key another', () => {
    expect(keyId('event', 'a', 'b')).toBe(keyId('event', 'a', 'b'));
    expect(keyId('event', 'a', 'b')).not.toBe(keyId('event', 'ab'));
    expect(obligation('c-1')).toBe(obligation('c-1'));
    expect(obligation('c-1')).not.toBe(obligation('c-1', '2027'));
    expect(obligation('c-1')).toMatch(UUID);
  });

  test('citizens that share a place have ids of their own', () => {
    const ids = new Set(Array.from({ length: 10_000 }, (_, at) => obligation(`c-same${at}`)));
    expect(ids.size).toBe(10_000);
  });

  test('ids of one group stand together and ascend with the ids of their citizens', () => {
    const citizens = ['c-0a', 'c-1q2w', 'c-7f3a', 'c-azzz', 'c-m000', 'c-zzzz'];
    const places = citizens.map((citizen) => obligation(citizen).slice(0, 7));
    expect(places).toEqual(places.toSorted());
    expect(new Set(places.map((place) => place.slice(0, 4))).size).toBe(1);
    expect(new Set(places).size).toBe(citizens.length);
  });

  test('what is beside an id shares its place and nothing else', () => {
    const beside = obligation('c-7f3a9e');
    const one = besideId<NotificationId>('notification', beside, 'run-1');
    expect(one).toMatch(UUID);
    expect(one.slice(0, 7)).toBe(beside.slice(0, 7));
    expect(one.slice(9)).not.toBe(beside.slice(9));
    expect(one).not.toBe(besideId('notification', beside, 'run-2'));
  });

  test('any citizen id has a place', () => {
    for (const citizen of [
      '',
      '-',
      '가나다',
      'c-',
      'AB:9',
      '~~~~',
      '\u0001',
      '7f3a9e12-0000-4000-8000-000000000000',
    ])
      expect(obligation(citizen)).toMatch(UUID);
  });
});
