import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { SIDO, SIGUNGU, sigunguName } from '../../domain/kr/regions.ts';
import { isTextable } from '../../domain/kr/telephone.ts';
import { citizens, dayText, POPULATION_DAY } from '../../producers/population.ts';
import { readFields } from '../../rules/catalogue.ts';
import { layoutOf, readProfile } from '../../rules/population/profile.ts';

const COUNT = 40_000;
const subscription = (id: string) => ({
  endpoint: `https://push.example/${id}`,
  keys: { p256dh: 'k', auth: 'a' },
});
const all = [...citizens(7, COUNT, { subscription })];
const ageOf = (birthDate: string) =>
  Temporal.PlainDate.from(birthDate).until(POPULATION_DAY, { largestUnit: 'year' }).years;
const share = (
  wanted: (citizen: (typeof all)[number]) => boolean,
  of: readonly (typeof all)[number][] = all,
) => of.filter(wanted).length / of.length;

describe('the synthetic population', () => {
  test('is the same for the same seed and another for another', () => {
    expect([...citizens(7, 96, { subscription })]).toEqual(all.slice(0, 96));
    expect([...citizens(8, 100)].map((c) => c.id)).not.toEqual(all.slice(0, 100).map((c) => c.id));
  });

  test('gives everybody an id, a telephone number and a mailbox of their own', () => {
    expect(new Set(all.map((c) => c.id)).size).toBe(COUNT);
    for (const channel of ['sms', 'email'] as const) {
      const addresses = all.flatMap((c) =>
        c.contactPoints.flatMap((p) => (p.channel === channel ? [p.address] : [])),
      );
      expect(new Set(addresses).size).toBe(addresses.length);
      if (channel === 'sms') {
        expect(addresses.every((address) => isTextable(address))).toBe(true);
        // 010-0xxx-xxxx is given to nobody.
        expect(addresses.every((address) => address.startsWith('+82100'))).toBe(true);
      }
    }
  });

  test('has profiles that the field catalogue takes whole', () => {
    const file = path.join(import.meta.dirname, '..', '..', 'rules', 'catalogue.json');
    const layout = layoutOf(readFields(JSON.parse(readFileSync(file, 'utf8'))));
    for (const { profile } of all.slice(0, 5_000)) expect(readProfile(profile, layout).ignored).toBe(0);
  });

  test('lives in 250 districts by the published shares', () => {
    expect(SIGUNGU.length).toBe(250);
    expect(sigunguName('11680', 'ko')).toBe('서울 강남구');
    expect(sigunguName('41111', 'ko')).toBe('경기 수원시 장안구');
    expect(sigunguName('41111', 'en')).toBe('Jangan-gu, Suwon-si, Gyeonggi');
    expect(sigunguName('48270', 'vi')).toBe('Miryang-si, Gyeongnam');
    expect(sigunguName('36110', 'ko')).toBe('세종시');
    expect(new Set(SIGUNGU.map(({ code }) => sigunguName(code, 'en'))).size).toBe(250);
    expect(sigunguName('11999', 'ko')).toBeUndefined();
    const total = SIDO.reduce((sum, sido) => sum + sido.thousands, 0);
    for (const sido of SIDO)
      expect(Math.abs(share((c) => c.profile.sido === sido.code) - sido.thousands / total)).toBeLessThan(
        0.012,
      );
    expect(all.every((c) => c.profile.sigungu.startsWith(c.profile.sido))).toBe(true);
  });

  test('has the ages, sexes and insurances of the table', () => {
    const bands = [6.4, 9.1, 12.1, 12.8, 15.4, 16.9, 14.9, 7.8, 4.6];
    for (const [band, per] of bands.entries())
      expect(
        Math.abs(share((c) => Math.min(8, Math.floor(ageOf(c.profile.birthDate) / 10)) === band) * 100 - per),
      ).toBeLessThan(1);
    const old = all.filter((c) => ageOf(c.profile.birthDate) >= 80);
    expect(share((c) => c.profile.sex === 'F', old)).toBeCloseTo(2 / 3, 1);
    expect(share((c) => c.profile.insurance === 'employee')).toBeCloseTo(0.37, 1);
    expect(share((c) => c.profile.disabled === true)).toBeCloseTo(0.051, 2);
    expect(share((c) => c.locale === 'ko')).toBeCloseTo(0.95, 1);
  });

  test('reaches the young by push, nearly all by text, and some not at all', () => {
    const has = (channel: string) => (c: (typeof all)[number]) =>
      c.contactPoints.some((p) => p.channel === channel);
    const aged = (from: number, to: number) =>
      all.filter((c) => ageOf(c.profile.birthDate) >= from && ageOf(c.profile.birthDate) < to);
    expect(share(has('push'), aged(0, 60))).toBeCloseTo(0.735, 1);
    expect(share(has('push'), aged(60, 75))).toBeCloseTo(0.343, 1);
    expect(share(has('push'), aged(76, 110))).toBeCloseTo(0.098, 1);
    expect(share(has('sms'))).toBeCloseTo(0.931, 1);
    const none = share((c) => c.contactPoints.length === 0);
    expect(none).toBeGreaterThan(0.015);
    expect(none).toBeLessThan(0.045);
  });

  test('has been screened as the programmes ask, and files tax as people do', () => {
    const yearAge = (c: (typeof all)[number]) => 2026 - Number(c.profile.birthDate.slice(0, 4));
    const women = all.filter((c) => c.profile.sex === 'F' && yearAge(c) >= 40);
    const unknown = (name: 'lastStomachScreening' | 'lastBreastScreening') =>
      share((c) => c.profile[name] === undefined, women);
    expect(unknown('lastStomachScreening')).toBeCloseTo(0.06, 1);
    expect(share((c) => c.profile.lastBreastScreening === 0, women)).toBeCloseTo(0.12, 1);
    expect(women.some((c) => (c.profile.lastCervicalScreening ?? 0) >= 2025)).toBe(true);
    expect(all.some((c) => c.profile.sex === 'M' && c.profile.lastBreastScreening !== undefined)).toBe(false);
    expect(all.some((c) => yearAge(c) < 40 && c.profile.lastStomachScreening !== undefined)).toBe(false);
    const over40 = all.filter((c) => yearAge(c) >= 40);
    const risk = share((c) => c.profile.liverRisk === true, over40);
    expect(risk).toBeGreaterThan(0.02);
    expect(risk).toBeLessThan(0.045);
    for (const c of all)
      expect(c.profile.lastLiverScreening !== undefined).toBe(c.profile.liverRisk === true);
    const filers = (insurance: string) =>
      share(
        (c) => c.profile.incomeTaxFiler === 'general',
        all.filter((c) => c.profile.insurance === insurance && yearAge(c) >= 30),
      );
    expect(filers('regional')).toBeGreaterThan(0.4);
    expect(filers('employee')).toBeLessThan(0.2);
    expect(all.some((c) => c.profile.incomeTaxFiler === 'faithful')).toBe(true);
  });

  test('smokes, drives, works and is vaccinated by published shares', () => {
    const of = (wanted: (profile: (typeof all)[number]['profile'], age: number) => boolean) =>
      all.filter((c) => wanted(c.profile, ageOf(c.profile.birthDate)));
    const men = of((p, age) => p.sex === 'M' && age >= 20 && p.smoking !== undefined);
    expect(Math.abs(share((c) => c.profile.smoking === 'current', men) - 0.3)).toBeLessThan(0.03);
    const adults = of((_, age) => age >= 20);
    expect(Math.abs(share((c) => c.profile.licenceTerm !== undefined, adults) - 0.76)).toBeLessThan(0.04);
    const payers = share((c) => ['general', 'simplified'].includes(c.profile.vatPayer ?? ''), adults);
    expect(Math.abs(payers - 0.17)).toBeLessThan(0.03);
    const seniors = of((_, age) => age >= 66);
    const vaccinated = share((c) => (c.profile.lastInfluenzaSeason ?? 0) >= 2025, seniors);
    expect(Math.abs(vaccinated - 0.8)).toBeLessThan(0.03);
    const seekers = share(
      (c) => c.profile.jobSeeker === 'beneficiary',
      of((_, age) => age >= 15 && age < 70),
    );
    expect(Math.abs(seekers - 0.016)).toBeLessThan(0.004);
    expect(all.some((c) => c.profile.sex === 'M' && c.profile.pregnant !== undefined)).toBe(false);
    expect(all.some((c) => c.profile.pregnant === true)).toBe(true);
  });

  test('knows what was earned of most households, and what is assessed after applying of few', () => {
    const adults = all.filter((c) => ageOf(c.profile.birthDate) >= 20);
    expect(Math.abs(share((c) => c.profile.householdIncome === undefined, adults) - 0.1)).toBeLessThan(0.02);
    const turning = all.filter((c) => [62, 63].includes(ageOf(c.profile.birthDate)));
    expect(share((c) => c.profile.recognisedIncome === undefined, turning)).toBe(1);
    expect(Math.abs(share((c) => c.profile.incomePercentile === undefined, adults) - 0.15)).toBeLessThan(
      0.02,
    );
  });

  test('has children whose check-ups suit their months', () => {
    const children = all.flatMap((c) => c.profile.children ?? []);
    const months = (birthDate: string) =>
      Temporal.PlainDate.from(birthDate).until(POPULATION_DAY, { largestUnit: 'month' }).months;
    const infants = children.filter((child) => months(child.birthDate) < 80);
    expect(infants.length).toBeGreaterThan(200);
    for (const { birthDate, lastInfantCheckup = 0, lastOralCheckup = 0 } of infants) {
      if (months(birthDate) < 8) expect(lastInfantCheckup).toBeLessThanOrEqual(2);
      if (months(birthDate) < 17) expect(lastOralCheckup).toBe(0);
    }
    expect(infants.some((child) => child.lastInfantCheckup === undefined)).toBe(true);
  });

  test('lacks what a register does not know', () => {
    const adults = all.filter((c) => ageOf(c.profile.birthDate) >= 20);
    expect(share((c) => c.profile.lastCheckupYear === undefined, adults)).toBeCloseTo(0.08, 1);
    const students = all.filter((c) => c.profile.student === 'enrolled');
    expect(students.length).toBeGreaterThan(500);
    expect(share((c) => c.profile.incomeBracket === undefined, students)).toBeGreaterThan(0.4);
  });

  test('names as children only people who are in it, at home with them', () => {
    const byId = new Map(all.map((c) => [c.id, c]));
    const parents = all.filter((c) => (c.profile.children ?? []).length > 0);
    expect(parents.length).toBeGreaterThan(1_000);
    expect(Math.abs(share((c) => c.profile.children === undefined) - 0.03)).toBeLessThan(0.02);
    for (const parent of parents)
      for (const child of parent.profile.children ?? []) {
        expect(byId.get(child.id)?.profile.birthDate).toBe(child.birthDate);
        expect(byId.get(child.id)?.profile.sigungu).toBe(parent.profile.sigungu);
      }
  });

  test('counts days as Temporal does', () => {
    const first = Temporal.PlainDate.from('1970-01-01');
    for (let days = -60_000; days < 60_000; days += 37)
      expect(dayText(days)).toBe(first.add({ days }).toString());
  });

  test('refuses a count that is none', () => {
    expect(() => [...citizens(1, -1)]).toThrow(RangeError);
    expect(() => [...citizens(1, 1.5)]).toThrow(RangeError);
  });
});
