/**
 * The citizen app: `/me` and what lies below it, and the client's few calls under /api/v1/me. Pages work without a script. Each shows and
 * changes what belongs to whoever is signed in and to nobody else: the citizen comes from the session, never from an address or a form.
 */
import type { FastifyInstance } from 'fastify';
import { takeForms } from '../pages/forms.ts';
import { openStream } from '../pages/stream.ts';
import { needCitizen } from '../sign-in/person.ts';
import { mountChoices } from './choices.ts';
import { type ContactsParts, mountContacts } from './contacts.ts';
import { type DataParts, mountData } from './data.ts';
import { type InboxParts, mountInbox } from './inbox.ts';
import { createLive } from './live.ts';
import { createDevices, mountPush, type PushParts } from './push.ts';
import { createShow, type ShowParts } from './show.ts';
import { tellWaiting } from './waiting.ts';

export type CitizenParts = ShowParts &
  Pick<PushParts, 'pushServices' | 'sendPush'> &
  Pick<ContactsParts, 'sendCode' | 'shownCode'> &
  Pick<DataParts, 'looksAt' | 'sessions'> &
  Pick<InboxParts, 'publicUrl'> & { readonly liveEveryMs?: number; readonly liveAliveMs?: number };

export async function mountCitizen(app: FastifyInstance, parts: CitizenParts): Promise<void> {
  const devices = createDevices(parts);
  const live = createLive({
    ...parts,
    tagsOf: devices.tagsOf,
    living: (all) => parts.sessions.living(all),
    ...(parts.liveEveryMs === undefined ? {} : { everyMs: parts.liveEveryMs }),
    ...(parts.liveAliveMs === undefined ? {} : { aliveMs: parts.liveAliveMs }),
  });
  // Streams never end by themselves, and a server that closes waits for them.
  app.addHook('preClose', async () => live.stop());
  // What the client calls is answered with problem documents as the rest of the API.
  await app.register(async (api) => {
    mountPush(api, parts);
    mountLive(api, live);
  });
  await app.register(async (scope) => {
    const show = createShow(parts);
    scope.setErrorHandler(show.onError);
    takeForms(scope);
    tellWaiting(scope, parts);
    mountInbox(scope, { ...parts, ...devices, show, onRead: devices.takeDown });
    const choicesPage = mountChoices(scope, { ...parts, show });
    mountContacts(scope, { ...parts, show, choicesPage });
    mountData(scope, { ...parts, show });
  });
}

function mountLive(app: FastifyInstance, live: ReturnType<typeof createLive>): void {
  app.get(
    '/api/v1/me/live',
    { config: { permission: 'citizen' }, exposeHeadRoute: false },
    async (request, reply) => {
      const person = needCitizen(request);
      const { since } = request.query as { since?: unknown };
      const raw = openStream(reply);
      const sinceMs =
        typeof since === 'string' && /^\d{1,15}$/.test(since) ? Number(since) : Number.MAX_SAFE_INTEGER;
      if (!live.add(raw, person, sinceMs)) raw.end();
    },
  );
}
