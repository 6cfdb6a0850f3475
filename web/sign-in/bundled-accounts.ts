/** Whom the bundled provider knows: one member of staff for each role of two agencies, a platform owner, and citizens of the demonstration. */
import type { Claims } from './claims.ts';
import type { StaffRole } from './person.ts';
import type { SignInLanguage } from './words.ts';

export type BundledAccount = {
  /** What one types, and `sub`. */
  readonly id: string;
  readonly kind: 'staff' | 'citizen';
  readonly name: Readonly<Record<'ko' | 'en', string>>;
  readonly agency: string | null;
  readonly role: StaffRole | null;
  /** Of a citizen: what they are an example of. */
  readonly about?: Readonly<Record<'ko' | 'en', string>>;
};

const AGENCIES = ['nhis', 'nts'] as const;
const ROLES = ['author', 'approver', 'operator', 'support', 'auditor'] as const;

/** Made up; no two alike, so that a screen never shows the same person as author and approver. */
const NAMES: Readonly<
  Record<(typeof AGENCIES)[number], Readonly<Record<(typeof ROLES)[number], readonly [string, string]>>>
> = {
  nhis: {
    author: ['김서연', 'Kim Seoyeon'],
    approver: ['박도현', 'Park Dohyun'],
    operator: ['이하준', 'Lee Hajun'],
    support: ['최지우', 'Choi Jiwoo'],
    auditor: ['정민서', 'Jung Minseo'],
  },
  nts: {
    author: ['강예린', 'Kang Yerin'],
    approver: ['윤시우', 'Yoon Siwoo'],
    operator: ['임수아', 'Lim Sua'],
    support: ['한지호', 'Han Jiho'],
    auditor: ['오유진', 'Oh Yujin'],
  },
};

export const STAFF_ACCOUNTS: readonly BundledAccount[] = [
  ...AGENCIES.flatMap((agency) =>
    ROLES.map((role): BundledAccount => {
      const [ko, en] = NAMES[agency][role];
      return { id: `${agency}-${role}`, kind: 'staff', name: { ko, en }, agency, role };
    }),
  ),
  { id: 'owner', kind: 'staff', name: { ko: '서지안', en: 'Seo Jian' }, agency: null, role: 'owner' },
];

export function citizenAccount(citizen: string): BundledAccount {
  return {
    id: citizen,
    kind: 'citizen',
    name: { ko: `시민 ${citizen}`, en: `Citizen ${citizen}` },
    agency: null,
    role: null,
  };
}

/** Names are written in Korean and in Latin letters. */
export function nameOf(account: BundledAccount, language: SignInLanguage): string {
  return account.name[language === 'ko' ? 'ko' : 'en'];
}

/** Beside the name of a citizen; the id where nothing is known. */
export function aboutOf({ about, id }: BundledAccount, language: SignInLanguage): string {
  return about?.[language === 'ko' ? 'ko' : 'en'] ?? id;
}

export function claimsOf(account: BundledAccount, language: SignInLanguage): Claims {
  return {
    sub: account.id,
    name: nameOf(account, language),
    ...(account.agency === null ? {} : { agency: account.agency }),
    ...(account.role === null ? {} : { roles: [account.role] }),
  };
}
