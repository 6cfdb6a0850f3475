/** What every route of the API answers where all went well: a line, a status, a shape. openapi.ts says it; tests hold every answer against it. */
import {
  anything,
  free,
  list,
  map,
  maybe,
  maybeText,
  maybeTime,
  maybeWhole,
  names,
  object,
  one,
  page,
  people,
  type Shape,
  text,
  time,
  uuid,
  whole,
  yes,
} from './answer-shapes.ts';

export type Said = {
  readonly summary: string;
  readonly status: number;
  /** Nothing where the answer has no body. */
  readonly body?: Shape;
  readonly type?: string;
};

const says = (summary: string, body: Shape, status = 200): Said => ({ summary, status, body });
const done = (summary: string): Said => ({ summary, status: 204 });

const STEP = one('drafted', 'edited', 'requested', 'refused', 'approved', 'published', 'withdrawn');
const RULE_STATE = one('draft', 'awaiting', 'approved', 'live', 'replaced', 'withdrawn');
const step = object({ step: STEP, by: text, byName: maybeText, at: time, hash: text, reason: maybeText });
const versionState = object({ id: text, version: whole, state: text });
const drafted = object({ id: text, version: whole, hash: text, warnings: list(free) });
const listedRule = object({
  id: text,
  agency: text,
  title: names,
  on: text,
  category: maybeText,
  state: RULE_STATE,
  live: maybe(object({ version: whole, publishedAt: maybeTime, hash: text })),
  latest: object({ version: whole, state: RULE_STATE, hash: text, author: text, at: time }),
  changedAt: time,
});
const ruleVersion = {
  version: whole,
  state: RULE_STATE,
  hash: text,
  author: text,
  approver: maybeText,
  at: time,
  approvedAt: maybeTime,
  publishedAt: maybeTime,
  writers: list(text),
  reason: maybeText,
  steps: list(step),
};
const may = { anyOf: [{ type: 'boolean', const: true }, { type: 'string' }] };

const EQUATION = ['matched', 'notified', 'told', 'done', 'superseded', 'nobody', 'optedOut'] as const;
const equation = {
  ...Object.fromEntries(EQUATION.map((name) => [name, people])),
  recipients: object({ planned: people, noAddress: people, leftBehind: people }),
};
const CAMPAIGN_STATE = one('running', 'paused', 'done', 'ended', 'cancelled');
const campaign = object({
  campaign: uuid,
  agency: text,
  rule: text,
  title: names,
  category: text,
  event: maybe(object({ source: text, id: text, type: text })),
  day: maybeText,
  acceptedAt: time,
  endedAt: maybeTime,
  cancelledAt: maybeTime,
  state: CAMPAIGN_STATE,
  asOf: time,
  stops: list(object({ scope: text, reason: text, by: text, byName: maybeText, at: time })),
  ahead: list(object({ kind: text, firstAt: time, lastAt: time, people: whole })),
  equation: object(equation),
  possible: people,
  stages: list(
    object({
      kind: text,
      dueAt: time,
      ruleVersion: whole,
      shards: whole,
      answered: whole,
      failed: whole,
      ...equation,
    }),
  ),
  channels: list(object({ channel: text, all: people, sent: people, failed: people, waiting: people })),
  failures: list(
    object({
      fault: one('address', 'network', 'us', 'unclear'),
      count: people,
      codes: list(object({ code: text, count: people })),
    }),
  ),
  overTime: object({ spanMinutes: whole, columns: list(object({ at: time, sent: people, failed: people })) }),
  notLeft: people,
  actions: object({ pause: free, resume: free, cancel: free }),
});
const listedCampaign = object({
  campaign: uuid,
  agency: text,
  rule: text,
  title: names,
  category: text,
  event: maybeText,
  day: maybeText,
  acceptedAt: time,
  state: one('running', 'paused', 'ended', 'cancelled'),
  planned: people,
});

