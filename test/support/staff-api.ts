/** The API over an installation whose steps are taken by hand, with people signed in by a header: what campaigns and support are tried with. */
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { createAuthoringChecks } from '../../app/authoring-checks.ts';
import { AllimError } from '../../domain/errors.ts';
import { silentLogger } from '../../domain/logger.ts';
import { shippedFields, shownField } from '../../rules/catalogue.ts';
import { templateReader } from '../../store/template-versions.ts';
import { createCredentials } from '../../web/api/credentials.ts';
import { mountOpenApi } from '../../web/api/openapi.ts';
import { type ApiParts, mountApi } from '../../web/api/routes.ts';
import { createServer } from '../../web/api/server.ts';
import { holdAnswers } from './answers.ts';
import { explainOfLedger } from './explain-of-ledger.ts';
import { ADMINISTRATOR, signInByHeader } from './http.ts';
import type { Installation } from './installation.ts';

export async function createStaffApi(
  it: Installation,
  more: Partial<ApiParts> = {},
  pages?: (app: FastifyInstance) => Promise<void>,
) {
  const { pool, catalogue, sealer, clock, broker } = it;
  const logger = silentLogger;
  const app = await createServer({
    credentials: createCredentials({ pool, clock, administratorToken: ADMINISTRATOR }),
    logger,
  });
  await mountOpenApi(app, null);
  holdAnswers(app);
  signInByHeader(app);
  const fields = shippedFields();
  mountApi(app, {
    pool,
    broker,
    catalogue,
    sealer,
    clock,
    logger,
    production: true,
    population: async () => null,
    webhookLoopback: true,
    prepareTopic: async () => {},
    checks: [{ name: 'log', check: () => broker.ping() }],
    fields: () => [...fields.values()].map(shownField),
    ruleFields: fields,
    explainCitizen: explainOfLedger({ pool, catalogue, clock, fields }),
    ask: async () => {
      throw new AllimError('shards-unavailable', 'no shard is served here');
    },
    looksPerMinute: 20,
    ...createAuthoringChecks(catalogue, templateReader(pool)),
    ...more,
  });
  await pages?.(app);
  await app.ready();
  return {
    app,
    call: ({ as, headers, ...rest }: InjectOptions & { as?: string }): Promise<LightMyRequestResponse> =>
      app.inject({
        ...rest,
        headers: {
          authorization: `Bearer ${ADMINISTRATOR}`,
          ...(as === undefined ? {} : { 'x-test-staff': as }),
          ...headers,
        },
      }),
    close: () => app.close(),
  };
}
