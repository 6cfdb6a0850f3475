import type { Spoken } from '../words.ts';

type ReviewWords = {
  readonly states: Readonly<Record<'fresh' | 'changed' | 'removed', string>>;
  readonly first: string;
  readonly changes: (count: number) => string;
  readonly same: (texts: string) => string;
  readonly from: string;
  readonly lost: string;
  readonly gained: string;
  readonly end: string;
  readonly inboxTitle: string;
  readonly sensitive: string;
  readonly notSensitive: string;
  readonly removedWhy: string;
  readonly loading: string;
};

export const REVIEW_WORDS: Spoken<ReviewWords> = {
  ko: {
    states: { fresh: '새 문구', changed: '바뀜', removed: '없앰' },
    first: '처음 쓰는 문구',
    changes: (count) => `바뀐 문구 ${count}개`,
    same: (texts) => `그대로인 문구: ${texts}`,
    from: '지금 쓰는 문구와 다른 곳',
    lost: '빠짐:',
    gained: '더함:',
    end: '.',
    inboxTitle: '알림함 제목',
    sensitive: '민감한 안내입니다. 푸시와 문자는 새 안내가 있다고만 합니다.',
    notSensitive: '민감한 안내로 다루지 않습니다. 푸시와 문자에 내용이 보입니다.',
    removedWhy: '이 문구는 더 쓰지 않습니다.',
    loading: '문구를 불러오는 중입니다.',
  },
  en: {
    states: { fresh: 'New', changed: 'Changed', removed: 'Removed' },
    first: 'Never used before',
    changes: (count) => (count === 1 ? '1 text changed' : `${count} texts changed`),
    same: (texts) => `As before: ${texts}`,
    from: 'What differs from the text in use',
    lost: 'gone:',
    gained: 'new:',
    end: '.',
    inboxTitle: 'Title in the inbox',
    sensitive: 'Sensitive: push and SMS say only that there is a notice.',
    notSensitive: 'Not treated as sensitive: push and SMS show what it is about.',
    removedWhy: 'This text is no longer used.',
    loading: 'Loading the texts.',
  },
};