const chain = object({
  notice: uuid,
  code: text,
  at: time,
  agency: text,
  citizen: text,
  recipient: text,
  rule: text,
  ruleVersion: whole,
  campaign: uuid,
  event: free,
  stage: text,
  reach: one('certain', 'possible'),
  obligation: free,
  noAddress: yes,
  deliveries: list(object({ channel: text, status: text, code: maybeText, attempt: whole })),
  chain: list(
    object({
      step: one(
        'event',
        'rule',
        'judged',
        'planned',
        'waits',
        'claimed',
        'sent',
        'ended',
        'receipt',
        'shown',
      ),
      at: maybeTime,
    }),
  ),
});

const stop = object({
  scope: text,
  agency: maybeText,
  reason: text,
  createdBy: text,
  createdByName: maybeText,
  createdAt: time,
});
const status = {
  idle: yes,
  backlog: map(whole),
  population: maybe(free),
  quarantine: whole,
  quarantineCounted: whole,
  ambiguous: whole,
  stops: list(free),
  restore: maybe(free),
};
const importJob = object({ id: uuid, kind: text, state: text, rows: whole, accepted: whole, refused: whole });
const template = object({ version: whole, state: text, hash: text });
const noticeDelivery = object({ channel: text, status: text, code: maybeText, attempt: whole });

