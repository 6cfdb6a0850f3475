import type { Spoken } from '../words.ts';

type PublishWords = {
  readonly notSaved: string;
  readonly notYet: string;
  readonly difference: string;
  readonly first: string;
  readonly tellsAt: (stages: string, channels: string) => string;
  readonly same: string;
  readonly from: (version: number) => string;
  readonly changed: string;
  readonly members: Readonly<Record<string, string>>;
  readonly lost: string;
  readonly gained: string;
  readonly enter: string;
  readonly leave: string;
  readonly stay: string;
  readonly people: (count: string) => string;
  readonly next: string;
  readonly request: string;
  readonly requestWhy: string;
  readonly note: string;
  readonly approve: string;
  readonly approveAndPublish: string;
  readonly approveWhy: (hash: string) => string;
  readonly refuse: string;
  readonly publish: string;
  readonly publishWhy: string;
  readonly withdraw: string;
  readonly withdrawWhy: string;
  readonly withdrawTitle: string;
  readonly planned: string;
  readonly cancel: (count: string) => string;
  readonly keep: (count: string) => string;
  readonly reason: string;
  readonly reasonNeeded: string;
  readonly close: string;
  readonly whyNot: Readonly<Record<string, string>>;
  readonly states: Readonly<Record<string, string>>;
  readonly versions: string;
  readonly version: string;
  readonly state: string;
  readonly who: string;
  readonly history: string;
  readonly steps: Readonly<Record<string, string>>;
  readonly show: (version: number) => string;
  readonly failed: string;
  readonly texts: string;
  readonly textsAlong: string;
  readonly textsAlone: string;
  readonly textsWait: string;
  readonly writtenBy: (who: string) => string;
  readonly counting: string;
};

