/** What agencies’ systems and the administrator do. */
import { API, type Declared, list, sent, shown, system } from './declared.ts';
export const SYSTEMS: Readonly<Record<string, Declared>> = {
  'POST /api/v1/events': {
    needs: 'events',
    ask: (of) => ({
      url: `${API}/events`,
      payload: {
        specversion: '1.0',
        id: `matrix-${of.agency}`,
        source: of.source,
        type: of.eventType['type'],
        data: {},
      },
      type: 'application/cloudevents+json',
    }),
    own: 422,
  },
  'PUT /api/v1/citizens/:id': sent(
    'citizens',
    (of) => `/citizens/${of.citizen}`,
    () => ({ attributes: { nothing: 1 } }),
    { own: 422, missing: 422 },
  ),
  'POST /api/v1/imports': {
    needs: 'imports',
    ask: (of) => ({
      url: `${API}/imports?kind=links&agency=${of.agency}`,
      payload: 'key,citizen\n',
      type: 'text/csv',
    }),
    // A key for files alone may send none.
    own: [403, 202],
    foreign: 403,
    missing: [403, 422],
  },
  'GET /api/v1/imports/:id': shown('imports', (of) => `/imports/${of.import}`),
  'GET /api/v1/imports/:id/errors': shown('imports', (of) => `/imports/${of.import}/errors`),
  'POST /api/v1/identity-links': sent(
    'citizens',
    () => '/identity-links',
    (of) => ({ agency: of.agency, links: [] }),
    { own: 200, foreign: 403, missing: [403, 422] },
  ),
  'GET /api/v1/webhooks': list('webhooks', '/webhooks'),
  'POST /api/v1/webhooks': sent(
    'webhooks',
    () => '/webhooks',
    (of) => ({ url: 'ftp://nobody.example/', agency: of.agency }),
    { own: 422, foreign: 403, missing: [403, 422] },
  ),
  'GET /api/v1/webhooks/:id': shown('webhooks', (of) => `/webhooks/${of.webhook}`),
  'DELETE /api/v1/webhooks/:id': {
    needs: 'webhooks',
    ask: async (of, make) => ({ url: `${API}/webhooks/${await make.webhook(of.agency)}` }),
    own: 204,
    foreign: 404,
    missing: 404,
  },
  'POST /api/v1/webhooks/:id/secret': sent(
    'webhooks',
    (of) => `/webhooks/${of.webhook}/secret`,
    () => ({}),
    { own: 201, foreign: 404, missing: 404 },
  ),
  'POST /api/v1/webhooks/:id/handshake': sent(
    'webhooks',
    (of) => `/webhooks/${of.webhook}/handshake`,
    () => undefined,
    { own: 202, foreign: 404, missing: 404 },
  ),
  'POST /api/v1/webhooks/:id/redelivery': sent(
    'webhooks',
    (of) => `/webhooks/${of.webhook}/redelivery`,
    () => undefined,
    { own: 202, foreign: 404, missing: 404 },
  ),
  'GET /api/v1/agencies/:id/status-topic': shown('webhooks', (of) => `/agencies/${of.agency}/status-topic`, {
    foreign: 403,
    missing: [403, 200],
  }),
  'PUT /api/v1/agencies/:id/status-topic': sent(
    'webhooks',
    (of) => `/agencies/${of.agency}/status-topic`,
    () => undefined,
    { own: 200, foreign: 403, missing: [403, 422] },
  ),
  'DELETE /api/v1/agencies/:id/status-topic': sent(
    'webhooks',
    (of) => `/agencies/${of.agency}/status-topic`,
    () => undefined,
    { own: 204, foreign: 403, missing: [403, 204] },
  ),
  'GET /api/v1/agencies/:id/trial': shown('read', (of) => `/agencies/${of.agency}/trial`, {
    foreign: 403,
    missing: [403, 404],
  }),
  'PUT /api/v1/agencies/:id/trial': sent(
    'administrator',
    (of) => `/agencies/${of.agency}/trial`,
    () => ({ trial: false }),
    { own: 200, missing: 404 },
  ),
  'POST /api/v1/agencies/:id/trial/recipients': sent(
    'citizens',
    (of) => `/agencies/${of.agency}/trial/recipients`,
    (of) => ({ recipients: [{ citizen: of.citizen }] }),
    { own: 201, foreign: 403, missing: [403, 404] },
  ),
  'DELETE /api/v1/agencies/:id/trial/recipients/:key': {
    needs: 'citizens',
    ask: async (of, make) => ({
      url: `${API}/agencies/${of.agency}/trial/recipients/${await make.recipient(of.agency)}`,
    }),
    own: 204,
    foreign: 403,
    missing: [403, 404],
  },
  'GET /api/v1/agencies/:id/trial/sends': shown('read', (of) => `/agencies/${of.agency}/trial/sends`, {
    own: system(200),
    foreign: 403,
    missing: system([403, 200]),
  }),
  'GET /api/v1/restore': list('administrator', '/restore'),
  'POST /api/v1/restore/decisions': sent(
    'administrator',
    () => '/restore/decisions',
    () => ({ decision: 'maybe' }),
    { own: 422 },
  ),
  'PUT /api/v1/agencies/:id': sent(
    'administrator',
    (of) => `/agencies/${of.agency}`,
    () => ({ name: { ko: '' } }),
    { own: 422 },
  ),
  'POST /api/v1/agencies/:id/keys': sent(
    'administrator',
    (of) => `/agencies/${of.agency}/keys`,
    () => ({ label: 'x', scopes: [] }),
    { own: 422 },
  ),
  'DELETE /api/v1/agencies/:id/keys/:name': {
    needs: 'administrator',
    ask: async (of, make) => ({ url: `${API}/agencies/${of.agency}/keys/${await make.key(of.agency)}` }),
    own: 204,
    missing: 404,
  },
};
