/** A provider whose calls are counted and timed. Nothing else about it changes. */
import type { Metrics } from '../domain/metrics.ts';
import type { Provider } from '../workers/providers/provider.ts';

export function measuredProvider(provider: Provider, metrics: Metrics): Provider {
  const { channel } = provider;
  return {
    name: provider.name,
    channel,
    window: provider.window,
    repeats: provider.repeats,
    ...(provider.ask === undefined ? {} : { ask: provider.ask.bind(provider) }),
    start: () => provider.start(),
    stop: () => provider.stop(),
    async send(delivery, mayCall) {
      const startedAt = performance.now();
      const took = (outcome: string) =>
        metrics.observe(
          'provider_call_seconds',
          { channel, outcome },
          (performance.now() - startedAt) / 1_000,
        );
      try {
        const outcome = await provider.send(delivery, mayCall);
        took(outcome.kind);
        return outcome;
      } catch (error) {
        took('unknown');
        throw error;
      }
    },
  };
}
