import type { Spoken } from './words.ts';

type ShellWords = {
  readonly product: string;
  readonly skip: string;
  readonly places: string;
  readonly menu: string;
  readonly platform: string;
  readonly language: string;
  readonly signOut: string;
  readonly sending: string;
  readonly stopped: (count: number) => string;
  readonly stoppedTitle: string;
  readonly stoppedBy: string;
  readonly everything: string;
  readonly channelOf: (name: string) => string;
  readonly close: string;
  readonly notFound: string;
  readonly notFoundWhy: string;
  readonly forbidden: string;
  readonly forbiddenWhy: string;
  readonly toToday: string;
  readonly roles: Readonly<Record<string, string>>;
};

export const SHELL_WORDS: Spoken<ShellWords> = {
  ko: {
    product: '알림',
    skip: '본문으로 건너뛰기',
    places: '주 메뉴',
    menu: '메뉴',
    platform: '전체 기관',
    language: '언어',
    signOut: '로그아웃',
    sending: '발송 중',
    stopped: (count) => `발송 중지 ${count}건`,
    stoppedTitle: '지금 멈춰 있는 발송',
    stoppedBy: '멈춘 사람과 까닭',
    everything: '모든 발송',
    channelOf: (name) => `채널 ${name}`,
    close: '닫기',
    notFound: '없는 화면입니다.',
    notFoundWhy: '주소를 다시 확인하거나 오늘 화면으로 가세요.',
    forbidden: '이 화면을 볼 권한이 없습니다.',
    forbiddenWhy: '필요하면 기관의 관리자에게 역할을 요청하세요.',
    toToday: '오늘 화면으로',
    roles: {
      author: '작성자',
      approver: '승인자',
      operator: '운영자',
      support: '상담원',
      auditor: '감사자',
      owner: '플랫폼 관리자',
    },
  },
  en: {
    product: 'Allim',
    skip: 'Skip to the content',
    places: 'Main menu',
    menu: 'Menu',
    platform: 'All agencies',
    language: 'Language',
    signOut: 'Sign out',
    sending: 'Sending',
    stopped: (count) => (count === 1 ? '1 stop in force' : `${count} stops in force`),
    stoppedTitle: 'What is stopped now',
    stoppedBy: 'Who stopped it, and why',
    everything: 'Everything',
    channelOf: (name) => `Channel ${name}`,
    close: 'Close',
    notFound: 'There is no such page.',
    notFoundWhy: 'Check the address, or go to Today.',
    forbidden: 'You may not see this page.',
    forbiddenWhy: 'If you need it, ask your agency’s administrator for the role.',
    toToday: 'Go to Today',
    roles: {
      author: 'Author',
      approver: 'Approver',
      operator: 'Operator',
      support: 'Support',
      auditor: 'Auditor',
      owner: 'Platform owner',
    },
  },
};
