/** One call of the route matrix: as whom, about whose object, with what that needs. */
import type { LightMyRequestResponse } from 'fastify';
import { AllimError } from '../../../domain/errors.ts';
import { keyId } from '../../../domain/ids.ts';
import { TOPICS } from '../../../domain/records.ts';
import type { Scope } from '../../../producers/credential.ts';
import { saveQuarantine } from '../../../store/quarantine.ts';
import { saveStop } from '../../../store/stops.ts';
import { issueKey } from '../../../web/api/credentials.ts';
import type { StaffRole } from '../../../web/sign-in/person.ts';
import type { SignedInAs } from '../../../web/sign-in/sessions.ts';
import { ADMINISTRATOR } from '../http.ts';
import { createWholeSite, type WholeSite } from '../whole-site.ts';
import { type Ask, KEYS, type Make, STAFF, type Who } from './declared.ts';
import { DECLARED } from './routes.ts';
import { createThings, missing, type Things } from './things.ts';

export type Whose = 'own' | 'foreign' | 'missing';
export type Called = {
  readonly status: number;
  readonly body: string;
  readonly headers: LightMyRequestResponse['headers'];
  /** Everything that was sent: what of it comes back tells nothing. */
  readonly asked: string;
};

type How = { readonly token?: boolean; readonly head?: boolean };

export type Matrix = {
  readonly site: WholeSite;
  readonly things: Readonly<Record<Whose, Things>>;
  call(route: string, who: Who, whose: Whose, given?: How): Promise<Called>;
  /** The good request of the route, and whatever is made of it. */
  askOf(route: string, who: Who, whose: Whose): Promise<Ask>;
  send(route: string, who: Who, ask: Ask, given?: How): Promise<Called>;
  close(): Promise<void>;
};

const NONE = '00000000-0000-4000-8000-0000000000ff';
const isStaff = (who: Who): who is StaffRole & Who => (STAFF as readonly string[]).includes(who);
export const hasSession = (who: Who): boolean => who === 'citizen' || isStaff(who);
export const isPlatform = (who: Who): boolean => who === 'owner' || who === 'administrator';

function personOf(who: Who, things: Things, mark = ''): SignedInAs {
  if (who === 'citizen') return { kind: 'citizen', citizen: `${things.citizen}${mark}`, locale: 'ko' };
  const agency = who === 'owner' ? null : things.agency;
  return {
    kind: 'staff',
    subject: `matrix-${who}${mark}`,
    name: `M ${who}`,
    agency,
    roles: [who as StaffRole],
    locale: 'ko',
  };
}

