/** What is a citizen’s own, and what everybody has who is signed in. */
import { API, type Declared, list, NONE, sent } from './declared.ts';
import type { Things } from './things.ts';

const form = (
  url: (of: Things) => string,
  fields: Readonly<Record<string, string>>,
  own: number,
  more: Partial<Declared> = {},
): Declared => ({
  needs: 'citizen',
  ask: (of) => ({
    url: url(of),
    payload: new URLSearchParams(fields).toString(),
    type: 'application/x-www-form-urlencoded',
  }),
  own,
  ...more,
});
const mine = (url: (of: Things) => string, own = 200, more: Partial<Declared> = {}): Declared => ({
  needs: 'citizen',
  ask: (of) => ({ url: url(of) }),
  own,
  ...more,
});
const hidden = { foreign: 404, missing: 404 } as const;

export const CITIZENS: Readonly<Record<string, Declared>> = {
  'GET /me': mine(() => '/me'),
  'GET /me/all': mine(() => '/me/all'),
  'GET /me/notices/:id': mine((of) => `/me/notices/${of.notice}`, 200, hidden),
  'GET /me/notices/:id/calendar.ics': mine((of) => `/me/notices/${of.notice}/calendar.ics`, 200, hidden),
  'POST /me/notices/:id/done': form((of) => `/me/notices/${of.notice}/done`, {}, 303, hidden),
  'POST /me/notices/:id/undone': form((of) => `/me/notices/${of.notice}/undone`, {}, 303, hidden),
  // To the inbox where it is nobody's or somebody else's.
  'GET /me/open/:delivery': mine((of) => `/me/open/${of.delivery}`, 302, { foreign: 302, missing: 302 }),
  'GET /me/choices': mine(() => '/me/choices'),
  'POST /me/choices/categories': form(
    () => '/me/choices/categories',
    { service: 'on', information: 'on' },
    303,
  ),
  'POST /me/choices/agencies': form(() => '/me/choices/agencies', {}, 303),
  'POST /me/choices/channels': form(() => '/me/choices/channels', {}, 303),
  'POST /me/choices/quiet-hours': form(() => '/me/choices/quiet-hours', {}, 303),
  'POST /me/choices/language': form(() => '/me/choices/language', { language: 'ko' }, 303),
  'POST /me/choices/again': form(() => '/me/choices/again', {}, 303),
  'POST /me/contacts': form(() => '/me/contacts', { channel: 'sms', address: '12' }, 422),
  // A code that nobody asked for and one of another person end alike.
  'GET /me/contacts/:id': mine((of) => `/me/contacts/${of.contactCode}`, 200, { foreign: 422, missing: 422 }),
  'POST /me/contacts/:id': form((of) => `/me/contacts/${of.contactCode}`, { code: 'x' }, 422, {
    foreign: 422,
    missing: 422,
  }),
  'POST /me/contacts/remove': form(() => '/me/contacts/remove', { id: NONE }, 303),
  'GET /me/data': mine(() => '/me/data'),
  'GET /me/data/export': mine(() => '/me/data/export'),
  'POST /me/sessions/end': form(() => '/me/sessions/end', {}, 303, { endsSession: true }),
  'GET /api/v1/me/live': { needs: 'citizen', ask: () => ({ url: `${API}/me/live` }), own: 200, stream: true },
  'POST /api/v1/me/push': sent(
    'citizen',
    () => '/me/push',
    () => ({ endpoint: 'http://127.0.0.1/x' }),
    { own: 422 },
  ),
  'DELETE /api/v1/me/push': sent(
    'citizen',
    () => '/me/push',
    () => ({ endpoint: 'https://nobody.example/x' }),
    { own: 204 },
  ),
};

export const PEOPLE: Readonly<Record<string, Declared>> = {
  'GET /api/v1/session': list('person', '/session'),
  'GET /api/v1/sessions': list('person', '/sessions'),
  'DELETE /api/v1/sessions': { ...list('person', '/sessions'), endsSession: true },
  'DELETE /api/v1/sessions/:id': {
    needs: 'person',
    ask: async (of, make) => ({ url: `${API}/sessions/${await make.session(of)}` }),
    own: 204,
    foreign: 404,
    missing: 404,
    personal: true,
  },
  'GET /console': { needs: 'staff', ask: () => ({ url: '/console' }), own: 200 },
  'GET /console/*': { needs: 'staff', ask: (of) => ({ url: `/console/campaigns/${of.campaign}` }), own: 200 },
};
