/** Every fault, in the order in which a run goes through them. */
import type { Fault } from './fault.ts';
import { KAFKA_FAULTS } from './kafka.ts';
import { LOAD_FAULTS } from './load.ts';
import { MACHINE_FAULTS } from './machine.ts';
import { POSTGRES_FAULTS } from './postgres.ts';
import { PROCESS_FAULTS } from './processes.ts';
import { PROVIDER_FAULTS } from './providers.ts';
import { RECEIPT_FAULTS } from './receipts.ts';
import { REDIS_FAULTS } from './redis.ts';

export const FAULTS: readonly Fault[] = [
  ...PROCESS_FAULTS,
  ...KAFKA_FAULTS,
  ...REDIS_FAULTS,
  ...POSTGRES_FAULTS,
  ...PROVIDER_FAULTS,
  ...RECEIPT_FAULTS,
  ...MACHINE_FAULTS,
  ...LOAD_FAULTS,
];

/** `all`, names, or `group:kafka`, by commas. Throws naming what does not exist. */
export function chooseFaults(wanted: string, faults: readonly Fault[] = FAULTS): readonly Fault[] {
  const chosen = new Set<Fault>();
  for (const one of wanted.split(',').map((word) => word.trim())) {
    const found = faults.filter(
      ({ name, group }) => one === 'all' || one === name || one === `group:${group}`,
    );
    if (found.length === 0)
      throw new Error(`there is no fault ${one}; --list shows them all, and the groups as group:NAME`);
    for (const fault of found) chosen.add(fault);
  }
  return faults.filter((fault) => chosen.has(fault));
}