export async function createMatrix(environment: Readonly<Record<string, string>> = {}): Promise<Matrix> {
  const site = await createWholeSite({ environment });
  const { it } = site;
  const { nhis: own, nts: foreign } = await createThings(site);
  const things = { own, foreign, missing: missing(own) };
  const sessions = new Map<Who, { cookie: string; csrf: string }>();
  for (const who of ['citizen', ...STAFF] as const) sessions.set(who, await site.signIn(personOf(who, own)));
  const keys = new Map<Who, string>();
  for (const scope of KEYS) keys.set(`key:${scope}`, await keyOf([scope]));
  let n = 0;
  let address = 0;

  async function keyOf(scopes: readonly Scope[], agency = 'nhis'): Promise<string> {
    const issued = await issueKey(it.pool, {
      agency,
      label: 'matrix',
      scopes,
      sources: ['/nhis/checkup'],
      expiresAt: null,
    });
    return issued.key;
  }

  function makeFor(who: Who): Make {
    const isKnown = (agency: string) => agency === 'nhis' || agency === 'nts';
    return {
      lifted: async (scope) => void (await it.pool.query('DELETE FROM stops WHERE scope = $1', [scope])),
      async stop(agency) {
        await it.pool.query('DELETE FROM stops WHERE scope = $1', [`agency:${agency}`]);
        if (isKnown(agency))
          await saveStop(it.pool, {
            scope: `agency:${agency}`,
            agency,
            reason: 'matrix',
            createdBy: 'key:0',
          });
      },
      async key(agency) {
        if (!isKnown(agency)) return '0'.repeat(12);
        return (
          await issueKey(it.pool, { agency, label: 'x', scopes: ['read'], sources: [], expiresAt: null })
        ).name;
      },
      async recipient(agency) {
        if (!isKnown(agency)) return 'none';
        const answer = await site.app.inject({
          method: 'POST',
          url: `/api/v1/agencies/${agency}/trial/recipients`,
          payload: { recipients: [{ citizen: `matrix-recipient-${n++}` }] },
          headers: { authorization: `Bearer ${ADMINISTRATOR}` },
        });
        return encodeURIComponent((answer.json() as { keys: string[] }).keys[0]!);
      },
      async webhook(agency) {
        if (!isKnown(agency)) return NONE;
        // An agency may have ten of them.
        await it.pool.query(`DELETE FROM webhooks WHERE agency_id = $1 AND url ~ '[0-9]$'`, [agency]);
        const answer = await site.app.inject({
          method: 'POST',
          url: '/api/v1/webhooks',
          payload: { agency, url: `https://hooks.${agency}-matrix.example/${n++}` },
          headers: { authorization: `Bearer ${ADMINISTRATOR}` },
        });
        return (answer.json() as { id: string }).id;
      },
      async quarantined(agency) {
        if (!isKnown(agency)) return NONE;
        const offset = 10_000 + n++;
        await saveQuarantine(it.pool, it.sealer, [
          {
            topic: TOPICS.events,
            partition: 0,
            offset,
            key: null,
            headers: { ce_id: `m-${offset}`, ce_source: `/${agency}/x`, ce_type: 'x', ce_specversion: '1.0' },
            value: Buffer.from('{}'),
            error: new AllimError('event-invalid', 'the event is not valid'),
            agency,
          },
        ]);
        return keyId('quarantine', TOPICS.events, 0, offset);
      },
      async session(of) {
        if (of === things.missing) return NONE;
        if (of === things.own) return (await site.signIn(personOf(who, own))).person.session;
        return (await site.signIn(personOf(who, foreign, `-other-${n++}`))).person.session;
      },
    };
  }

  async function headersOf(who: Who, token: boolean, anew: boolean): Promise<Record<string, string>> {
    if (who === 'nobody') return {};
    if (who === 'administrator') return { authorization: `Bearer ${ADMINISTRATOR}` };
    if (!hasSession(who)) return { authorization: `Bearer ${keys.get(who)!}` };
    const session = anew ? await site.signIn(personOf(who, own, `-anew-${n++}`)) : sessions.get(who)!;
    return { cookie: session.cookie, ...(token ? { 'x-allim-csrf': session.csrf } : {}) };
  }

  const askOf = async (route: string, who: Who, whose: Whose): Promise<Ask> =>
    DECLARED[route]!.ask(things[whose], makeFor(who));

  async function send(
    route: string,
    who: Who,
    { url, payload, type, headers, from }: Ask,
    { token = true, head = false }: How = {},
  ): Promise<Called> {
    const { endsSession, stream } = DECLARED[route]!;
    const [method = ''] = route.split(' ');
    address++;
    const answer = await site.app.inject({
      method: (head ? 'HEAD' : method) as 'GET',
      url,
      remoteAddress: from ?? `10.${address >> 16}.${(address >> 8) & 255}.${address & 255}`,
      headers: {
        accept: 'text/html, application/json',
        ...(type === undefined ? {} : { 'content-type': type }),
        ...headers,
        ...(await headersOf(who, token, endsSession === true)),
      },
      ...(payload === undefined ? {} : { payload: payload as object }),
      ...(stream === true ? { payloadAsStream: true } : {}),
    });
    const asked = `${url} ${JSON.stringify(payload ?? '')}`;
    const { statusCode: status, headers: said } = answer;
    if (stream === true && String(said['content-type']).startsWith('text/event-stream')) {
      answer.stream().destroy();
      return { status, headers: said, body: '', asked };
    }
    return { status, headers: said, body: stream === true ? await textOf(answer) : answer.body, asked };
  }

  return {
    site,
    things,
    askOf,
    send,
    call: async (route, who, whose, given = {}) => send(route, who, await askOf(route, who, whose), given),
    close: () => site.close(),
  };
}

async function textOf(answer: LightMyRequestResponse): Promise<string> {
  let text = '';
  for await (const chunk of answer.stream()) text += String(chunk);
  return text;
}
