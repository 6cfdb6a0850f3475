/** What was sent and what of it waits for somebody; stops, campaigns, support, the trail. */
import { API, type Declared, list, sent, shown, system, WHY } from './declared.ts';
export const LEDGER: Readonly<Record<string, Declared>> = {
  'GET /api/v1/status': list('read', '/status'),
  'GET /api/v1/today': list('read', '/today'),
  'GET /api/v1/citizens/:id/notifications': shown('read', (of) => `/citizens/${of.citizen}/notifications`, {
    own: system(200),
    foreign: system(200),
    missing: system(200),
  }),
  'GET /api/v1/deliveries/ambiguous': list('read', '/deliveries/ambiguous'),
  'GET /api/v1/imports': list('imports', '/imports'),
  'GET /api/v1/unresolved': list('read', '/unresolved'),
  'GET /api/v1/quarantine': list('read', '/quarantine'),
  'GET /api/v1/quarantine/:id': shown('mend', (of) => `/quarantine/${of.quarantine}`),
  'POST /api/v1/quarantine/:id/retry': sent(
    'mend',
    (of) => `/quarantine/${of.quarantine}/retry`,
    () => ({ event: {} }),
    { own: 422, foreign: 404, missing: 404 },
  ),
  'POST /api/v1/quarantine/:id/drop': {
    needs: 'mend',
    ask: async (of, make) => ({
      url: `${API}/quarantine/${await make.quarantined(of.agency)}/drop`,
      payload: { reason: WHY },
    }),
    own: 200,
    foreign: 404,
    missing: 404,
  },
  'GET /api/v1/dead-letters/:kind': list('read', '/dead-letters/deliveries'),
  'GET /api/v1/dead-letters/:kind/counts': list('read', '/dead-letters/deliveries/counts'),
  'POST /api/v1/dead-letters/:kind/redrive': sent(
    'mend',
    () => '/dead-letters/deliveries/redrive',
    (of) => ({ agency: of.agency }),
    { own: 200, foreign: 403, missing: [403, 200] },
  ),
  'GET /api/v1/redrives': list('read', '/redrives'),
  'GET /api/v1/producers': list('read', '/producers'),
  'GET /api/v1/locales': list('read', '/locales'),
  'GET /api/v1/stops': list('read', '/stops'),
  'POST /api/v1/stops': {
    needs: 'operate',
    ask: async (of, make) => {
      await make.lifted(`campaign:${of.campaign}`);
      return { url: `${API}/stops`, payload: { scope: `campaign:${of.campaign}`, reason: WHY } };
    },
    own: 201,
    foreign: 404,
    missing: 404,
  },
  'PUT /api/v1/stops/:scope': {
    needs: 'operate',
    ask: async (of, make) => {
      await make.lifted(`agency:${of.agency}`);
      return { url: `${API}/stops/agency:${of.agency}`, payload: { reason: WHY } };
    },
    own: 201,
    foreign: 403,
    missing: [403, 422],
  },
  'DELETE /api/v1/stops/:scope': {
    needs: 'operate',
    ask: async (of, make) => {
      await make.stop(of.agency);
      return { url: `${API}/stops/agency:${of.agency}` };
    },
    own: 204,
    foreign: 403,
    missing: [403, 422],
  },
  'GET /api/v1/campaigns': list('read', '/campaigns'),
  'GET /api/v1/campaigns/:id': shown('read', (of) => `/campaigns/${of.campaign}`),
  'GET /api/v1/campaigns/:id/live': shown('read', (of) => `/campaigns/${of.campaign}/live`, { stream: true }),
  'POST /api/v1/campaigns/:id/pause': sent(
    'operate',
    (of) => `/campaigns/${of.campaign}/pause`,
    () => ({ reason: WHY, dryRun: true }),
    { own: 200, foreign: 404, missing: 404 },
  ),
  'POST /api/v1/campaigns/:id/resume': sent(
    'operate',
    (of) => `/campaigns/${of.campaign}/resume`,
    () => ({ reason: WHY, dryRun: true }),
    { own: 200, foreign: 404, missing: 404 },
  ),
  'POST /api/v1/campaigns/:id/cancel': sent(
    'operate',
    (of) => `/campaigns/${of.campaign}/cancel`,
    () => ({ reason: WHY, dryRun: true }),
    { own: 200, foreign: 404, missing: 404 },
  ),
  'GET /api/v1/health': list('operate', '/health'),
  'GET /api/v1/audit': list('audit', '/audit'),
  'GET /api/v1/audit/verification': list('audit', '/audit/verification'),
  'GET /api/v1/support/notices/:code': shown(
    'support',
    (of) => `/support/notices/${of.code}?reason=${encodeURIComponent(WHY)}`,
    { foreign: 200, missing: 200 },
  ),
  'POST /api/v1/support/lookups': sent(
    'support',
    () => '/support/lookups',
    (of) => ({ citizen: of.citizen, reason: WHY }),
    { own: 200, foreign: 200, missing: 200 },
  ),
  'POST /api/v1/support/explanations': sent(
    'support',
    () => '/support/explanations',
    (of) => ({ citizen: of.citizen, rule: of.rule, reason: WHY }),
    { own: 503, foreign: 404, missing: 404 },
  ),
};
