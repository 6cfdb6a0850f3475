import type { Spoken } from '../words.ts';

type TextsWords = {
  readonly channels: string;
  readonly channel: Readonly<Record<'push' | 'email' | 'sms', string>>;
  readonly action: string;
  readonly url: string;
  readonly tel: string;
  readonly texts: string;
  readonly usedAt: (stages: string) => string;
  readonly fillAll: string;
  readonly fillWhy: string;
  readonly suggested: string;
  readonly write: string;
  readonly edit: string;
  readonly done: string;
  readonly source: string;
  readonly variables: string;
  readonly missing: string;
  readonly locales: Readonly<Record<string, string>>;
  readonly addLocale: string;
  readonly takeBack: string;
  readonly possible: string;
  readonly bytes: (bytes: number) => string;
  readonly kinds: Readonly<Record<'sms' | 'lms' | 'too long', string>>;
  readonly parts: (parts: number) => string;
  readonly longest: (size: number, limit: number) => string;
  readonly width: string;
  readonly narrow: string;
  readonly wide: string;
  readonly from: string;
  readonly now: string;
  readonly needsId: string;
  readonly foreign: string;
  readonly lockScreen: string;
  readonly mail: string;
  readonly message: string;
};

export const TEXTS_WORDS: Spoken<TextsWords> = {
  ko: {
    channels: '채널 (앞의 것부터)',
    channel: { push: '푸시', email: '메일', sms: '문자' },
    action: '할 일',
    url: '누르면 가는 곳 (https)',
    tel: '전화',
    texts: '문구',
    usedAt: (stages) => `쓰는 때: ${stages}`,
    fillAll: '빈 문구 초안 채우기',
    fillWhy: '이름과 마감으로 처음 문구를 만듭니다. 읽어 보고 고치세요.',
    suggested: '이름과 마감으로 처음 문구를 만들어 두었습니다. 읽어 보고 고치세요.',
    write: '쓰기',
    edit: '고치기',
    done: '닫기',
    source: '문구',
    variables: '쓸 수 있는 값',
    missing: '아직 없습니다.',
    locales: { ko: '한국어', en: '영어', vi: '베트남어' },
    addLocale: '베트남어 넣기',
    takeBack: '지금 쓰는 문구로 되돌리기',
    possible: '가능성 있는 사람에게',
    bytes: (bytes) => `${bytes}바이트`,
    kinds: { sms: '단문(SMS)', lms: '장문(LMS)', 'too long': '너무 긺' },
    parts: (parts) => `해외 통신사 ${parts}건`,
    longest: (size, limit) => `가장 길 때 ${size}/${limit}`,
    width: '메일 너비',
    narrow: '좁게',
    wide: '넓게',
    from: '보낸 곳',
    now: '지금',
    needsId: '먼저 1단계에서 영어 이름을 쓰세요. 문구의 이름이 거기에서 나옵니다.',
    foreign: '여러 규칙이 함께 쓰는 문구입니다. 여기에서는 고칠 수 없습니다.',
    lockScreen: '잠금 화면',
    mail: '메일',
    message: '문자',
  },
  en: {
    channels: 'Channels, in order',
    channel: { push: 'Push', email: 'Email', sms: 'SMS' },
    action: 'What to do',
    url: 'Where it leads (https)',
    tel: 'Telephone',
    texts: 'Texts',
    usedAt: (stages) => `Used: ${stages}`,
    fillAll: 'Draft the missing texts',
    fillWhy: 'Made from the name and the deadline. Read them and make them yours.',
    suggested: 'These first words were made from the name and the deadline. Read them and make them yours.',
    write: 'Write',
    edit: 'Edit',
    done: 'Close',
    source: 'Text',
    variables: 'Values you can use',
    missing: 'Not there yet.',
    locales: { ko: 'Korean', en: 'English', vi: 'Vietnamese' },
    addLocale: 'Add Vietnamese',
    takeBack: 'Back to the text in use',
    possible: 'For the possible',
    bytes: (bytes) => `${bytes} bytes`,
    kinds: { sms: 'SMS', lms: 'long SMS (LMS)', 'too long': 'too long' },
    parts: (parts) => (parts === 1 ? '1 part abroad' : `${parts} parts abroad`),
    longest: (size, limit) => `longest ${size}/${limit}`,
    width: 'Width of mails',
    narrow: 'Narrow',
    wide: 'Wide',
    from: 'From',
    now: 'now',
    needsId: 'First write the English name in step 1: the texts are called after it.',
    foreign: 'Several rules share these texts. They cannot be changed here.',
    lockScreen: 'Lock screen',
    mail: 'Email',
    message: 'Text message',
  },
};
