/** What a template rendered for one delivery, by channel: templates/ makes it, workers/providers/ carry it. */
export type Content =
  | { readonly channel: 'push'; readonly title: string; readonly body: string }
  | { readonly channel: 'email'; readonly subject: string; readonly text: string; readonly html: string }
  | { readonly channel: 'sms'; readonly text: string };
