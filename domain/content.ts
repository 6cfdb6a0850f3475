/** What a template rendered for one delivery, by channel: templates/ makes it, workers/providers/ carry it. */
export type Content =
  | {
      readonly channel: 'push';
      readonly title: string;
      readonly body: string;
      /** It was read elsewhere: nothing is shown, and what is shown of this delivery goes. */
      readonly read?: true;
    }
  | {
      readonly channel: 'email';
      readonly subject: string;
      readonly text: string;
      readonly html: string;
      /** Where mails of this kind are stopped with one click (RFC 8058). */
      readonly unsubscribe?: string;
    }
  | { readonly channel: 'sms'; readonly text: string };
