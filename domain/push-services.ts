/**
 * Which push services we call. A subscription's endpoint is chosen by whoever holds the browser: https alone would let them make us post to any
 * host in the world, some millions of times. The services of the browsers that there are are few and known.
 */

/** Chrome and its kin, Firefox, Safari, Edge. A name that begins with `*.` is every host below it. */
export const PUSH_SERVICES: readonly string[] = [
  'fcm.googleapis.com',
  '*.push.services.mozilla.com',
  '*.push.apple.com',
  '*.notify.windows.com',
];

/** As an installation may name further ones. */
export const PUSH_SERVICE = /^(?:\*\.)?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/;

export function isPushService(hostname: string, services: readonly string[]): boolean {
  const host = hostname.toLowerCase();
  return services.some((service) =>
    service.startsWith('*.') ? host.endsWith(service.slice(1)) : host === service,
  );
}
