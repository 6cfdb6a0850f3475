/** What a restore of the database left to decide, and deciding it: the administrator's. */
import { Type } from 'typebox';
import { CATEGORIES, type Category, CHANNELS, type Channel } from '../../domain/statuses.ts';
import { closeRestore, decideRestored, readRestore } from '../../store/restored.ts';
import type { AdministrationParts } from './administration.ts';
import { type Endpoint, endpoint, ok } from './endpoint.ts';

export const getRestore = ({ pool }: AdministrationParts): Endpoint =>
  endpoint({ answer: async () => ok({ restore: await readRestore(pool) }) });

export const postRestoreDecision = ({ pool, clock, logger }: AdministrationParts): Endpoint =>
  endpoint({
    action: 'restore.decided',
    body: Type.Object(
      {
        decision: Type.Unsafe<'resend' | 'leave'>({ type: 'string', enum: ['resend', 'leave'] }),
        agency: Type.Optional(Type.String({ pattern: '^[a-z][a-z0-9-]{0,31}$' })),
        category: Type.Optional(Type.Unsafe<Category>({ type: 'string', enum: [...CATEGORIES] })),
        channel: Type.Optional(Type.Unsafe<Channel>({ type: 'string', enum: [...CHANNELS] })),
      },
      { additionalProperties: false },
    ),
    answer: async ({ body, caller }) => {
      const { decision, ...selection } = body;
      const decided = await decideRestored(pool, decision, selection, clock.nowMs());
      const closed = await closeRestore(pool, caller().id, clock.nowMs());
      logger.warn(
        { caller: caller().id, decision, ...selection, decided, closed },
        'decided on what a restore left',
      );
      return ok({ decided, closed, restore: await readRestore(pool) });
    },
  });
