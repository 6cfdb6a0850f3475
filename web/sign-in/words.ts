/** The words of sign-in and sign-out, in Korean, English and Vietnamese. */
import type { StaffRole } from './person.ts';

export const SIGN_IN_LANGUAGES = ['ko', 'en', 'vi'] as const;
export type SignInLanguage = (typeof SIGN_IN_LANGUAGES)[number];

export type SignInWords = {
  readonly language: string;
  readonly skip: string;
  readonly signIn: string;
  readonly signOut: string;
  readonly choose: string;
  readonly chooseLead: string;
  readonly asCitizen: string;
  readonly asCitizenLead: string;
  readonly asStaff: string;
  readonly asStaffLead: string;
  readonly signOutLead: string;
  readonly signingOut: string;
  readonly signingOutLead: string;
  readonly goOn: string;
  readonly signedOut: string;
  readonly signedOutLead: string;
  readonly again: string;
  readonly home: string;
  readonly problems: Readonly<
    Record<
      | 'cancelled'
      | 'stale'
      | 'failed'
      | 'refused'
      | 'unavailable'
      | 'tooMany'
      | 'elsewhere'
      | 'notConfigured',
      { readonly title: string; readonly text: string }
    >
  >;
  /** Of the bundled provider. */
  readonly demonstration: string;
  readonly demonstrationLead: string;
  readonly account: string;
  /** Whom else one may sign in as. */
  readonly others: string;
  readonly otherAccount: string;
  readonly otherHint: Readonly<Record<'staff' | 'citizen', string>>;
  readonly password: string;
  readonly passwordHint: string;
  readonly wrong: string;
  readonly owner: string;
  readonly roles: Readonly<Record<StaffRole, string>>;
  readonly duties: Readonly<Record<StaffRole, string>>;
};

const ko: SignInWords = {
  language: '언어',
  skip: '본문으로 가기',
  signIn: '로그인',
  signOut: '로그아웃',
  choose: '누구로 로그인하시나요?',
  chooseLead: '쓰려는 화면을 고르세요.',
  asCitizen: '시민',
  asCitizenLead: '나에게 온 알림과 할 일을 봅니다.',
  asStaff: '기관 직원',
  asStaffLead: '규칙을 만들고 발송을 살핍니다.',
  signOutLead: '이 브라우저에서 로그아웃합니다.',
  signingOut: '로그아웃하는 중입니다',
  signingOutLead: '로그인한 곳에서도 로그아웃합니다. 넘어가지 않으면 아래 링크를 누르세요.',
  goOn: '계속',
  signedOut: '로그아웃했습니다',
  signedOutLead: '다른 사람과 함께 쓰는 컴퓨터라면 브라우저도 닫으세요.',
  again: '다시 로그인',
  home: '처음으로',
  problems: {
    cancelled: { title: '로그인을 그만두었습니다', text: '아무것도 바뀌지 않았습니다. 다시 하셔도 됩니다.' },
    stale: {
      title: '로그인을 처음부터 다시 해 주세요',
      text: '시간이 지났거나, 이미 쓴 주소이거나, 다른 브라우저에서 시작한 로그인입니다.',
    },
    failed: {
      title: '로그인하지 못했습니다',
      text: '신원 확인 서비스의 답을 믿을 수 없어 멈추었습니다. 다시 해 보세요.',
    },
    refused: {
      title: '이 계정으로는 들어갈 수 없습니다',
      text: '기관이나 역할이 정해지지 않은 계정입니다. 기관의 계정 담당자에게 물어보세요.',
    },
    unavailable: {
      title: '지금은 로그인할 수 없습니다',
      text: '신원 확인 서비스가 답하지 않습니다. 잠시 뒤에 다시 해 보세요.',
    },
    tooMany: {
      title: '너무 여러 번 시도했습니다',
      text: '1분 뒤에 다시 해 보세요.',
    },
    elsewhere: {
      title: '이 주소로는 로그인할 수 없습니다',
      text: '설정 PUBLIC_URL의 주소로 열거나, 이 컴퓨터에서 127.0.0.1로 여세요.',
    },
    notConfigured: {
      title: '로그인이 설정되지 않았습니다',
      text: '운영자가 신원 확인 서비스를 설정해야 합니다.',
    },
  },
  demonstration: '시험용 신원 확인',
  demonstrationLead: '여기는 데모입니다. 계정을 고르고, 첫 페이지에 적힌 비밀번호를 넣으세요.',
  account: '계정',
  others: '다른 사람으로 로그인',
  otherAccount: '다른 계정 쓰기',
  otherHint: { staff: '예: nts-author', citizen: '시민 번호' },
  password: '비밀번호',
  passwordHint: '모든 계정이 같습니다. 데모 첫 페이지에 있습니다.',
  wrong: '계정이나 비밀번호가 맞지 않습니다. 다시 확인해 주세요.',
  owner: '모든 기관',
  roles: {
    author: '작성자',
    approver: '승인자',
    operator: '운영자',
    support: '상담원',
    auditor: '감사자',
    owner: '총괄 관리자',
  },
  duties: {
    author: '규칙과 문구를 씁니다',
    approver: '남이 쓴 규칙을 승인합니다',
    operator: '발송을 살피고 멈춥니다',
    support: '시민의 문의에 답합니다',
    auditor: '한 일의 기록을 봅니다',
    owner: '모든 기관을 관리합니다',
  },
};

