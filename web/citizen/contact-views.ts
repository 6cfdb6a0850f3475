/** A citizen's own addresses as the page shows them. */
import type { OwnContact } from '../../store/own-choices.ts';
import type { Words } from '../pages/words.ts';

/** `+82 10…` as it is dialled here; others as they are. */
function telephone(number: string): string {
  const local = /^\+82(1\d)(\d{3,4})(\d{4})$/.exec(number);
  return local === null ? number : `0${local[1]}-${local[2]}-${local[3]}`;
}

/** Of a subscription only whose service it is: the rest is a capability. */
function service(subscription: string): string {
  try {
    const { endpoint } = JSON.parse(subscription) as { endpoint: string };
    return new URL(endpoint).hostname;
  } catch {
    return '';
  }
}

/** Names of channels are written as within a sentence. */
export function capital(text: string, lang: string): string {
  return text.slice(0, 1).toLocaleUpperCase(lang) + text.slice(1);
}

export function contactViews(contacts: readonly OwnContact[], t: Words, lang: string) {
  return contacts.map(({ id, channel, address, verified, invalid }) => {
    const shown =
      channel === 'sms'
        ? telephone(address)
        : channel === 'push'
          ? t.contacts.push(service(address))
          : address;
    const good = verified && !invalid;
    return {
      id,
      channel: capital(t.channels[channel], lang),
      shown,
      good,
      state: invalid ? t.contacts.invalid : verified ? t.contacts.verified : t.contacts.unverified,
      text: good ? '' : invalid ? t.contacts.invalidText : t.contacts.unverifiedText,
      removeOf: t.contacts.removeOf(shown),
      /** What a code would be sent to; a subscription is proven by being made. */
      again: good || channel === 'push' ? '' : channel,
      address: good || channel === 'push' ? '' : address,
    };
  });
}
