/** Refusals of a rule file around its expressions, and of its test citizens: see refusals.ts. */
import { withParticle } from '../domain/kr/particles.ts';
import { dayText } from './calendar.ts';
import {
  type CitizenField,
  FIRST_PROFILE_DAY,
  type Field,
  LAST_PROFILE_DAY,
  type Labels,
  MAX_ITEMS,
  MAX_TEXT,
} from './catalogue.ts';
import { say, shown, TYPE_NAMES } from './refusals-of-conditions.ts';

type Outcome = 'certain' | 'possible' | 'no';
const OUTCOMES: Readonly<Record<Outcome, { ko: string; vi: string }>> = {
  certain: { ko: '확실히 해당', vi: 'chắc chắn' },
  possible: { ko: '해당할 수 있음', vi: 'có thể' },
  no: { ko: '해당 없음', vi: 'không' },
};

/** What JSON Schema calls types. */
const SHAPES: Readonly<Record<string, Labels>> = {
  object: { ko: '항목들의 묶음({ … })', en: 'an object', vi: 'một nhóm mục ({ … })' },
  array: { ko: '목록([ … ])', en: 'a list', vi: 'một danh sách ([ … ])' },
  string: { ko: '글자', en: 'a text', vi: 'một văn bản' },
  integer: { ko: '정수', en: 'an integer', vi: 'một số nguyên' },
  number: { ko: '숫자', en: 'a number', vi: 'một số' },
  boolean: { ko: '참·거짓', en: 'true or false', vi: 'đúng hoặc sai' },
};

/** What a test citizen may have: the value of a field, or an item of a list. */
export type Wanted = Field | CitizenField | 'item';

/** What must come, as sentences end. */
function wantedOf(wanted: Wanted): Labels {
  const comes = (ko: string, en: string, vi: string): Labels =>
    say(`${withParticle(ko, '이/가')} 와야 합니다`, en, vi);
  const kind = ({ ko, en, vi }: Labels): Labels => comes(ko, en, vi);
  if (wanted === 'item') return kind(SHAPES['object']!);
  switch (wanted.type) {
    case 'date': {
      const [first, last] = [dayText(FIRST_PROFILE_DAY), dayText(LAST_PROFILE_DAY)];
      return comes(
        `${first}부터 ${last}까지의 날짜(YYYY-MM-DD)`,
        `a date from ${first} to ${last} (YYYY-MM-DD)`,
        `một ngày từ ${first} đến ${last} (YYYY-MM-DD)`,
      );
    }
    case 'integer': {
      const { min, max } = wanted;
      return comes(
        `${min}에서 ${max}까지의 정수`,
        `an integer from ${min} to ${max}`,
        `một số nguyên từ ${min} đến ${max}`,
      );
    }
    case 'enum': {
      const list = (language: keyof Labels): string =>
        wanted.values.map((value) => `${value} (${wanted.valueLabels[value]![language]})`).join(', ');
      return say(
        `다음 중 하나가 와야 합니다: ${list('ko')}`,
        `one of: ${list('en')}`,
        `một trong: ${list('vi')}`,
      );
    }
    case 'string':
      return wanted.names === 'sigungu'
        ? comes(
            '시·군·구 코드(예: 11680)',
            'the code of a district (such as 11680)',
            'mã của một quận, huyện (ví dụ 11680)',
          )
        : comes(
            `이 항목에 맞는 1자에서 ${MAX_TEXT}자까지의 글자`,
            `a text of 1 to ${MAX_TEXT} characters that fits the field`,
            `một văn bản từ 1 đến ${MAX_TEXT} ký tự hợp với mục này`,
          );
    case 'citizen':
      return comes(
        `1자에서 ${MAX_TEXT}자까지의 시민 번호`,
        `a citizen's id of 1 to ${MAX_TEXT} characters`,
        `mã của một người dân, từ 1 đến ${MAX_TEXT} ký tự`,
      );
    case 'list':
      return comes(
        `${MAX_ITEMS}개 이하의 목록`,
        `a list of at most ${MAX_ITEMS}`,
        `một danh sách không quá ${MAX_ITEMS} mục`,
      );
    default:
      return kind(TYPE_NAMES[wanted.type]);
  }
}

