/** Accepts everything at once and keeps nothing: for benches, which measure us and not a provider. */
import type { Channel } from '../../domain/statuses.ts';
import { SESSION_LOST } from './calls.ts';
import type { Outcome, Provider } from './provider.ts';

const ACCEPTED: Outcome = { kind: 'accepted', reference: null };

export function createNullProvider(options: { channel: Channel; window?: number }): Provider {
  const { channel, window = 1_000 } = options;
  return {
    name: 'null',
    channel,
    window,
    repeats: 'replaced',
    async start() {},
    async stop() {},
    send: async (_delivery, mayCall) => (mayCall() ? ACCEPTED : SESSION_LOST),
  };
}
