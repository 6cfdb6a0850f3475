/** Refusals of what stands in an expression: see refusals.ts. */
import { withParticle } from '../domain/kr/particles.ts';
import type { Labels } from './catalogue.ts';
import { LIMITS, type ScalarType } from './language.ts';

export const TYPE_NAMES: Readonly<Record<ScalarType | 'list', Labels>> = {
  boolean: { ko: '참·거짓', en: 'true or false', vi: 'đúng hoặc sai' },
  integer: { ko: '정수', en: 'an integer', vi: 'một số nguyên' },
  number: { ko: '숫자', en: 'a number', vi: 'một số' },
  date: { ko: '날짜(YYYY-MM-DD)', en: 'a date (YYYY-MM-DD)', vi: 'một ngày (YYYY-MM-DD)' },
  text: { ko: '글자', en: 'a text', vi: 'một văn bản' },
  list: { ko: '목록', en: 'a list', vi: 'một danh sách' },
};

/** Quoted and escaped: control characters, lone surrogates, marks that turn the direction of writing, and length do no harm. */
export function shown(value: unknown): string {
  const text = String(value);
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}…` : text).replaceAll(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
}

/** A literal as it stands in the file: texts are quoted, so that "5" and 5 are told apart. */
function literal(value: unknown): string {
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : shown(value);
}

export type Type = ScalarType | 'list';
export const say = (ko: string, en: string, vi: string): Labels => ({ ko, en, vi });

export const OF_CONDITIONS = {
  'too-deep': (limit: number) =>
    say(
      `조건이 ${limit}단계보다 깊게 겹쳐 있습니다.`,
      `The condition is nested deeper than ${limit}.`,
      `Điều kiện lồng nhau sâu hơn ${limit} tầng.`,
    ),
  'too-large': (limit: number) =>
    say(
      `조건의 구성 요소가 ${limit}개를 넘습니다.`,
      `The condition has more than ${limit} parts.`,
      `Điều kiện có hơn ${limit} phần.`,
    ),
  'too-wide': (limit: number) =>
    say(
      `한 연산에 값이 ${limit}개를 넘게 들어 있습니다.`,
      `The operator has more than ${limit} arguments.`,
      `Phép toán có hơn ${limit} đối số.`,
    ),
  'too-costly': (cost: number, limit: number) =>
    say(
      `조건을 판정하는 데 시간이 너무 많이 듭니다(100만 명당 약 ${cost}ms, 한도 ${limit}ms). 조건을 나누거나 줄여 주십시오.`,
      `The condition takes too long to judge: about ${cost} ms a million citizens, over the limit of ${limit} ms. Split or shorten it.`,
      `Điều kiện mất quá nhiều thời gian để xét: khoảng ${cost} ms cho một triệu người, quá giới hạn ${limit} ms. Hãy chia nhỏ hoặc rút gọn.`,
    ),
  'not-one-operator': () =>
    say(
      '식에는 연산자가 정확히 하나 있어야 합니다.',
      'An expression has exactly one operator.',
      'Một biểu thức phải có đúng một phép toán.',
    ),
  'operator-unknown': (op: string) =>
    say(
      `${withParticle(shown(op), '은/는')} 규칙에서 쓸 수 있는 연산자가 아닙니다.`,
      `${shown(op)} is not an operator of the language.`,
      `${shown(op)} không phải là phép toán của ngôn ngữ quy tắc.`,
    ),
  'argument-count': (op: string, least: number, most: number, given: number) => {
    const [ko, en, vi] =
      least === most
        ? [`${least}개`, `${least}`, `${least}`]
        : most === LIMITS.arguments
          ? [`${least}개 이상`, `at least ${least}`, `ít nhất ${least}`]
          : [`${least}~${most}개`, `${least} to ${most}`, `${least} đến ${most}`];
    return say(
      `${shown(op)}에는 값이 ${ko} 필요한데 ${given}개가 있습니다.`,
      `${shown(op)} takes ${en} argument${en === '1' ? '' : 's'}, ${given} are given.`,
      `${shown(op)} cần ${vi} đối số, nhưng có ${given}.`,
    );
  },
  'type-wrong': (found: Type, want: Type) =>
    say(
      `${withParticle(TYPE_NAMES[want].ko, '이/가')} 와야 할 자리에 ${withParticle(TYPE_NAMES[found].ko, '이/가')} 있습니다.`,
      `There is ${TYPE_NAMES[found].en} where ${TYPE_NAMES[want].en} is wanted.`,
      `Có ${TYPE_NAMES[found].vi} ở chỗ cần ${TYPE_NAMES[want].vi}.`,
    ),
  'literal-wrong': (value: unknown, want: Type) => {
    const quoted = want === 'text';
    return say(
      `${withParticle(quoted ? '따옴표로 묶은 글자' : TYPE_NAMES[want].ko, '이/가')} 와야 할 자리에 ${withParticle(literal(value), '이/가')} 있습니다.`,
      `${literal(value)} stands where ${quoted ? 'a text in quotes' : TYPE_NAMES[want].en} is wanted.`,
      `${literal(value)} nằm ở chỗ cần ${quoted ? 'một văn bản trong ngoặc kép' : TYPE_NAMES[want].vi}.`,
    );
  },
  'variable-malformed': () =>
    say(
      '항목 이름은 글자 하나로 적어야 하며 기본값은 둘 수 없습니다.',
      'A variable names one field as a text; there are no defaults.',
      'Tên mục phải là một văn bản; không có giá trị mặc định.',
    ),
  'variable-unknown': (path: string) =>
    say(
      `${withParticle(shown(path), '은/는')} citizen.항목도 event.경로도 아닙니다.`,
      `${shown(path)} is neither citizen.<field> nor event.<path>.`,
      `${shown(path)} không phải citizen.<mục> cũng không phải event.<đường dẫn>.`,
    ),
  'citizen-out-of-reach': (path: string) =>
    say(
      `여기서는 사건의 값만 쓸 수 있어 ${withParticle(shown(path), '을/를')} 쓸 수 없습니다.`,
      `${shown(path)}: only the event may be read here.`,
      `Ở đây chỉ đọc được sự kiện, không dùng được ${shown(path)}.`,
    ),
  'field-unknown': (path: string) =>
    say(
      `${withParticle(shown(path), '은/는')} 항목 목록에 없습니다.`,
      `${shown(path)} is not in the field catalogue.`,
      `${shown(path)} không có trong danh mục.`,
    ),
  'field-is-list': (labels: Labels) =>
    say(
      `‘${labels.ko}’ 항목은 목록이므로 some, all, none으로 살펴야 합니다.`,
      `“${labels.en}” is a list: some, all and none look at its items.`,
      `“${labels.vi}” là danh sách: hãy dùng some, all hoặc none.`,
    ),
  'field-is-no-list': () =>
    say(
      'some, all, none의 첫 자리에는 {"var": "citizen.…"}로 적은 목록 항목이 와야 합니다.',
      'The first place of some, all and none is a list field, written {"var": "citizen.…"}.',
      'Vị trí đầu của some, all, none phải là một mục danh sách, viết {"var": "citizen.…"}.',
    ),
  'field-foreign': (labels: Labels, agency: string) =>
    say(
      `‘${labels.ko}’ 항목은 기관 ${withParticle(shown(agency), '이/가')} 쓸 수 없습니다.`,
      `“${labels.en}” may not be used by the agency ${shown(agency)}.`,
      `Cơ quan ${shown(agency)} không được dùng mục “${labels.vi}”.`,
    ),
  'item-outside-list': (path: string) =>
    say(
      `${withParticle(shown(path), '은/는')} some, all, none 안에서만 쓸 수 있습니다.`,
      `${shown(path)} can be read only inside some, all or none.`,
      `${shown(path)} chỉ đọc được bên trong some, all hoặc none.`,
    ),
  'member-unknown': (path: string, labels: Labels) =>
    say(
      `‘${labels.ko}’ 목록의 구성원에는 ${withParticle(shown(path), '이/가')} 없습니다.`,
      `${shown(path)} is no member of an item of “${labels.en}”.`,
      `${shown(path)} không phải là thành phần của “${labels.vi}”.`,
    ),
  'member-is-citizen': (path: string) =>
    say(
      `${withParticle(shown(path), '은/는')} 다른 사람을 가리키는 식별자라 조건에 쓸 수 없습니다.`,
      `${shown(path)} is another citizen's id, which conditions cannot read.`,
      `${shown(path)} là mã của người khác nên không dùng được trong điều kiện.`,
    ),
  'list-in-list': () =>
    say(
      'some, all, none은 다른 some, all, none 안에 둘 수 없습니다.',
      'some, all and none cannot stand inside one another.',
      'some, all, none không được lồng vào nhau.',
    ),
  'event-path-unknown': (path: string, type: string) =>
    say(
      `${withParticle(shown(path), '은/는')} 사건 유형 ${type}의 형식에 없습니다.`,
      `${shown(path)} is not in the schema of ${type}.`,
      `${shown(path)} không có trong lược đồ của ${type}.`,
    ),
  'event-path-untyped': (path: string, type: string) =>
    say(
      `사건 유형 ${type}의 형식이 ${shown(path)}의 종류를 하나로 정하지 않습니다.`,
      `The schema of ${type} gives no single type for ${shown(path)}.`,
      `Lược đồ của ${type} không cho ${shown(path)} một kiểu duy nhất.`,
    ),
  'known-of-what': () =>
    say(
      'known은 {"var": "…"}로 적은 항목 하나에 대해서만 물을 수 있습니다.',
      'known asks about one variable, written {"var": "…"}.',
      'known chỉ hỏi về một mục, viết {"var": "…"}.',
    ),
  'amount-too-large': (limit: number) =>
    say(`더하는 수가 ${limit}을 넘습니다.`, `The amount is over ${limit}.`, `Số cộng vào lớn hơn ${limit}.`),
  'direction-unknown': () =>
    say(
      'workingDay의 둘째 자리에는 "next"나 "previous"가 와야 합니다.',
      'The second place of workingDay is "next" or "previous".',
      'Vị trí thứ hai của workingDay phải là "next" hoặc "previous".',
    ),
  'literals-only': () =>
    say(
      '적어 둔 값끼리 비교하고 있습니다. 한쪽은 항목을 읽어야 합니다.',
      'This compares literals with each other: one side must read something.',
      'Đây là so sánh các giá trị viết sẵn với nhau: một bên phải đọc một mục.',
    ),
  'no-order': (type: Type) =>
    say(
      `${TYPE_NAMES[type].ko} 값에는 순서가 없어 ==와 !=로만 비교할 수 있습니다.`,
      `What is ${TYPE_NAMES[type].en} has no order: only == and != compare it.`,
      `Giá trị là ${TYPE_NAMES[type].vi} thì không có thứ tự: chỉ so sánh bằng == và !=.`,
    ),
  'value-unknown': (value: string, values: readonly string[]) => {
    const list = values
      .slice(0, 20)
      .map((one) => JSON.stringify(one).slice(1, -1))
      .join(', ');
    return say(
      `${withParticle(shown(value), '은/는')} 쓸 수 있는 값이 아닙니다(${list}).`,
      `${shown(value)} is none of the values ${list}.`,
      `${shown(value)} không thuộc các giá trị ${list}.`,
    );
  },
  'value-unlike': (value: string, labels: Labels) =>
    say(
      `${withParticle(shown(value), '은/는')} ‘${labels.ko}’의 표기 형식과 다릅니다.`,
      `${shown(value)} is not written like “${labels.en}”.`,
      `${shown(value)} không được viết theo dạng của “${labels.vi}”.`,
    ),
  'needle-literal': () =>
    say(
      'in의 첫 자리에는 항목이 와야 합니다. 적어 둔 값은 목록에 있거나 없거나 이미 정해져 있습니다.',
      'The first place of in must read something: a literal is in a list or not.',
      'Vị trí đầu của in phải đọc một mục.',
    ),
  'list-wanted': () =>
    say('이 자리에는 목록이 와야 합니다.', 'This must be a list.', 'Chỗ này phải là một danh sách.'),
  'list-of-other-type': (found: Type, want: Type) =>
    say(
      `${withParticle(TYPE_NAMES[want].ko, '을/를')} 찾는데 목록에는 ${withParticle(TYPE_NAMES[found].ko, '이/가')} 들어 있습니다.`,
      `This is a list of ${TYPE_NAMES[found].en} where ${TYPE_NAMES[want].en} is looked for.`,
      `Đây là danh sách ${TYPE_NAMES[found].vi} trong khi cần tìm ${TYPE_NAMES[want].vi}.`,
    ),
  'list-empty': () =>
    say(
      '값이 하나 이상 있는 목록이어야 합니다.',
      'This must be a list of at least one value.',
      'Danh sách phải có ít nhất một giá trị.',
    ),
  'list-too-long': (limit: number) =>
    say(
      `목록의 값이 ${limit}개를 넘습니다.`,
      `The list has more than ${limit} values.`,
      `Danh sách có hơn ${limit} giá trị.`,
    ),
  'literal-wanted': () =>
    say(
      '목록에는 적어 둔 값만 올 수 있습니다.',
      'This must be a literal.',
      'Chỗ này phải là một giá trị viết sẵn.',
    ),
  'choice-incomplete': () =>
    say(
      'if에는 조건과 값의 짝들, 그리고 나머지 경우의 값 하나가 필요합니다.',
      'if takes condition, value, … and one last value for otherwise.',
      'if cần các cặp điều kiện và giá trị, cùng một giá trị cuối cho trường hợp còn lại.',
    ),
  'null-literal': () =>
    say(
      'null은 값이 아닙니다. 값이 없으면 조건은 저절로 “알 수 없음”이 되며, 값이 있는지는 known으로 묻습니다.',
      'null is no value: what is missing makes a condition unknown by itself, and known asks whether there is a value.',
      'null không phải là giá trị: thiếu dữ liệu thì điều kiện tự thành “không rõ”, và known hỏi có giá trị hay không.',
    ),
  'list-misplaced': () =>
    say(
      '목록은 in의 둘째 자리에만 올 수 있습니다.',
      'A list may stand only in the second place of "in".',
      'Danh sách chỉ được đứng ở vị trí thứ hai của in.',
    ),
  'number-out-of-range': () =>
    say(
      '다룰 수 있는 수의 범위를 벗어났습니다.',
      'The number is out of the range of numbers.',
      'Số nằm ngoài phạm vi xử lý được.',
    ),
  'not-json': (type: string) =>
    say(
      `${withParticle(type, '은/는')} JSON 값이 아닙니다.`,
      `A ${type} is no JSON value.`,
      `${type} không phải là giá trị JSON.`,
    ),
  'text-unreadable': () =>
    say(
      '글자에 제어 문자나 깨진 문자가 들어 있습니다.',
      'The text holds a control character or half a character.',
      'Văn bản chứa ký tự điều khiển hoặc ký tự hỏng.',
    ),
  'text-too-long': (limit: number) =>
    say(
      `글자가 ${limit}자를 넘습니다.`,
      `The text is longer than ${limit} characters.`,
      `Văn bản dài hơn ${limit} ký tự.`,
    ),
  'day-unknown': (value: string) =>
    say(
      `${withParticle(shown(value), '은/는')} 달력에 있는 날짜(YYYY-MM-DD)가 아닙니다.`,
      `${shown(value)} is not a day of the calendar (YYYY-MM-DD).`,
      `${shown(value)} không phải là một ngày có trong lịch (YYYY-MM-DD).`,
    ),
} as const;
