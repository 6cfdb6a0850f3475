import type { Spoken } from '../words.ts';

type ActWords = {
  readonly why: string;
  readonly whyHint: string;
  readonly back: string;
  readonly busy: string;
};

export const ACT_WORDS: Spoken<ActWords> = {
  ko: {
    why: '까닭',
    whyHint: '감사 기록에 남습니다. 개인정보는 쓰지 마세요.',
    back: '그만두기',
    busy: '하는 중',
  },
  en: {
    why: 'Reason',
    whyHint: 'Kept in the audit trail. Leave personal data out.',
    back: 'Go back',
    busy: 'Working',
  },
};
