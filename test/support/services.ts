/** Real Kafka and Redis for tests. `npm test` starts them; with jest alone, `npm run services -- start` first, or set the variables. */
import { describe, test } from '@jest/globals';

export type Service = 'kafka' | 'redis';

const VARIABLES: Readonly<Record<Service, string>> = { kafka: 'KAFKA_BROKERS', redis: 'REDIS_URL' };

function setting(service: Service): string {
  const value = process.env[VARIABLES[service]];
  if (value === undefined || value === '') throw new Error(whyMissing(service) ?? '');
  return value;
}

/** Null where the service is there. */
function whyMissing(service: Service): string | null {
  if (process.env[VARIABLES[service]]) return null;
  const why = process.env['ALLIM_TEST_SERVICES_ERROR'] ?? 'npm run services -- start';
  return `${VARIABLES[service]} is not set (${why})`;
}

export function kafkaBrokers(): string {
  return setting('kafka');
}

export function redisUrl(): string {
  return setting('redis');
}

/**
 * `describe` for tests that need a service. Without it they are skipped and the name says why; with CI=true a missing service is a
 * failure, so that nobody takes a run without Kafka for a proof.
 */
export function describeWith(service: Service, name: string, tests: () => void): void {
  const why = whyMissing(service);
  if (why === null) {
    describe(name, tests);
  } else if (process.env['CI'] === 'true') {
    describe(name, () => {
      test(`has ${service}`, () => {
        throw new Error(why);
      });
    });
  } else {
    describe.skip(`${name} (skipped: ${why})`, tests);
  }
}