const en: SignInWords = {
  language: 'Language',
  skip: 'Skip to content',
  signIn: 'Sign in',
  signOut: 'Sign out',
  choose: 'Who is signing in?',
  chooseLead: 'Choose what you want to open.',
  asCitizen: 'A citizen',
  asCitizenLead: 'See your notices and what is left to do.',
  asStaff: 'Staff of an agency',
  asStaffLead: 'Write rules and watch what is sent.',
  signOutLead: 'You will be signed out of this browser.',
  signingOut: 'Signing you out',
  signingOutLead:
    'You are being signed out where you signed in as well. If nothing happens, follow the link.',
  goOn: 'Continue',
  signedOut: 'You are signed out',
  signedOutLead: 'On a computer that you share, close the browser too.',
  again: 'Sign in again',
  home: 'Start page',
  problems: {
    cancelled: { title: 'Sign-in was cancelled', text: 'Nothing has changed. You can try again.' },
    stale: {
      title: 'Please start signing in again',
      text: 'Too much time has passed, the address was used before, or another browser began it.',
    },
    failed: {
      title: 'You could not be signed in',
      text: 'The answer of the identity service could not be trusted, so we stopped. Try again.',
    },
    refused: {
      title: 'This account cannot come in',
      text: 'It has no agency or role here. Ask whoever manages accounts at your agency.',
    },
    unavailable: {
      title: 'Nobody can sign in right now',
      text: 'The identity service does not answer. Try again in a moment.',
    },
    tooMany: { title: 'Too many tries', text: 'Try again in a minute.' },
    elsewhere: {
      title: 'You cannot sign in at this address',
      text: 'Open the address set as PUBLIC_URL, or 127.0.0.1 on this computer.',
    },
    notConfigured: { title: 'Sign-in is not set up', text: 'The operator has to set an identity service.' },
  },
  demonstration: 'Trial identity service',
  demonstrationLead:
    'This is a demonstration. Choose an account and type the password shown on the front page.',
  account: 'Account',
  others: 'Sign in as somebody else',
  otherAccount: 'Use another account',
  otherHint: { staff: 'such as nts-author', citizen: 'a citizen’s id' },
  password: 'Password',
  passwordHint: 'The same for all accounts; it is on the front page of the demonstration.',
  wrong: 'The account or the password is not right. Check both and try again.',
  owner: 'All agencies',
  roles: {
    author: 'Author',
    approver: 'Approver',
    operator: 'Operator',
    support: 'Support',
    auditor: 'Auditor',
    owner: 'Platform owner',
  },
  duties: {
    author: 'writes rules and texts',
    approver: 'approves what others wrote',
    operator: 'watches and stops sending',
    support: 'answers citizens’ questions',
    auditor: 'reads the record of what was done',
    owner: 'looks after all agencies',
  },
};

