/** Words of sending that several places share: channels, states, whose fault, and the codes that the ledger keeps. */
import type { Spoken } from '../words.ts';

type SendingWords = {
  readonly channels: Readonly<Record<string, string>>;
  readonly campaignStates: Readonly<Record<string, string>>;
  readonly statuses: Readonly<Record<string, string>>;
  readonly faults: Readonly<Record<string, string>>;
  readonly reasons: Readonly<Record<string, string>>;
  readonly scope: (scope: string) => string;
};

const scoped =
  (all: string, agency: string, campaign: string, channels: Readonly<Record<string, string>>) =>
  (scope: string): string => {
    const [kind, of = ''] = scope.split(':');
    if (kind === 'all') return all;
    if (kind === 'channel') return channels[of] ?? of;
    return kind === 'agency' ? `${agency} ${of}` : `${campaign} ${of.slice(0, 8)}`;
  };

const KO = { push: '푸시', email: '메일', sms: '문자' };
const EN = { push: 'Push', email: 'Email', sms: 'SMS' };

export const SENDING_WORDS: Spoken<SendingWords> = {
  ko: {
    channels: KO,
    campaignStates: {
      running: '보내는 중',
      paused: '멈춤',
      done: '다 보냄',
      ended: '끝남',
      cancelled: '취소됨',
    },
    statuses: {
      planned: '보낼 차례',
      waiting: '기다림',
      sending: '보내는 중',
      sent: '보냄',
      delivered: '도착',
      suppressed: '보내지 않음',
      expired: '때를 넘김',
      cancelled: '취소',
      'failed-permanent': '주소 잘못',
      'failed-temporary': '통신 실패',
      'failed-technical': '우리 잘못',
      ambiguous: '모름',
    },
    faults: { address: '주소', network: '통신', us: '우리', unclear: '모름' },
    reasons: {
      retry: '다시 보내려고',
      ambiguous: '갔는지 몰라서',
      'quiet-hours': '방해 금지 시간',
      stopped: '발송을 멈춰서',
      'next-channel': '다른 채널로',
      'opted-out': '받지 않기로 함',
      'channel-off': '이 채널을 끔',
      'address-gone': '주소가 없어짐',
      dead: '사망',
      done: '이미 끝난 일',
      withdrawn: '기관이 거둠',
      superseded: '새 안내로 바뀜',
      campaign: '발송을 취소함',
      'no-address': '보낼 곳 없음',
      told: '이미 알림',
      unresolved: '누구인지 아직 모름',
      none: '까닭 없음',
      certain: '확실한 대상',
      possible: '가능성이 있는 대상',
      accepted: '받아들임',
      delivered: '도착했다고 함',
      permanent: '주소가 잘못됐다고 함',
      temporary: '지금은 안 된다고 함',
      restore: '복구 전에 보냈을 수 있음',
      'session-lost': '보내던 프로그램이 멈춤',
    },
    scope: scoped('모든 발송', '기관', '발송', KO),
  },
  en: {
    channels: EN,
    campaignStates: {
      running: 'Sending',
      paused: 'Paused',
      done: 'All sent',
      ended: 'Ended',
      cancelled: 'Cancelled',
    },
    statuses: {
      planned: 'Due',
      waiting: 'Waiting',
      sending: 'Being sent',
      sent: 'Sent',
      delivered: 'Arrived',
      suppressed: 'Not sent',
      expired: 'Too late',
      cancelled: 'Cancelled',
      'failed-permanent': 'Wrong address',
      'failed-temporary': 'Network failed',
      'failed-technical': 'Our fault',
      ambiguous: 'Unknown',
    },
    faults: { address: 'Address', network: 'Network', us: 'Us', unclear: 'Unknown' },
    reasons: {
      retry: 'to be tried again',
      ambiguous: 'nobody knows whether it left',
      'quiet-hours': 'quiet hours',
      stopped: 'sending is stopped',
      'next-channel': 'on to another channel',
      'opted-out': 'does not want it',
      'channel-off': 'switched this channel off',
      'address-gone': 'the address is gone',
      dead: 'has died',
      done: 'done already',
      withdrawn: 'withdrawn by the agency',
      superseded: 'replaced by a newer one',
      campaign: 'the campaign was cancelled',
      'no-address': 'nowhere to send it',
      told: 'told already',
      unresolved: 'not known yet who it is',
      none: 'no reason given',
      certain: 'certainly concerned',
      possible: 'possibly concerned',
      accepted: 'taken in',
      delivered: 'said to have arrived',
      permanent: 'the address is said to be wrong',
      temporary: 'said not to work now',
      restore: 'may have left before a restore',
      'session-lost': 'the process that sent it died',
    },
    scope: scoped('Everything', 'Agency', 'Campaign', EN),
  },
};
