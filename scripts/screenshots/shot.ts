/** What a picture is of: a place, who looks at it, and what they do there before it is taken. */
import type { Page } from 'playwright-core';

export const LANGUAGES = ['ko', 'en', 'vi'] as const;
export type Language = (typeof LANGUAGES)[number];
export const STAFF_LANGUAGES: readonly Language[] = ['ko', 'en'];

export const WIDTHS = [1440, 768, 360] as const;
export type Width = (typeof WIDTHS)[number];

/** What there is to look at in the installation. */
export type World = {
  /** Without a slash at the end. */
  readonly url: string;
  readonly password: string;
  /** The campaign with the most notices of the agency whose staff looks. */
  readonly campaign: string;
  /** A version that somebody else has to approve. */
  readonly approval: { readonly rule: string; readonly version: number };
  readonly quarantined: string;
  /** The first of the demonstration's citizens who reads each language. */
  readonly citizens: Readonly<Record<Language, string>>;
  /** Whose amount was corrected. */
  readonly corrected: string;
  /** Nothing is to do for them. */
  readonly idle: string;
  /** A text message, and how the number ends that it went to. */
  readonly text: { readonly code: string; readonly last: string };
  /** From a mail, by its reader's language. */
  readonly unsubscribe: string;
};

export type Shot = {
  /** Begins with what it belongs to: `staff-`, `citizen-`, `public-`, `front`. */
  readonly name: string;
  /** The account that is signed in; null: nobody. */
  readonly as: (world: World, language: Language) => string | null;
  readonly at: (world: World, language: Language) => string;
  readonly languages: readonly Language[];
  /** Before the page is opened. */
  readonly before?: (page: Page, world: World) => Promise<void>;
  /** After it was. */
  readonly act?: (page: Page, world: World, language: Language) => Promise<void>;
  /** For the documents: in which language and at which width, under which name, and how much of it. */
  readonly docs?: readonly {
    readonly language: Language;
    readonly width: Width;
    readonly file: string;
    readonly height?: number;
  }[];
};
