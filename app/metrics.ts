/**
 * The counters of domain/metrics.ts and gauges of whoever has something to show, as Prometheus reads them. The one file that knows
 * prom-client; each context has a registry of its own, so that two in one process do not mix.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import {
  COUNTERS,
  type CounterName,
  HISTOGRAMS,
  type HistogramName,
  type Metrics,
} from '../domain/metrics.ts';

export type Sample = { readonly labels?: Readonly<Record<string, string>>; readonly value: number };

export type AppMetrics = Metrics & {
  /** A gauge that is read when somebody asks for the metrics. Of the same name again, the later one counts. What cannot be read is left out. */
  watch(
    name: string,
    help: string,
    labels: readonly string[],
    read: () => readonly Sample[] | Promise<readonly Sample[]>,
  ): void;
  /** The text format, and its content type. */
  render(): Promise<{ readonly text: string; readonly contentType: string }>;
};

export const PREFIX = 'allim_';

export function createMetrics(): AppMetrics {
  const registry = new Registry();
  let defaults = false;
  const counters = new Map(
    Object.entries(COUNTERS).map(([name, { help, labels }]) => [
      name as CounterName,
      new Counter({ name: `${PREFIX}${name}_total`, help, labelNames: [...labels], registers: [registry] }),
    ]),
  );
  const histograms = new Map(
    Object.entries(HISTOGRAMS).map(([name, { help, labels, buckets }]) => [
      name as HistogramName,
      new Histogram({
        name: `${PREFIX}${name}`,
        help,
        labelNames: [...labels],
        buckets: [...buckets],
        registers: [registry],
      }),
    ]),
  );
  return {
    add(name, labels, by = 1) {
      if (by > 0) counters.get(name)?.inc(labels, by);
    },
    observe(name, labels, seconds) {
      histograms.get(name)?.observe(labels, seconds);
    },
    watch(name, help, labels, read) {
      registry.removeSingleMetric(PREFIX + name);
      new Gauge({
        name: PREFIX + name,
        help,
        labelNames: [...labels],
        registers: [registry],
        async collect() {
          this.reset();
          // A database that is away must not take the other figures with it.
          const samples = await Promise.resolve(read()).catch(() => []);
          // Without labels a gauge stands at 0 from the start, which would be read as a fact.
          if (labels.length === 0) this.remove();
          for (const sample of samples) this.set(sample.labels ?? {}, sample.value);
        },
      });
    },
    async render() {
      // It measures the event loop from now on, which only a process that is asked should pay for.
      if (!defaults) collectDefaultMetrics({ register: registry });
      defaults = true;
      return { text: await registry.metrics(), contentType: registry.contentType };
    },
  };
}