const vi: SignInWords = {
  language: 'Ngôn ngữ',
  skip: 'Đến nội dung',
  signIn: 'Đăng nhập',
  signOut: 'Đăng xuất',
  choose: 'Bạn đăng nhập với tư cách nào?',
  chooseLead: 'Chọn màn hình bạn muốn mở.',
  asCitizen: 'Người dân',
  asCitizenLead: 'Xem thông báo và việc cần làm của bạn.',
  asStaff: 'Nhân viên cơ quan',
  asStaffLead: 'Soạn quy tắc và theo dõi việc gửi.',
  signOutLead: 'Bạn sẽ đăng xuất khỏi trình duyệt này.',
  signingOut: 'Đang đăng xuất',
  signingOutLead:
    'Bạn cũng được đăng xuất ở nơi đã đăng nhập. Nếu trang không chuyển, hãy bấm liên kết dưới đây.',
  goOn: 'Tiếp tục',
  signedOut: 'Bạn đã đăng xuất',
  signedOutLead: 'Nếu dùng chung máy tính, hãy đóng cả trình duyệt.',
  again: 'Đăng nhập lại',
  home: 'Trang đầu',
  problems: {
    cancelled: { title: 'Bạn đã dừng đăng nhập', text: 'Không có gì thay đổi. Bạn có thể thử lại.' },
    stale: {
      title: 'Hãy đăng nhập lại từ đầu',
      text: 'Đã quá lâu, địa chỉ đã được dùng, hoặc một trình duyệt khác đã bắt đầu.',
    },
    failed: {
      title: 'Không đăng nhập được',
      text: 'Chúng tôi không thể tin câu trả lời của dịch vụ định danh nên đã dừng lại. Hãy thử lại.',
    },
    refused: {
      title: 'Tài khoản này không vào được',
      text: 'Tài khoản chưa có cơ quan hoặc vai trò. Hãy hỏi người quản lý tài khoản.',
    },
    unavailable: {
      title: 'Hiện không thể đăng nhập',
      text: 'Dịch vụ định danh không trả lời. Hãy thử lại sau ít phút.',
    },
    tooMany: { title: 'Bạn đã thử quá nhiều lần', text: 'Hãy thử lại sau một phút.' },
    elsewhere: {
      title: 'Không thể đăng nhập ở địa chỉ này',
      text: 'Hãy mở địa chỉ đã đặt trong PUBLIC_URL, hoặc 127.0.0.1 trên máy này.',
    },
    notConfigured: {
      title: 'Chưa thiết lập đăng nhập',
      text: 'Người vận hành cần thiết lập dịch vụ định danh.',
    },
  },
  demonstration: 'Dịch vụ định danh dùng thử',
  demonstrationLead: 'Đây là bản dùng thử. Chọn tài khoản và nhập mật khẩu ghi ở trang đầu.',
  account: 'Tài khoản',
  others: 'Đăng nhập với người khác',
  otherAccount: 'Dùng tài khoản khác',
  otherHint: { staff: 'ví dụ nts-author', citizen: 'mã người dân' },
  password: 'Mật khẩu',
  passwordHint: 'Giống nhau cho mọi tài khoản; ghi ở trang đầu của bản dùng thử.',
  wrong: 'Tài khoản hoặc mật khẩu không đúng. Hãy kiểm tra và thử lại.',
  owner: 'Mọi cơ quan',
  roles: {
    author: 'Người soạn',
    approver: 'Người duyệt',
    operator: 'Người vận hành',
    support: 'Người hỗ trợ',
    auditor: 'Kiểm toán',
    owner: 'Quản trị chung',
  },
  duties: {
    author: 'soạn quy tắc và nội dung',
    approver: 'duyệt điều người khác soạn',
    operator: 'theo dõi và dừng việc gửi',
    support: 'trả lời câu hỏi của người dân',
    auditor: 'xem nhật ký việc đã làm',
    owner: 'quản lý mọi cơ quan',
  },
};

export const SIGN_IN_WORDS: Readonly<Record<SignInLanguage, SignInWords>> = { ko, en, vi };

/** `?lang=` or `ui_locales`, else the best of Accept-Language (RFC 9110, weights), else Korean. */
export function signInLanguage(asked: unknown, accept: string | undefined): SignInLanguage {
  const known = (tag: string | undefined) =>
    SIGN_IN_LANGUAGES.find((one) => one === tag?.trim().toLowerCase().split(/[-_]/)[0]);
  const direct = typeof asked === 'string' ? known(asked.split(' ')[0]) : undefined;
  if (direct !== undefined) return direct;
  const wanted = (accept ?? '')
    .split(',')
    .map((range) => {
      const [tag, ...more] = range.split(';');
      const weight = more.map((one) => /^\s*q=([\d.]+)\s*$/.exec(one)?.[1]).find((q) => q !== undefined);
      return { language: known(tag), weight: weight === undefined ? 1 : Number(weight) };
    })
    .toSorted((a, b) => b.weight - a.weight);
  return wanted.find(({ language, weight }) => language !== undefined && weight > 0)?.language ?? 'ko';
}
