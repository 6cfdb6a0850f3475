import type { Spoken } from '../words.ts';

type StateWords = {
  readonly loading: string;
  readonly failed: string;
  readonly unreachable: string;
  readonly forbidden: string;
  readonly notFound: string;
  readonly busy: string;
  readonly ours: string;
  readonly again: string;
  readonly reference: string;
  readonly brokenPage: string;
  readonly brokenPageWhy: string;
  readonly reload: string;
  readonly more: string;
};

export const STATE_WORDS: Spoken<StateWords> = {
  ko: {
    loading: '불러오는 중입니다',
    failed: '불러오지 못했습니다.',
    unreachable: '서버에 연결되지 않습니다. 입력한 내용은 이 화면에 그대로 있습니다.',
    forbidden: '볼 권한이 없습니다.',
    notFound: '찾는 것이 없습니다. 지워졌거나 주소가 다릅니다.',
    busy: '지금은 답할 수 없습니다. 잠시 뒤에 다시 하세요.',
    ours: '우리 쪽에 문제가 생겼습니다. 저장한 것은 그대로입니다. 잠시 뒤에 다시 하세요.',
    again: '다시 하기',
    reference: '문의할 때 알려 줄 번호',
    brokenPage: '화면에 문제가 생겼습니다.',
    brokenPageWhy: '저장한 내용은 그대로입니다. 화면을 다시 불러오세요.',
    reload: '다시 불러오기',
    more: '더 보기',
  },
  en: {
    loading: 'Loading',
    failed: 'This could not be loaded.',
    unreachable: 'The server does not answer. What you typed is still on this page.',
    forbidden: 'You may not see this.',
    notFound: 'There is nothing here: it was removed, or the address is another.',
    busy: 'There is no answer just now. Try again in a moment.',
    ours: 'Something failed on our side. What was saved is safe. Try again in a moment.',
    again: 'Try again',
    reference: 'Reference to give when you ask for help',
    brokenPage: 'Something went wrong with this page.',
    brokenPageWhy: 'What you saved is safe. Load the page again.',
    reload: 'Load again',
    more: 'Show more',
  },
};
