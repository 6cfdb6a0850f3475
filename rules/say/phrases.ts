/** What explanations say around the sentences of a condition. */
import { withParticle } from '../../domain/kr/particles.ts';
import type { Language } from '../catalogue.ts';

/** How a leaf would come out otherwise. Days are said as the language says days. */
export type Phrases = {
  readonly certain: string;
  readonly no: string;
  readonly possible: string;
  /** The language's words for true, false and not known. */
  readonly truths: readonly [holds: string, fails: string, unknown: string];
  readonly nothing: string;
  readonly disputed: string;
  ifKnown(names: readonly string[]): string;
  notReckoned(): string;
  fromDay(day: string, holds: boolean): string;
  deceased(day: string): string;
  found(found: string, needed: string | undefined): string;
  number(index: number): string;
};

export const PHRASES: Readonly<Record<Language, Phrases>> = {
  ko: {
    certain: '해당합니다. 다음이 모두 맞기 때문입니다',
    no: '해당하지 않습니다. 다음이 맞지 않기 때문입니다',
    possible: '해당하는지 확실하지 않습니다. 다음을 알 수 없기 때문입니다',
    truths: ['맞음', '맞지 않음', '알 수 없음'],
    nothing: '값 없음',
    disputed: '이의 제기 중이라 쓰지 않음',
    ifKnown: (names) =>
      `${withParticle(names.map((name) => `‘${name}’`).join(', '), '을/를')} 알면 판정할 수 있음`,
    notReckoned: () => '달력의 범위를 벗어나 계산할 수 없음',
    deceased: (day) => `해당하지 않습니다. ${day}에 사망했기 때문입니다.`,
    fromDay: (day, holds) => `${day}부터 ${holds ? '맞음' : '맞지 않음'}`,
    found: (found, needed) =>
      needed === undefined ? `현재 ${found}` : `현재 ${found}, ${needed}이면 달라짐`,
    number: (index) => `${index}번째`,
  },
  en: {
    certain: 'It applies, because all of these hold',
    no: 'It does not apply, because of these, which do not hold',
    possible: 'It is not certain whether it applies, because of these, which are not known',
    truths: ['holds', 'does not hold', 'not known'],
    nothing: 'no value',
    disputed: 'disputed, so not used',
    ifKnown: (names) =>
      `could be judged if ${names.map((name) => `“${name.replace(/^the /u, '')}”`).join(' and ')} were known`,
    notReckoned: () => 'outside the days that can be reckoned',
    deceased: (day) => `It does not apply: the citizen died on ${day}.`,
    fromDay: (day, holds) => `${holds ? 'will hold' : 'will no longer hold'} from ${day}`,
    found: (found, needed) =>
      needed === undefined ? `is ${found}` : `is ${found}; would be otherwise at ${needed}`,
    number: (index) => `no. ${index}`,
  },
  vi: {
    certain: 'Thuộc đối tượng, vì tất cả các điều sau đều đúng',
    no: 'Không thuộc đối tượng, vì các điều sau không đúng',
    possible: 'Chưa chắc có thuộc đối tượng hay không, vì chưa biết các điều sau',
    truths: ['đúng', 'không đúng', 'không rõ'],
    nothing: 'không có dữ liệu',
    disputed: 'đang khiếu nại nên không dùng',
    ifKnown: (names) => `xét được nếu biết ${names.map((name) => `“${name}”`).join(' và ')}`,
    notReckoned: () => 'nằm ngoài khoảng ngày tính được',
    deceased: (day) => `Không thuộc đối tượng: người này đã mất ngày ${day}.`,
    fromDay: (day, holds) => `${holds ? 'sẽ đúng' : 'sẽ không còn đúng'} từ ${day}`,
    found: (found, needed) =>
      needed === undefined ? `hiện là ${found}` : `hiện là ${found}; sẽ khác nếu là ${needed}`,
    number: (index) => `thứ ${index}`,
  },
};
