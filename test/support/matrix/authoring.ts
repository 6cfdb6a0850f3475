/** Rules, event types, templates, and questions about the population. */
import { API, type Declared, HASH, list, sent, shown, system, WHY } from './declared.ts';
import type { Things } from './things.ts';

const draftOf = ({ definition }: Things) => {
  const { agency, on, condition, stages, deadline, channels, templates } = definition;
  return { agency, on, condition, stages, deadline, channels, templates };
};

export const AUTHORING: Readonly<Record<string, Declared>> = {
  'GET /api/v1/event-types': list('read', '/event-types'),
  'PUT /api/v1/event-types/:type': sent(
    'rules',
    (of) => `/event-types/${of.eventType['type']}`,
    (of) => of.eventType,
    // What a source sends is its own system's to say: people are bound to none.
    { own: (who) => (who === 'author' ? 422 : 200), foreign: 403 },
  ),
  'GET /api/v1/rules/schema': list('read', '/rules/schema'),
  'GET /api/v1/fields': list('read', '/fields'),
  'GET /api/v1/rules': list('read', '/rules'),
  'POST /api/v1/rules': sent(
    'rules',
    () => '/rules',
    (of) => of.definition,
    { own: 201, foreign: 403 },
  ),
  'POST /api/v1/rules/check': sent(
    'read',
    () => '/rules/check',
    (of) => ({ rule: draftOf(of) }),
    { own: 200, foreign: 403 },
  ),
  'POST /api/v1/rules/timeline': sent(
    'read',
    () => '/rules/timeline',
    (of) => ({ rule: draftOf(of) }),
    { own: 200, foreign: 403 },
  ),
  'POST /api/v1/rules/previews': sent(
    'read',
    () => '/rules/previews',
    (of) => ({ rule: draftOf(of) }),
    { own: 200, foreign: 403 },
  ),
  'GET /api/v1/rules/:id': shown('read', (of) => `/rules/${of.draft}`),
  'GET /api/v1/rules/:id/versions/:v': shown('read', (of) => `/rules/${of.draft}/versions/1`),
  'PUT /api/v1/rules/:id/versions/:v': {
    needs: 'rules',
    ask: (of) => ({
      url: `${API}/rules/${of.draft}/versions/1`,
      payload: { ...of.definition, id: of.draft },
      headers: { 'if-match': `"${HASH}"` },
    }),
    own: 412,
    foreign: 404,
    missing: 404,
  },
  'POST /api/v1/rules/:id/versions/:v/request': sent(
    'rules',
    (of) => `/rules/${of.draft}/versions/1/request`,
    () => ({ hash: HASH }),
    { own: 409, foreign: 404, missing: 404 },
  ),
  'POST /api/v1/rules/:id/versions/:v/approval': sent(
    'approve',
    (of) => `/rules/${of.draft}/versions/1/approval`,
    () => ({ hash: HASH }),
    { own: 409, foreign: 404, missing: 404 },
  ),
  'POST /api/v1/rules/:id/versions/:v/refusal': sent(
    'approve',
    (of) => `/rules/${of.draft}/versions/1/refusal`,
    () => ({ hash: HASH, reason: WHY }),
    { own: 409, foreign: 404, missing: 404 },
  ),
  'POST /api/v1/rules/:id/versions/:v/publication': sent(
    'publish',
    (of) => `/rules/${of.draft}/versions/1/publication`,
    () => ({ reason: WHY }),
    { own: 409, foreign: 404, missing: 404 },
  ),
  'POST /api/v1/rules/:id/withdrawal': sent(
    'publish',
    (of) => `/rules/${of.rule}/withdrawal`,
    () => ({ reason: WHY, planned: 'leave', dryRun: true }),
    { own: 200, foreign: 404, missing: 404 },
  ),
  'GET /api/v1/templates': list('read', '/templates'),
  'GET /api/v1/templates/:name': shown('read', (of) => `/templates/${of.template}`),
  'PUT /api/v1/templates/:name': {
    needs: 'rules',
    ask: (of) => ({
      url: `${API}/templates/${of.template}`,
      payload: { agency: of.agency, files: of.templateFiles },
      headers: { 'if-match': '*' },
    }),
    own: 200,
    foreign: 403,
    missing: [403, 422],
  },
  'POST /api/v1/templates/:name/versions/:v/approval': sent(
    'approve',
    (of) => `/templates/${of.template}/versions/${of.templateVersion}/approval`,
    () => ({ hash: HASH }),
    { own: 409, foreign: 404, missing: 404 },
  ),
};

export const QUESTIONS: Readonly<Record<string, Declared>> = {
  // No shard serves here: who gets in learns that, who does not learns nothing.
  'GET /api/v1/rules/:id/audience': shown('read', (of) => `/rules/${of.rule}/audience`, {
    own: 503,
  }),
  'POST /api/v1/rules/preview': sent(
    'rules',
    () => '/rules/preview',
    (of) => ({ rule: draftOf(of) }),
    { own: 503, foreign: 403 },
  ),
  'POST /api/v1/rules/overlap': sent(
    'rules',
    () => '/rules/overlap',
    (of) => ({ first: { rule: of.rule }, second: { rule: of.rule } }),
    { own: 503, foreign: 404, missing: 404 },
  ),
  'POST /api/v1/rules/difference': sent(
    'read',
    () => '/rules/difference',
    (of) => ({ first: { rule: of.rule }, second: { rule: of.rule } }),
    { own: 503, foreign: 404, missing: 404 },
  ),
  'POST /api/v1/rules/simulation': sent(
    'rules',
    () => '/rules/simulation',
    (of) => ({ rule: of.definition, asOf: '2026-07-10' }),
    { own: 202, foreign: 403 },
  ),
  'GET /api/v1/rules/simulation/:id': shown('rules', (of) => `/rules/simulation/${of.simulation}`),
  'GET /api/v1/citizens/:id/explanation': shown(
    'citizens',
    (of) => `/citizens/${of.citizen}/explanation?rule=${of.rule}`,
    { own: system(503), foreign: system(404), missing: system(404) },
  ),
};
