/** What is said of JsonLogic that comes in: what could not be said in the strict profile, and what was written otherwise. */
import { withParticle } from '../../domain/kr/particles.ts';
import type { Expression } from '../../domain/rule.ts';
import type { Labels } from '../catalogue.ts';
import type { Node } from '../language.ts';

const say = (ko: string, en: string, vi: string): Labels => ({ ko, en, vi });

export const IMPORT_NOTES = {
  // What the strict profile cannot say.
  'operator-outside': (op: string) =>
    say(
      `‘${op}’ 연산은 규칙에 쓸 수 없습니다. 계산이 필요하면 사건에 그 값을 담아 주십시오.`,
      `“${op}” is outside the language; let the event carry what would be computed.`,
      `Không dùng được phép “${op}”; hãy để sự kiện mang sẵn giá trị cần tính.`,
    ),
  substring: () =>
    say(
      '글자 안에서 글자를 찾는 in은 쓸 수 없습니다.',
      '“in” looks through lists only, not for a part of a text.',
      'Phép in chỉ tìm trong danh sách, không tìm một phần của văn bản.',
    ),
  'value-of-logic': () =>
    say(
      '값이 와야 할 자리에 and, or, !, missing의 결과가 있습니다.',
      'The outcome of and, or, ! or missing stands where a value is wanted.',
      'Kết quả của and, or, ! hoặc missing nằm ở chỗ cần một giá trị.',
    ),
  'some-missing': () =>
    say(
      'missing_some은 하나만 있으면 되거나 모두 있어야 하는 때에만 옮길 수 있습니다.',
      '“missing_some” can be said only of one or of all.',
      'Chỉ chuyển được missing_some khi cần một mục hoặc tất cả các mục.',
    ),
  'variable-computed': () =>
    say(
      '항목 이름을 계산해서 정할 수는 없습니다.',
      'The name of a variable cannot be computed.',
      'Không thể tính ra tên của một mục.',
    ),
  'truth-of-literal': () =>
    say(
      '적어 둔 값의 참·거짓은 조건이 될 수 없습니다.',
      'The truth of a literal is no condition.',
      'Giá trị viết sẵn không phải là điều kiện.',
    ),
  'shape-unknown': () =>
    say('JsonLogic의 모양이 아닙니다.', 'This is not JsonLogic.', 'Đây không phải là JsonLogic.'),
  // What was written otherwise.
  'was-presence': () =>
    say(
      '값이 있는지 보는 것으로 옮겼습니다(known).',
      'Its truth asks whether there is a value: written as known.',
      'Được chuyển thành việc hỏi có giá trị hay không (known).',
    ),
  'was-default': () =>
    say(
      '기본값은 값이 없을 때를 따로 적는 것으로 옮겼습니다.',
      'A default is written as what holds where there is no value.',
      'Giá trị mặc định được chuyển thành trường hợp không có giá trị.',
    ),
  'was-range': () =>
    say(
      '값이 셋인 비교를 범위로 옮겼습니다.',
      'A comparison of three is written as a range.',
      'Phép so sánh ba vế được chuyển thành một khoảng.',
    ),
  'was-text': () =>
    say(
      '글자로 적힌 수를 수로 옮겼습니다.',
      'A number written as a text is written as a number.',
      'Số viết dưới dạng văn bản được chuyển thành số.',
    ),
  'was-named': (name: string) =>
    say(
      `항목 이름을 ${withParticle(name, '으로/로')} 적었습니다.`,
      `The variable is written ${name}.`,
      `Mục được viết là ${name}.`,
    ),
  'was-incomplete': () =>
    say(
      '나머지 경우가 없는 if에는 거짓을 적었습니다.',
      'An if without an otherwise is false otherwise.',
      'if không có trường hợp còn lại được xem là sai ở trường hợp đó.',
    ),
} as const;

export type ImportCode = keyof typeof IMPORT_NOTES;
export type ImportNote = { readonly pointer: string; readonly code: string; readonly sentences: Labels };

export function importNote<C extends ImportCode>(
  code: C,
  pointer: string,
  ...about: Parameters<(typeof IMPORT_NOTES)[C]>
): ImportNote {
  const speak = IMPORT_NOTES[code] as (...given: readonly unknown[]) => Labels;
  return { pointer, code, sentences: speak(...about) };
}

export type Imported = {
  /** What was given as a condition, checked. Absent where there are faults. */
  readonly condition?: Expression;
  readonly node?: Node;
  /** What cannot be said, by pointers into what was given. */
  readonly faults: readonly ImportNote[];
  /** What is written otherwise. */
  readonly notes: readonly ImportNote[];
};
