/**
 * kafkajs 2.2.4 arms its throttle timer with a negative time, which Node 24 and later report once as TimeoutNegativeWarning.
 * The timer fires at once and does what it should, so an operator can do nothing about it. Only that warning from that package
 * is kept back; everything else passes.
 */
let installed = false;

export function hideNegativeTimeoutOfKafkajs(): void {
  if (installed) return;
  installed = true;
  const emitWarning = process.emitWarning;
  process.emitWarning = ((...given: Parameters<typeof process.emitWarning>) => {
    const kind: unknown = given[1];
    if (kind === 'TimeoutNegativeWarning' && new Error().stack?.includes('kafkajs')) return;
    Reflect.apply(emitWarning, process, given);
  }) as typeof process.emitWarning;
}