const ANSWERS: Readonly<Record<string, Said>> = {
  'get /api/v1/openapi.json': says('This document', free),
  'get /api/v1/status': says('What is left to do now; idle only when nothing is', object(status)),
  'get /api/v1/health': says(
    'How the installation is: what is ready, who lives, what waits and what fails',
    object({
      at: time,
      ready: yes,
      checks: list(object({ name: text, ok: yes })),
      database: text,
      ...status,
      channels: list(
        object({
          channel: text,
          failedNetwork: whole,
          failedUs: whole,
          unclear: whole,
          waiting: whole,
          queued: whole,
        }),
      ),
      failing: list(free),
      processes: list(object({ kind: text, seconds: { type: 'number' } })),
    }),
  ),
  'post /api/v1/events': says(
    'Takes events in; a batch with some refused is 207',
    object({ accepted: list(free) }),
    202,
  ),
  'put /api/v1/citizens/:id': says(
    'Merges what is given about a citizen',
    object({ citizen: text, profile: maybe(free) }),
  ),
  'get /api/v1/citizens/:id/notifications': says(
    'What a citizen was told, newest first',
    page(
      'notifications',
      object({ id: uuid, at: time, agency: text, rule: text, deliveries: list(noticeDelivery) }),
    ),
  ),
  'post /api/v1/identity-links': says(
    'Links an agency’s own keys to citizens',
    object({ links: whole, woken: whole }),
  ),
  'post /api/v1/imports': says('Takes a file of rows in; the job goes on by itself', importJob, 202),
  'get /api/v1/imports': says('Files of rows, newest first', page('imports', importJob)),
  'get /api/v1/imports/:id': says('How far a file has come', importJob),
  'get /api/v1/imports/:id/errors': {
    summary: 'What is wrong with which line',
    status: 200,
    body: text,
    type: 'text/csv',
  },
  'get /api/v1/unresolved': says('Events whose person nobody knows yet', page('unresolved', free)),
  'get /api/v1/deliveries/ambiguous': says(
    'Calls of which nobody knows how they ended',
    page('ambiguous', free),
  ),
  'get /api/v1/quarantine': says(
    'Records that could not be taken in',
    page(
      'quarantine',
      object({ id: uuid, at: time, topic: text, code: text, message: text, faults: list(free) }),
    ),
  ),
  'get /api/v1/quarantine/:id': says(
    'One record with what it said; the look stands in the audit trail',
    object({ id: uuid, at: time, state: text, code: text, message: text, record: free, mended: yes }),
  ),
  'post /api/v1/quarantine/:id/retry': says(
    'Sends a record again, as it is or mended',
    object({ id: uuid, state: text }),
  ),
  'post /api/v1/quarantine/:id/drop': says(
    'Closes a record that nobody needs',
    object({ id: uuid, state: text }),
  ),
  'get /api/v1/dead-letters/:kind': says('What was given up', object({ next: maybeText })),
  'get /api/v1/dead-letters/:kind/counts': says(
    'How much was given up, by why',
    object({ total: whole, counts: list(free) }),
  ),
  'post /api/v1/dead-letters/:kind/redrive': says(
    'Puts a page back; a dry run unless told',
    object({ dryRun: yes, looked: whole, redriven: whole, leftAlone: map(whole), next: maybeText }),
  ),
  'get /api/v1/today': says('What leaves today, what waits for somebody, whether all is well', free),
  'get /api/v1/redrives': says('Who put back what', page('redrives', free)),
  'get /api/v1/producers': says('How feeds and calendars stand', object({ feeds: list(free) })),
  'get /api/v1/fields': says('The fields that rules may ask', object({ fields: list(free) })),
  'get /api/v1/locales': says(
    'Languages and what falls back to what',
    object({ fellBack: people, notices: list(free) }),
  ),
  'get /api/v1/event-types': says(
    'Event types',
    object({ eventTypes: list(object({ type: text, agency: text })) }),
  ),
  'put /api/v1/event-types/:type': says(
    'Saves an event type; old events stay valid',
    object({ type: text, agency: text }),
  ),
  'get /api/v1/rules/schema': says('The language of conditions as JSON Schema', free),
  'get /api/v1/rules': says('Rules, changed last first', page('rules', listedRule)),
  'post /api/v1/rules': says('Saves a draft: a new version, or the same content again', drafted, 201),
  'post /api/v1/rules/check': says(
    'What is wrong with a draft, and how its test citizens come out',
    object({ faults: list(free), tests: list(maybe(one('certain', 'possible', 'no'))) }),
  ),
  'post /api/v1/rules/timeline': says('When a draft’s stages fall', free),
  'post /api/v1/rules/previews': says('A draft’s texts as they would look', free),
  'get /api/v1/rules/:id/audience': says('How many a rule concerns, and where they are', free),
  'post /api/v1/rules/preview': says('How many a draft concerns, while it is written', free),
  'post /api/v1/rules/overlap': says('What two audiences share', free),
  'post /api/v1/rules/difference': says('Who comes, goes and stays from one version to another', free),
  'post /api/v1/rules/simulation': says('Plays past events over a draft', free, 202),
  'get /api/v1/rules/simulation/:id': says('How far a simulation is, and what it says', free),
  'get /api/v1/citizens/:id/explanation': says('Why a rule concerns a citizen', free),
  'get /api/v1/rules/:id': says('One rule with its versions and who took which step', {
    ...listedRule,
    properties: { ...(listedRule['properties'] as Shape), versions: list(object(ruleVersion)) },
  }),
  'get /api/v1/rules/:id/versions/:v': says(
    'One version with its sentence; the ETag is its hash',
    object({
      id: text,
      agency: text,
      ...ruleVersion,
      rule: free,
      sentence: maybe(map(free)),
      texts: list(
        object({
          name: text,
          version: whole,
          hash: text,
          author: maybeText,
          authorName: maybeText,
          at: time,
        }),
      ),
      may: object({ edit: may, request: may, approve: may, refuse: may, publish: may, withdraw: may }),
    }),
  ),
  'put /api/v1/rules/:id/versions/:v': says('Edits a draft in place (If-Match)', drafted),
  'post /api/v1/rules/:id/versions/:v/request': says('Asks another person for approval', versionState),
  'post /api/v1/rules/:id/versions/:v/approval': says(
    'Approves exactly the content of that hash, with the texts that are named with theirs',
    versionState,
  ),
  'post /api/v1/rules/:id/versions/:v/refusal': says('Makes it a draft again, with a reason', versionState),
  'post /api/v1/rules/:id/versions/:v/publication': says(
    'Makes an approved version the live one',
    versionState,
  ),
  'post /api/v1/rules/:id/withdrawal': says(
    'Takes the live version back; what is planned is cancelled or left',
    object({
      id: text,
      version: whole,
      dryRun: yes,
      planned: one('cancel', 'leave'),
      campaigns: whole,
      stages: whole,
    }),
  ),
  'get /api/v1/templates': says(
    'Templates, changed last first',
    page(
      'templates',
      object({ name: text, agency: maybeText, live: maybeWhole, latest: template, changedAt: time }),
    ),
  ),
  'get /api/v1/templates/:name': says(
    'One template with its versions, the newest texts and, where they differ, the live ones; the ETag is its hash',
    object({
      name: text,
      agency: maybeText,
      live: maybeWhole,
      versions: list(template),
      definition: anything,
      liveDefinition: anything,
    }),
  ),
  'put /api/v1/templates/:name': says(
    'Saves words; a person’s are a draft, and everybody’s in production (If-Match)',
    object({ name: text, version: whole, state: text, live: yes, hash: text }),
  ),
  'post /api/v1/templates/:name/versions/:v/approval': says(
    'Approves words and makes them live',
    object({ name: text, version: whole, state: text, live: yes }),
  ),
  'get /api/v1/stops': says('What is stopped', object({ stops: list(stop) })),
  'post /api/v1/stops': says('Stops sending; 200 where it was stopped before', object({ scope: text }), 201),
  'put /api/v1/stops/:scope': says(
    'Stops sending; 200 where it was stopped before',
    object({ scope: text }),
    201,
  ),
  'delete /api/v1/stops/:scope': done('Lets sending go on'),
  'get /api/v1/campaigns': says('Campaigns, newest first', page('campaigns', listedCampaign)),
  'get /api/v1/campaigns/:id': says(
    'One campaign: equation, channels, failures, time, and what each action would do',
    campaign,
  ),
  'get /api/v1/campaigns/:id/live': {
    summary:
      'The same as it goes on: `event: campaign` whenever it changes, `event: end` when the right to see it ends',
    status: 200,
    body: text,
    type: 'text/event-stream',
  },
  'post /api/v1/campaigns/:id/pause': says(
    'Holds what has not left',
    object({ campaign: uuid, dryRun: yes }),
  ),
  'post /api/v1/campaigns/:id/resume': says('Lets it go on', object({ campaign: uuid, dryRun: yes })),
  'post /api/v1/campaigns/:id/cancel': says('Ends what has not left, for good', object({ campaign: uuid })),
  'get /api/v1/support/notices/:code': says(
    'Notices of a code, each with its chain',
    object({ notices: list(chain) }),
  ),
  'post /api/v1/support/lookups': says(
    'Notices by code, citizen or telephone number, each with its chain',
    object({ citizens: maybe(list(text)), notices: list(chain), next: maybeText }),
  ),
  'post /api/v1/support/explanations': says(
    'Why a rule concerns a citizen or does not',
    object({
      citizen: text,
      rule: text,
      version: whole,
      explanation: maybe(free),
      facts: free,
      gates: list(text),
    }),
  ),
  'get /api/v1/audit': says(
    'The audit trail, newest first',
    page(
      'entries',
      object({
        number: whole,
        at: time,
        agency: maybeText,
        actor: text,
        actorName: maybeText,
        action: text,
        object: maybeText,
        reason: maybeText,
        details: free,
        request: maybeText,
        hash: text,
      }),
    ),
  ),
  'get /api/v1/audit/verification': says(
    'Whether the trail is what was written',
    object({
      ok: yes,
      entries: whole,
      head: object({ number: whole, hash: text }),
      findings: list(object({ number: whole, what: text, says: text })),
    }),
  ),
  'get /api/v1/session': says(
    'Who is signed in, with the token for forms (csrf) and, of staff, what they may do',
    object({
      kind: one('staff', 'citizen'),
      'subject?': text,
      'name?': text,
      'agency?': maybeText,
      'roles?': list(text),
      'rights?': list(text),
      'citizen?': text,
      locale: text,
      csrf: text,
    }),
  ),
  'get /api/v1/sessions': says(
    'Where the person is signed in',
    object({
      sessions: list(
        object({ id: uuid, device: text, createdAt: time, seenAt: time, endsAt: time, current: yes }),
      ),
    }),
  ),
  'delete /api/v1/sessions': says('Ends all of the person’s sessions but this one', object({ ended: whole })),
  'delete /api/v1/sessions/:id': done('Ends one of the person’s sessions'),
  'get /api/v1/me/live': {
    summary:
      'What comes to a citizen’s open inbox: `event: notice` and `event: read`, with ids and nothing else',
    status: 200,
    body: text,
    type: 'text/event-stream',
  },
  'post /api/v1/me/push': says(
    'Takes the push subscription of a citizen’s browser',
    object({ renewal: text }),
    201,
  ),
  'delete /api/v1/me/push': done('Forgets the push subscription of a citizen’s browser'),
  'get /api/v1/restore': says('What a restore left to decide', object({ restore: maybe(free) })),
  'post /api/v1/restore/decisions': says(
    'Decides on it',
    object({ decided: whole, closed: yes, restore: maybe(free) }),
  ),
  'put /api/v1/agencies/:id': says('Saves an agency', object({ id: text, name: names })),
  'post /api/v1/agencies/:id/keys': says(
    'Issues a key, which stands in this answer and nowhere else',
    object({
      key: text,
      name: text,
      agency: text,
      label: text,
      scopes: list(text),
      sources: list(text),
      expiresAt: maybeTime,
    }),
    201,
  ),
  'delete /api/v1/agencies/:id/keys/:name': done('Revokes a key'),
  'get /api/v1/agencies/:id/trial': says(
    'Whether an agency is in trial, and whom it may tell',
    object({ agency: text, trial: yes }),
  ),
  'put /api/v1/agencies/:id/trial': says(
    'Puts an agency in trial, or live',
    object({ agency: text, trial: yes }),
  ),
  'post /api/v1/agencies/:id/trial/recipients': says(
    'Allows people in trial',
    object({ keys: list(text) }),
    201,
  ),
  'delete /api/v1/agencies/:id/trial/recipients/:key': done('Takes one off the list'),
  'get /api/v1/agencies/:id/trial/sends': says('What would have left', object({ sends: list(free) })),
  'get /api/v1/agencies/:id/status-topic': says(
    'Whether reports go to a topic',
    object({ agency: text, topic: maybeText }),
  ),
  'put /api/v1/agencies/:id/status-topic': says(
    'Sends reports to a topic',
    object({ agency: text, topic: text }),
  ),
  'delete /api/v1/agencies/:id/status-topic': done('Sends no more'),
  'get /api/v1/webhooks': says('Webhooks', object({ webhooks: list(free) })),
  'post /api/v1/webhooks': says(
    'Makes a webhook; its secret stands here alone',
    object({ id: uuid, state: text }),
    201,
  ),
  'get /api/v1/webhooks/:id': says('One webhook', object({ id: uuid, state: text })),
  'delete /api/v1/webhooks/:id': done('Removes a webhook'),
  'post /api/v1/webhooks/:id/secret': says('Replaces the secret', object({ id: uuid, secret: text }), 201),
  'post /api/v1/webhooks/:id/handshake': says(
    'Asks for the handshake again',
    object({ id: uuid, state: text }),
    202,
  ),
  'post /api/v1/webhooks/:id/redelivery': says(
    'Sends the reports again that were given up',
    object({ id: uuid, reports: whole }),
    202,
  ),
};

/** Throws for a route that nobody described: it would stand in the document without an answer. */
export function answerOf(method: string, url: string): Said {
  const said = ANSWERS[`${method.toLowerCase()} ${url}`];
  if (said === undefined) throw new Error(`answers.ts does not say what ${method} ${url} answers`);
  return said;
}

export const answered: readonly string[] = Object.keys(ANSWERS);
