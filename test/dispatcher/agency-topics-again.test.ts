import { expect, test } from '@jest/globals';
import type { Broker } from '../../broker/broker.ts';
import { createAgencyTopics } from '../../dispatcher/agency-topics.ts';
import { silentLogger } from '../../domain/logger.ts';
import type { Catalogue } from '../../store/catalogue.ts';
import { eventually } from '../support/eventually.ts';

test('a topic is read also where the first look at it failed on the way', async () => {
  let asked = 0;
  let started = 0;
  const broker = {
    topics: async () => ['agency-events.nts'],
    async ends() {
      if (asked++ === 0) throw new Error('the topic is too young');
      return [0];
    },
    prepare: async () => undefined,
    subscribe: () => ({
      start: async () => void started++,
      stop: async () => undefined,
      healthy: () => true,
    }),
  } as unknown as Broker;
  const catalogue = { refresh: async () => ({ agencies: new Map([['nts', {}]]) }) } as unknown as Catalogue;
  const topics = createAgencyTopics({
    broker,
    catalogue,
    logger: silentLogger,
    create: null,
    lookEveryMs: 5,
    subscription: { assigned: async () => [], handle: async () => undefined },
  });
  topics.start();
  try {
    await eventually(async () => expect(started).toBe(1));
  } finally {
    await topics.stop();
  }
});
