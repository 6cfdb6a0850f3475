import { AllimError } from '../domain/errors.ts';
import { MAX_RECORD_BYTES, type NewRecord } from './broker.ts';

/** Bytes of key, value and headers, which is what the limit of 1 MiB counts. */
export function recordBytes(record: NewRecord): number {
  let bytes = record.key === null ? 0 : Buffer.byteLength(record.key);
  if (record.value !== null)
    bytes += typeof record.value === 'string' ? Buffer.byteLength(record.value) : record.value.length;
  if (record.headers !== undefined) {
    for (const [name, value] of Object.entries(record.headers))
      bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  return bytes;
}

/** The size of each record; `record-too-large` names the first that is over the limit by its place in the call. */
export function checkedSizes(topic: string, records: readonly NewRecord[]): number[] {
  return records.map((record, index) => {
    const bytes = recordBytes(record);
    if (bytes > MAX_RECORD_BYTES) {
      const message = `record ${index} for ${topic} has ${bytes} bytes, the limit is ${MAX_RECORD_BYTES}`;
      throw new AllimError('record-too-large', message, { ids: { topic, index, bytes } });
    }
    return bytes;
  });
}
