import type { Spoken } from '../words.ts';

type AudienceWords = {
  readonly title: string;
  readonly asOf: (day: string) => string;
  readonly certain: string;
  readonly certainWhy: string;
  readonly possible: string;
  readonly possibleWhy: string;
  readonly people: (count: string) => string;
  readonly small: string;
  readonly hidden: string;
  readonly counting: string;
  readonly notYet: string;
  readonly unavailable: string;
  readonly refused: string;
  readonly partial: string;
  readonly of: (citizens: string) => string;
  readonly missing: string;
  readonly missingField: (field: string) => string;
  readonly region: string;
  readonly age: string;
  readonly channel: string;
  readonly sample: string;
  readonly regionOf: string;
  readonly mapOf: string;
  readonly ageOf: string;
  readonly years: (band: string) => string;
  readonly unknown: string;
  readonly share: string;
  readonly channels: Readonly<Record<string, string>>;
  readonly noReach: string;
  readonly sampleWhy: string;
  readonly noSample: string;
  readonly pseudonym: string;
  readonly kind: string;
  readonly sex: string;
  readonly sexes: Readonly<Record<string, string>>;
  readonly withPossible: string;
  readonly breakdown: string;
};

export const AUDIENCE_WORDS: Spoken<AudienceWords> = {
  ko: {
    title: '대상',
    asOf: (day) => `${day} 기준`,
    certain: '확실한 대상',
    certainWhy: '아는 사실만으로 조건을 만족하는 사람입니다.',
    possible: '가능성이 있는 대상',
    possibleWhy: '빠진 정보가 있어 조건을 만족하는지 아직 모르는 사람입니다.',
    people: (count) => `${count}명`,
    small: '10명 미만',
    hidden: '숨김',
    counting: '세는 중',
    notYet: '조건을 넣으면 여기에서 바로 셉니다.',
    unavailable: '지금은 셀 수 없습니다. 조건은 계속 쓸 수 있습니다.',
    refused: '앞서 센 대상과 차이가 10명 미만이어서 보여 드리지 않습니다. 조건을 더 바꾸면 다시 셉니다.',
    partial: '일부 서버가 답하지 않아 적게 셌습니다.',
    of: (citizens) => `전체 ${citizens}명 가운데`,
    missing: '무엇이 빠졌나요',
    missingField: (field) => `${field} 모름`,
    region: '지역',
    age: '나이',
    channel: '채널',
    sample: '표본',
    regionOf: '시도별 확실한 대상',
    mapOf: '시도별 지도. 같은 수가 아래 표에 있습니다.',
    ageOf: '나이대별 확실한 대상',
    years: (band) => `${band}세`,
    unknown: '모름',
    share: '비율',
    channels: { push: '푸시', email: '메일', sms: '문자', none: '닿지 않음' },
    noReach: '연락처를 아직 다 읽지 못했습니다. 잠시 뒤에 나옵니다.',
    sampleWhy: '가명입니다. 적은 수가 드러나는 값은 숨깁니다.',
    noSample: '대상이 100명 이상일 때 보여 드립니다.',
    pseudonym: '가명',
    kind: '구분',
    sex: '성별',
    sexes: { F: '여성', M: '남성' },
    withPossible: '가능성까지',
    breakdown: '대상 나누어 보기',
  },
  en: {
    title: 'Audience',
    asOf: (day) => `as of ${day}`,
    certain: 'Certain',
    certainWhy: 'The condition holds by what is known of them.',
    possible: 'Possible',
    possibleWhy: 'Something is missing, so it is not known whether the condition holds.',
    people: (count) => `${count} people`,
    small: 'under 10',
    hidden: 'hidden',
    counting: 'Counting',
    notYet: 'Add a condition, and it is counted here at once.',
    unavailable: 'It cannot be counted just now. You can go on writing.',
    refused:
      'The answer would differ from an earlier one by fewer than ten people, so it is not told. Change more and it is counted again.',
    partial: 'Some servers did not answer: the counts are too low.',
    of: (citizens) => `of ${citizens} people`,
    missing: 'What is missing',
    missingField: (field) => `${field} not known`,
    region: 'Region',
    age: 'Age',
    channel: 'Channel',
    sample: 'Sample',
    regionOf: 'Certain, by province',
    mapOf: 'Map by province. The table below has the same numbers.',
    ageOf: 'Certain, by age',
    years: (band) => band,
    unknown: 'Not known',
    share: 'Share',
    channels: { push: 'Push', email: 'Email', sms: 'SMS', none: 'Not reachable' },
    noReach: 'Contact points have not all been read yet. It will be here in a moment.',
    sampleWhy: 'Pseudonyms. What would single somebody out is hidden.',
    noSample: 'Shown where the audience has 100 people or more.',
    pseudonym: 'Pseudonym',
    kind: 'Set',
    sex: 'Sex',
    sexes: { F: 'female', M: 'male' },
    withPossible: 'with possible',
    breakdown: 'Audience in parts',
  },
};