export const OF_FILES = {
  'file-not-json': (line: number, column: number) =>
    say(
      `JSON으로 읽을 수 없는 파일입니다(${line}행 ${column}열).`,
      `This file is no JSON (line ${line}, column ${column}).`,
      `Tệp này không phải là JSON (dòng ${line}, cột ${column}).`,
    ),
  'shape-unknown-member': (name: string) =>
    say(
      `${withParticle(shown(name), '은/는')} 규칙에 둘 수 있는 항목이 아닙니다.`,
      `${shown(name)} is not known here.`,
      `${shown(name)} không được biết ở đây.`,
    ),
  'shape-missing-member': (name: string) =>
    say(
      `${withParticle(shown(name), '이/가')} 빠졌습니다.`,
      `${shown(name)} is missing.`,
      `Thiếu ${shown(name)}.`,
    ),
  'shape-value': (values: readonly string[]) =>
    say(
      `다음 중 하나여야 합니다: ${values.join(', ')}.`,
      `This must be one of: ${values.join(', ')}.`,
      `Phải là một trong: ${values.join(', ')}.`,
    ),
  'shape-type': (type: string) =>
    say(
      `이 자리에는 ${withParticle(SHAPES[type]?.ko ?? type, '이/가')} 와야 합니다.`,
      `This must be ${SHAPES[type]?.en ?? type}.`,
      `Chỗ này phải là ${SHAPES[type]?.vi ?? type}.`,
    ),
  'shape-written': (examples: readonly string[]) => {
    const list = examples.join(', ');
    return examples.length === 0
      ? say(
          '정해진 방식대로 적지 않았습니다.',
          'This is not written as it must be.',
          'Không được viết đúng cách.',
        )
      : say(
          `적는 방식이 다릅니다. 다음과 같이 적습니다: ${list}.`,
          `This is not written as it must be. Write it like: ${list}.`,
          `Không được viết đúng cách. Hãy viết như: ${list}.`,
        );
  },
  'shape-too-small': (limit: number) =>
    say(`${limit} 이상이어야 합니다.`, `This must be at least ${limit}.`, `Ít nhất phải là ${limit}.`),
  'shape-too-large': (limit: number) =>
    say(`${limit} 이하여야 합니다.`, `This must be at most ${limit}.`, `Nhiều nhất chỉ được là ${limit}.`),
  'shape-too-few': (limit: number) =>
    say(
      `너무 짧거나 적습니다(${limit} 이상이어야 합니다).`,
      `This is too short or too few: at least ${limit}.`,
      `Quá ngắn hoặc quá ít: ít nhất ${limit}.`,
    ),
  'shape-too-many': (limit: number) =>
    say(
      `너무 길거나 많습니다(${limit} 이하여야 합니다).`,
      `This is too long or too many: at most ${limit}.`,
      `Quá dài hoặc quá nhiều: nhiều nhất ${limit}.`,
    ),
  'shape-repeated': () =>
    say('같은 값이 두 번 들어 있습니다.', 'The same value is there twice.', 'Có cùng một giá trị hai lần.'),
  'shape-wrong': (detail: string) =>
    say(
      '규칙 파일의 형식에 맞지 않습니다.',
      `This is not valid: it ${detail}.`,
      'Không đúng định dạng của tệp quy tắc.',
    ),
  'event-type-unknown': (type: string) =>
    say(
      `${withParticle(shown(type), '은/는')} 등록된 사건 유형이 아닙니다.`,
      `${shown(type)} is not an event type.`,
      `${shown(type)} không phải là loại sự kiện.`,
    ),
  'event-type-tells-nobody': (effect: string) =>
    say(
      '이 사건 유형은 일이 끝났거나 취소되었음을 알리는 것이라 아무에게도 안내하지 않습니다.',
      `An event that ${effect} tells nobody anything.`,
      'Loại sự kiện này báo việc đã xong hoặc đã hủy nên không thông báo cho ai.',
    ),
  'event-type-foreign': (agency: string) =>
    say(
      `이 사건 유형은 다른 기관 ${shown(agency)}의 것입니다.`,
      `The event type belongs to another agency, ${shown(agency)}.`,
      `Loại sự kiện này thuộc cơ quan khác, ${shown(agency)}.`,
    ),
  'obligation-type': () =>
    say(
      '의무의 번호는 글자, 정수 또는 날짜여야 합니다.',
      "An obligation's reference must be a text, an integer or a date.",
      'Mã nghĩa vụ phải là văn bản, số nguyên hoặc ngày.',
    ),
  'not-without-citizen': (known: string) =>
    say(
      `이 자리의 식은 시민을 모르는 채 계산되므로 ${known}만 쓸 수 있습니다.`,
      `This cannot stand here: only ${known} are known without a citizen.`,
      `Biểu thức này không đứng ở đây được: khi chưa biết người dân chỉ dùng được ${known}.`,
    ),
  'stage-reserved': (kind: string) =>
    say(
      `${withParticle(shown(kind), '은/는')} 정정 안내를 위해 남겨 둔 이름이라 단계 이름으로 쓸 수 없습니다.`,
      `${shown(kind)} is kept for corrections and names no stage.`,
      `${shown(kind)} được dành cho thông báo đính chính nên không đặt tên giai đoạn được.`,
    ),
  'stage-twice': () =>
    say('같은 이름의 단계가 이미 있습니다.', 'The stage is there twice.', 'Giai đoạn này có hai lần.'),
  'template-missing': (kind: string) =>
    say(
      `단계 ${shown(kind)}의 문안이 정해지지 않았습니다.`,
      `The template of the stage ${shown(kind)} is missing: each stage names its template.`,
      `Thiếu mẫu văn bản của giai đoạn ${shown(kind)}.`,
    ),
  'template-without-stage': (kind: string) =>
    say(
      `${withParticle(shown(kind), '은/는')} 이 규칙의 단계가 아닙니다.`,
      `${shown(kind)} is not a stage of the rule.`,
      `${shown(kind)} không phải là giai đoạn của quy tắc.`,
    ),
  'deadline-missing': () =>
    say(
      '단계가 기한을 기준으로 하는데 규칙에 기한이 없습니다.',
      'The stage hangs on the deadline, which the rule does not have.',
      'Giai đoạn tính theo hạn chót nhưng quy tắc không có hạn chót.',
    ),
  'anchor-of-citizen': () =>
    say(
      '단계의 기준일은 사람마다 다를 수 없습니다. 사건이나 사건의 날짜를 기준으로 해 주십시오.',
      'The anchor depends on citizen.*; a stage hangs on the event or on a date of it.',
      'Mốc của giai đoạn không được phụ thuộc vào từng người; hãy dùng sự kiện hoặc một ngày của nó.',
    ),
  'law-missing': (labels: Labels) =>
    say(
      `‘${labels.ko}’ 항목은 민감정보라서 근거 법령(basis.law)을 적어야 합니다.`,
      `The law is missing: “${labels.en}” is sensitive.`,
      `Thiếu căn cứ pháp luật (basis.law): “${labels.vi}” là thông tin nhạy cảm.`,
    ),
  'test-day': () =>
    say(
      '판정 기준일이 달력에 있는 날짜(YYYY-MM-DD)가 아닙니다.',
      'The day is not a day of the calendar (YYYY-MM-DD).',
      'Ngày xét không phải là ngày có trong lịch (YYYY-MM-DD).',
    ),
  'test-field-unknown': (name: string) =>
    say(
      `시험 시민의 ${withParticle(shown(name), '은/는')} 항목 목록에 없습니다.`,
      `${shown(name)} is not in the field catalogue.`,
      `${shown(name)} của người dân thử nghiệm không có trong danh mục.`,
    ),
  'test-citizen-invalid': (labels: Labels, wanted: Wanted) => {
    const must = wantedOf(wanted);
    return say(
      `시험 시민의 ‘${labels.ko}’에는 ${must.ko}.`,
      `The test citizen's “${labels.en}” must be ${must.en}.`,
      `“${labels.vi}” của người dân thử nghiệm phải là ${must.vi}.`,
    );
  },
  'test-failed': (expected: Outcome, found: Outcome) =>
    say(
      `시험 시민에게 기대한 결과는 ‘${OUTCOMES[expected].ko}’인데 조건의 결과는 ‘${OUTCOMES[found].ko}’입니다.`,
      `The test expects ${expected}, but the condition gives ${found}.`,
      `Kết quả mong đợi là “${OUTCOMES[expected].vi}” nhưng điều kiện cho “${OUTCOMES[found].vi}”.`,
    ),
} as const;
