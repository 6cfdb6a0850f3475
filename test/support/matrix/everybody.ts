/** What is there for everybody. */
import { type Declared, open, STAFF } from './declared.ts';

const formless = { headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload: '' } as const;
const PROVIDER = { noSession: true } as const;
const SHOWN = { demonstration: true } as const;

export const EVERYBODY: Readonly<Record<string, Declared>> = {
  'GET /api/v1/openapi.json': open('/api/v1/openapi.json'),
  'GET /metrics': {
    needs: 'public',
    // On this machine without a credential, and with the administrator's.
    only: ['nobody', 'citizen', ...STAFF, 'administrator'],
    ask: () => ({ url: '/metrics', from: '127.0.0.1' }),
    own: 200,
  },
  'GET /healthz': open('/healthz'),
  'GET /readyz': open('/readyz'),
  'POST /receipts/push': {
    ...open('/receipts/push', 400),
    ask: () => ({ url: '/receipts/push', payload: {} }),
  },
  'POST /receipts/sms': { ...open('/receipts/sms', 401), ask: () => ({ url: '/receipts/sms', payload: {} }) },
  'POST /receipts/email': {
    ...open('/receipts/email', 401),
    ask: () => ({ url: '/receipts/email', payload: {} }),
  },
  'GET /sign-in': open('/sign-in'),
  'GET /sign-in/callback': open('/sign-in/callback', 400),
  'GET /sign-out': open('/sign-out'),
  'POST /sign-out': {
    ...open('/sign-out', (who) => (['citizen', ...STAFF].includes(who) ? 200 : 303)),
    ask: () => ({ url: '/sign-out', ...formless }),
    endsSession: true,
  },
  'GET /sign-out/done': open('/sign-out/done'),
  'GET /sign-in/style.css': open('/sign-in/style.css'),
  'GET /sign-in/continue.js': open('/sign-in/continue.js'),
  'GET /assets/:name': open('/assets/nothing-12345678.js', 404),
  'GET /assets/fonts.css': open('/assets/fonts.css'),
  'GET /check': open('/check'),
  'POST /check': {
    ...open('/check', 422),
    ask: () => ({ url: '/check', ...formless, payload: 'code=x&last=y' }),
  },
  'GET /unsubscribe/:token': open('/unsubscribe/nothing', 404),
  'POST /unsubscribe/:token': {
    ...open('/unsubscribe/nothing', 404),
    ask: () => ({ url: '/unsubscribe/nothing', ...formless }),
  },
  'GET /icons/:name': open('/icons/nothing.png', 404),
  'GET /manifest.webmanifest': open('/manifest.webmanifest'),
  'GET /me/service-worker.js': open('/me/service-worker.js'),
  'GET /me/offline': open('/me/offline'),
  'GET /real': open('/real'),
  'POST /push/renewals': {
    ...open('/push/renewals', 401),
    ask: () => ({ url: '/push/renewals', payload: {} }),
  },
  'GET /': open('/', 302),
  'GET /demonstration': open('/demonstration', 200, SHOWN),
  'GET /demonstration/citizens/:id': open('/demonstration/citizens/nobody', 404, SHOWN),
  'GET /demonstration/live': open('/demonstration/live', 200, { stream: true, ...SHOWN }),
  'GET /demonstration/style.css': open('/demonstration/style.css'),
  'GET /demonstration/page.js': open('/demonstration/page.js'),
  'GET /identity/interaction/:uid': open('/identity/interaction/none', 400, PROVIDER),
  'POST /identity/interaction/:uid': {
    ...open('/identity/interaction/none', 400, PROVIDER),
    ask: () => ({ url: '/identity/interaction/none', ...formless }),
  },
  ...Object.fromEntries(
    ['GET', 'POST', 'OPTIONS'].map((method) => [
      `${method} /identity/*`,
      open('/identity/nothing', 404, PROVIDER),
    ]),
  ),
};
