/** What a rule is warned of when it is saved: it is not wrong, but probably not meant. From code to a sentence in each language. */
import type { Fault } from '../../domain/errors.ts';
import type { Labels } from '../catalogue.ts';

const say = (ko: string, en: string, vi: string): Labels => ({ ko, en, vi });

const WARNINGS = {
  'leaf-always-true': say(
    '이 조건은 값이 있으면 언제나 참입니다. 있으나 마나 한 조건입니다.',
    'This holds for every value there can be: it leaves nobody out who has one.',
    'Điều kiện này đúng với mọi giá trị có thể có, nên không loại trừ ai có giá trị.',
  ),
  'leaf-always-false': say(
    '이 조건을 만족하는 값은 있을 수 없습니다.',
    'There is no value for which this could hold.',
    'Không có giá trị nào thỏa mãn điều kiện này.',
  ),
  'leaf-follows': say(
    '함께 있는 다른 조건을 만족하면 이 조건도 언제나 만족합니다.',
    'This follows from the conditions beside it: whoever satisfies those satisfies this.',
    'Điều này đã suy ra từ các điều kiện bên cạnh: ai thỏa mãn chúng thì cũng thỏa mãn điều này.',
  ),
  'leaf-contradicts': say(
    '함께 있는 다른 조건과 동시에 만족할 수 없습니다. 둘 다 만족하는 사람은 없습니다.',
    'This cannot hold together with the conditions beside it: nobody satisfies both.',
    'Điều này không thể đúng cùng lúc với các điều kiện bên cạnh: không ai thỏa mãn cả hai.',
  ),
  'dates-contradict': say(
    '날짜가 서로 맞지 않습니다. 이를 모두 만족하는 날짜가 없습니다.',
    'The dates contradict each other: no day satisfies all of them.',
    'Các ngày mâu thuẫn nhau: không có ngày nào thỏa mãn tất cả.',
  ),
  'branch-unreachable': say(
    '여기에는 아무도 이르지 않습니다. 앞의 조건에서 이미 결정됩니다.',
    'Nobody comes here: what stands before has decided already.',
    'Không ai đến được nhánh này: phần đứng trước đã quyết định xong.',
  ),
  'whole-always-true': say(
    '나열된 조건이 모든 값을 포함하므로 값이 있으면 언제나 참입니다.',
    'Together these cover every value there can be: this is true for whoever has one.',
    'Gộp lại, các điều kiện này bao gồm mọi giá trị, nên luôn đúng với ai có giá trị.',
  ),
} as const;

export type WarningCode = keyof typeof WARNINGS;
export const WARNING_CODES = Object.keys(WARNINGS) as readonly WarningCode[];
export type RuleWarning = Fault & { readonly code: WarningCode; readonly sentences: Labels };

export function warning(code: WarningCode, pointer: string): RuleWarning {
  const sentences = WARNINGS[code];
  return { pointer, code, message: sentences.en, sentences };
}
