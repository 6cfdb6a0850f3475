/** JSON bodies as strictly as the ledger needs them: UTF-8, nothing that Postgres cannot hold, nothing that changes a prototype. */
import { AllimError } from '../domain/errors.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });
/** An escaped NUL or lone surrogate in the output of JSON.stringify, which writes paired surrogates as they are. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/i;

function malformed(message: string, cause?: unknown): AllimError {
  return new AllimError('request-malformed', `the body ${message}`, {
    cause,
    faults: [{ pointer: '', message }],
  });
}

/** Throws `request-malformed` for what is no JSON, `request-invalid` for text that cannot be stored. */
export function decodeJson(body: Uint8Array): unknown {
  if (body.length === 0) throw malformed('is empty');
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(body);
  } catch (cause) {
    throw malformed('is not UTF-8', cause);
  }
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which may be somebody's address.
    throw malformed('is not JSON');
  }
  // Only an escape can bring in either, or hide the name: the common body is looked at once and not written again.
  const plain = text.includes('\\u') ? JSON.stringify(value) : text;
  if (plain.includes('"__proto__"')) throw malformed('names a member __proto__');
  if (plain !== text && UNSTORABLE.test(plain))
    throw new AllimError('request-invalid', 'the body holds a NUL character or a lone surrogate', {
      faults: [{ pointer: '', message: 'must not hold NUL characters or lone surrogates' }],
    });
  return value;
}
