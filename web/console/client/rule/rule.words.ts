import type { Spoken } from '../words.ts';

export type RuleWords = {
  readonly fresh: string;
  readonly back: string;
  readonly untitled: string;
  readonly steps: Readonly<Record<'who' | 'when' | 'what' | 'try' | 'publish', string>>;
  readonly stepsLabel: string;
  readonly faultsIn: (count: number) => string;
  readonly save: string;
  readonly request: string;
  readonly saving: string;
  readonly savedAt: (time: string) => string;
  readonly notSaved: string;
  readonly unchanged: string;
  readonly revert: string;
  readonly saveFailed: string;
  readonly saveConflict: string;
  readonly loadAgain: string;
  readonly savedTitle: string;
  readonly readOnly: string;
  readonly basics: string;
  readonly titleKo: string;
  readonly titleEn: string;
  readonly titleVi: string;
  readonly titleViHint: string;
  readonly id: string;
  readonly idHint: string;
  readonly agency: string;
  readonly event: string;
  readonly eventHint: string;
  readonly chooseEvent: string;
  readonly category: string;
  readonly reach: string;
  readonly reaches: Readonly<Record<'certain' | 'possible', string>>;
  readonly reachHint: Readonly<Record<'certain' | 'possible', string>>;
  readonly law: string;
  readonly lawHint: string;
  readonly condition: string;
  readonly builder: string;
  readonly text: string;
  readonly textLabel: string;
  readonly textHint: string;
  readonly cannotShow: string;
  readonly notJson: (what: string) => string;
  readonly incomplete: string;
  readonly line: (line: number) => string;
  readonly sentence: string;
  readonly noSentence: string;
  readonly chooseEventFirst: string;
  readonly check: string;
  readonly nothingWrong: string;
};

export const RULE_WORDS: Spoken<RuleWords> = {
  ko: {
    fresh: '새 규칙',
    back: '규칙 목록',
    untitled: '이름 없는 규칙',
    steps: { who: '누구에게', when: '언제', what: '무엇을', try: '시험', publish: '게시' },
    stepsLabel: '규칙을 쓰는 다섯 단계',
    faultsIn: (count) => `고칠 것 ${count}가지`,
    save: '저장',
    request: '저장하고 승인 요청',
    saving: '저장하는 중',
    savedAt: (time) => `저장됨 ${time}`,
    notSaved: '저장하지 않음',
    unchanged: '바뀐 것 없음',
    revert: '고친 것 버리기',
    saveFailed: '저장하지 못했습니다. 쓴 내용은 그대로 있습니다.',
    saveConflict: '그사이 다른 사람이 이 판을 고쳤습니다. 쓴 내용은 그대로 있습니다.',
    loadAgain: '새로 고친 판 보기',
    savedTitle: '저장했습니다.',
    readOnly: '이 판은 고칠 수 없습니다. 고치면 다음 판이 됩니다.',
    basics: '기본',
    titleKo: '이름 (한국어)',
    titleEn: '이름 (영어)',
    titleVi: '이름 (베트남어)',
    titleViHint: '비우면 영어 이름이 보입니다.',
    id: '번호',
    idHint: '영어 이름에서 만듭니다. 저장한 뒤에는 바꿀 수 없습니다.',
    agency: '기관',
    event: '무슨 일이 생기면',
    eventHint: '이 일이 들어올 때마다 규칙이 대상을 찾습니다.',
    chooseEvent: '이벤트를 고르세요',
    category: '갈래',
    reach: '알릴 범위',
    reaches: { certain: '확실한 대상만', possible: '가능성이 있는 대상까지' },
    reachHint: {
      certain: '금액이나 의무를 알릴 때. 빠진 정보가 있으면 알리지 않습니다.',
      possible: '신청해야 정해지는 혜택에. 가능성이 있는 사람에게는 다른 문구가 갑니다.',
    },
    law: '근거 법령',
    lawHint: '민감 정보를 쓰려면 꼭 적어야 합니다.',
    condition: '조건',
    builder: '편집기',
    text: '글로 쓰기',
    textLabel: '조건 (JSON)',
    textHint: '고치면 바로 읽어 문장과 인원을 보여 줍니다.',
    cannotShow: '이 조건은 편집기로 나타낼 수 없어 글로 고칩니다.',
    notJson: (what) => `JSON이 아닙니다: ${what}`,
    incomplete: '조건을 하나 이상 넣고 빈칸을 채우세요.',
    line: (line) => `${line}행`,
    sentence: '이렇게 읽힙니다',
    noSentence: '조건이 다 채워지면 여기에 문장이 나옵니다.',
    chooseEventFirst: '먼저 무슨 일이 생기면 알릴지 고르세요.',
    check: '고칠 것',
    nothingWrong: '고칠 것이 없습니다.',
  },
  en: {
    fresh: 'New rule',
    back: 'All rules',
    untitled: 'Rule without a name',
    steps: { who: 'Who', when: 'When', what: 'What', try: 'Try', publish: 'Publish' },
    stepsLabel: 'Five steps of writing a rule',
    faultsIn: (count) => (count === 1 ? '1 thing to mend' : `${count} things to mend`),
    save: 'Save',
    request: 'Save and request approval',
    saving: 'Saving',
    savedAt: (time) => `Saved ${time}`,
    notSaved: 'Not saved',
    unchanged: 'No changes',
    revert: 'Discard changes',
    saveFailed: 'It was not saved. What you wrote is still here.',
    saveConflict: 'Somebody else changed this version meanwhile. What you wrote is still here.',
    loadAgain: 'See their version',
    savedTitle: 'Saved.',
    readOnly: 'This version cannot be changed. What you change becomes the next version.',
    basics: 'Basics',
    titleKo: 'Name (Korean)',
    titleEn: 'Name (English)',
    titleVi: 'Name (Vietnamese)',
    titleViHint: 'Left empty, the English name is shown.',
    id: 'Id',
    idHint: 'Made from the English name. It stays as it is once saved.',
    agency: 'Agency',
    event: 'When this happens',
    eventHint: 'Each time it comes in, the rule finds whom it concerns.',
    chooseEvent: 'Choose an event',
    category: 'Category',
    reach: 'Who is told',
    reaches: { certain: 'only those who are certain', possible: 'also those who are possible' },
    reachHint: {
      certain: 'For amounts and duties. Where something is not known, nobody is told.',
      possible: 'For benefits decided on application. The possible get a text of their own.',
    },
    law: 'Legal basis',
    lawHint: 'Needed wherever sensitive information is used.',
    condition: 'Condition',
    builder: 'Builder',
    text: 'Text',
    textLabel: 'Condition (JSON)',
    textHint: 'It is read as you type: the sentence and the counts follow.',
    cannotShow: 'The builder cannot show this condition, so it is edited as text.',
    notJson: (what) => `This is not JSON: ${what}`,
    incomplete: 'Add at least one condition and fill in what is empty.',
    line: (line) => `line ${line}`,
    sentence: 'It reads',
    noSentence: 'The sentence appears here when the condition is complete.',
    chooseEventFirst: 'First choose what has to happen.',
    check: 'To mend',
    nothingWrong: 'Nothing to mend.',
  },
};