export const PUBLISH_WORDS: Spoken<PublishWords> = {
  ko: {
    notSaved: '먼저 저장하세요. 저장한 판만 승인하고 게시할 수 있습니다.',
    notYet: '아직 저장한 판이 없습니다.',
    difference: '무엇이 바뀌나요',
    first: '처음 게시하는 규칙입니다.',
    tellsAt: (stages, channels) => `알리는 때: ${stages}. 채널: ${channels}.`,
    same: '시행 중인 판과 같습니다.',
    from: (version) => `시행 중인 ${version}판과 견주면`,
    changed: '바뀐 부분',
    members: {
      title: '이름',
      on: '이벤트',
      category: '갈래',
      reach: '알릴 범위',
      condition: '조건',
      obligation: '할 일의 종류',
      deadline: '마감',
      stages: '알리는 때',
      channels: '채널',
      cascade: '채널 순서',
      overflow: '넘칠 때',
      templates: '문구',
      action: '할 일',
      basis: '근거',
      tests: '시험 시민',
    },
    lost: '빠지는 것',
    gained: '더해지는 것',
    enter: '새로 들어옴',
    leave: '빠짐',
    stay: '그대로',
    people: (count) => `${count}명`,
    next: '다음 할 일',
    request: '승인 요청',
    requestWhy: '쓴 사람이 아닌 다른 사람이 읽고 승인합니다.',
    note: '승인할 사람에게 남길 말',
    approve: '승인',
    approveAndPublish: '승인하고 게시',
    approveWhy: (hash) => `지금 보는 이 내용(${hash})을 승인합니다. 그 뒤에 고치면 다시 승인받아야 합니다.`,
    refuse: '돌려보내기',
    publish: '게시',
    publishWhy: '게시하면 다음 이벤트부터 이 판을 씁니다.',
    withdraw: '거두기',
    withdrawWhy: '거두면 이 규칙은 새 이벤트를 더 받지 않습니다.',
    withdrawTitle: '규칙을 거둡니다',
    planned: '아직 나가지 않은 안내',
    cancel: (count) => `취소합니다 (${count}건)`,
    keep: (count) => `그대로 내보냅니다 (${count}건)`,
    reason: '까닭',
    reasonNeeded: '까닭을 쓰세요. 감사 기록에 남습니다.',
    close: '닫기',
    whyNot: {
      permission: '이 일을 할 권한이 없습니다.',
      approved: '이미 승인되었습니다.',
      awaiting: '승인을 기다리고 있습니다.',
      'wrote-it': '이 판을 쓴 사람은 승인할 수 없습니다. 다른 사람에게 부탁하세요.',
      'not-awaiting': '승인 요청을 받은 판이 아닙니다.',
      'not-approved': '승인받은 뒤에 게시할 수 있습니다.',
      live: '시행 중입니다.',
      withdrawn: '거둔 판입니다.',
      'not-live': '시행 중인 판이 아닙니다.',
    },
    states: {
      draft: '초안입니다. 승인을 요청하세요.',
      awaiting: '승인을 기다립니다.',
      approved: '승인되었습니다. 게시할 수 있습니다.',
      live: '시행 중입니다.',
      replaced: '다른 판으로 바뀌었습니다.',
      withdrawn: '거두었습니다.',
    },
    versions: '판',
    version: '판',
    state: '상태',
    who: '누가 언제',
    history: '지나온 일',
    steps: {
      drafted: '씀',
      edited: '고침',
      requested: '승인 요청',
      refused: '돌려보냄',
      approved: '승인',
      published: '게시',
      withdrawn: '거둠',
    },
    show: (version) => `${version}판 보기`,
    failed: '하지 못했습니다.',
    texts: '문구 승인',
    textsAlong: '이 판과 함께 승인하고 게시할 문구',
    textsAlone: '새 문구가 승인을 기다립니다. 승인하면 바로 쓰입니다.',
    textsWait: '쓴 사람이 아닌 승인자가 읽고 승인합니다.',
    writtenBy: (who) => `${who} 씀`,
    counting: '대상이 어떻게 달라지는지 세는 중입니다.',
  },
  en: {
    notSaved: 'Save first. Only what is saved can be approved and published.',
    notYet: 'Nothing has been saved yet.',
    difference: 'What will change',
    first: 'This rule has not been published before.',
    tellsAt: (stages, channels) => `Told: ${stages}. By: ${channels}.`,
    same: 'It is the same as the live version.',
    from: (version) => `Compared with version ${version}, which is live`,
    changed: 'Changed parts',
    members: {
      title: 'name',
      on: 'event',
      category: 'category',
      reach: 'who is told',
      condition: 'condition',
      obligation: 'what it is about',
      deadline: 'deadline',
      stages: 'stages',
      channels: 'channels',
      cascade: 'order of channels',
      overflow: 'overflow',
      templates: 'texts',
      action: 'what to do',
      basis: 'legal basis',
      tests: 'test citizens',
    },
    lost: 'What goes',
    gained: 'What comes',
    enter: 'Enter',
    leave: 'Leave',
    stay: 'Stay',
    people: (count) => `${count} people`,
    next: 'What is next',
    request: 'Request approval',
    requestWhy: 'Somebody who did not write it reads and approves it.',
    note: 'A word for whoever approves',
    approve: 'Approve',
    approveAndPublish: 'Approve and publish',
    approveWhy: (hash) =>
      `You approve exactly what you see (${hash}). What is changed afterwards has to be approved again.`,
    refuse: 'Send back',
    publish: 'Publish',
    publishWhy: 'From the next event on, this version is used.',
    withdraw: 'Withdraw',
    withdrawWhy: 'A withdrawn rule takes no further events.',
    withdrawTitle: 'Withdraw the rule',
    planned: 'Notices that have not left yet',
    cancel: (count) => `Cancel them (${count})`,
    keep: (count) => `Let them leave (${count})`,
    reason: 'Reason',
    reasonNeeded: 'Say why. It stays in the audit trail.',
    close: 'Close',
    whyNot: {
      permission: 'You do not have the right to do this.',
      approved: 'It has been approved already.',
      awaiting: 'It is awaiting approval.',
      'wrote-it': 'Whoever wrote it cannot approve it. Ask somebody else.',
      'not-awaiting': 'Nobody has asked for its approval.',
      'not-approved': 'It can be published once it is approved.',
      live: 'It is live.',
      withdrawn: 'It was withdrawn.',
      'not-live': 'This version is not live.',
    },
    states: {
      draft: 'This is a draft. Request approval.',
      awaiting: 'It is awaiting approval.',
      approved: 'It is approved and can be published.',
      live: 'It is live.',
      replaced: 'Another version took its place.',
      withdrawn: 'It was withdrawn.',
    },
    versions: 'Versions',
    version: 'Version',
    state: 'State',
    who: 'Who and when',
    history: 'History',
    steps: {
      drafted: 'Written',
      edited: 'Changed',
      requested: 'Approval requested',
      refused: 'Sent back',
      approved: 'Approved',
      published: 'Published',
      withdrawn: 'Withdrawn',
    },
    show: (version) => `Show version ${version}`,
    failed: 'It could not be done.',
    texts: 'Approve texts',
    textsAlong: 'Texts approved and published with this version',
    textsAlone: 'New texts await approval. They are used as soon as they are approved.',
    textsWait: 'An approver who did not write them reads and approves them.',
    writtenBy: (who) => `Written by ${who}`,
    counting: 'Counting how the audience differs.',
  },
};
