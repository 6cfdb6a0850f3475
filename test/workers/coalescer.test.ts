import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BatchId } from '../../domain/ids.ts';
import { silentLogger } from '../../domain/logger.ts';
import type { SqlPool, Statement } from '../../domain/sql.ts';
import { createCoalescer } from '../../workers/coalescer.ts';
import { eventually } from '../support/eventually.ts';
import { type Installation, install, taxEvent } from '../support/installation.ts';

let it: Installation;

beforeAll(async () => {
  it = await install({ partitions: 1 });
});
afterAll(() => it.close());

test('a claim whose answer is lost is given back in time, though nothing else is to be said', async () => {
  await it.citizen({ id: 'c', sms: '+821000000001' });
  await it.publish(taxEvent({ id: 'e', subject: 'c', allimobligation: 'property-tax/1' }));
  await it.settle();
  await it.pump();
  const [job] = it.memory.take('sms-urgent');
  let losing = true;
  let looks = 0;
  const pool: SqlPool = {
    connect: () => it.pool.connect(),
    async query<R>(statement: Statement, values?: readonly unknown[]) {
      // The database is still away when the lost claim is looked for the first time.
      if (!losing && typeof statement === 'string' && looks++ === 0) throw new Error('Connection terminated');
      const answer = await it.pool.query<R>(statement, values);
      if (losing && typeof statement === 'object' && statement.name === 'turn') {
        losing = false;
        throw new Error('Connection terminated unexpectedly');
      }
      return answer;
    },
  };
  const { session } = it.hand;
  const coalescer = createCoalescer({ pool, session, clock: it.clock, logger: silentLogger });
  const claim = { batch: job!.batch as BatchId, generation: job!.generation, max: 10 };
  await expect(coalescer.claim(claim)).rejects.toThrow('terminated');
  await eventually(async () => (await it.told('c'))[0] === 'opened sms planned');
  const rows = await coalescer.claim(claim);
  expect(rows.map((row) => row.attempt)).toEqual([1]);
});
