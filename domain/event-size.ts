/** How large an event may be, however it came: what counts is the record that we write of it, not the bytes it arrived in. */
import { AllimError } from './errors.ts';
import { MAX_EVENT_BYTES } from './event.ts';

/** All attributes beside the data. Data and these together stay far below a record's limit, so that no accepted event is stuck. */
export const MAX_ATTRIBUTE_BYTES = 32_768;

/** Takes the record of `recordOfEvent`. Throws `payload-too-large` naming `/data`, or the whole event where its attributes are too large. */
export function needEventFits(record: {
  readonly headers: Readonly<Record<string, string>>;
  readonly value: string;
}): void {
  const dataBytes = Buffer.byteLength(record.value);
  if (dataBytes > MAX_EVENT_BYTES)
    throw tooLarge('/data', `may have ${MAX_EVENT_BYTES} bytes, this has ${dataBytes}`);
  let attributeBytes = 0;
  for (const [name, text] of Object.entries(record.headers))
    attributeBytes += name.length + Buffer.byteLength(text);
  if (attributeBytes > MAX_ATTRIBUTE_BYTES)
    throw tooLarge('', `may have ${MAX_ATTRIBUTE_BYTES} bytes of attributes, this has ${attributeBytes}`);
}

function tooLarge(pointer: string, message: string): AllimError {
  return new AllimError('payload-too-large', 'the event is too large', { faults: [{ pointer, message }] });
}
