/** JSON bodies as strictly as the ledger needs them: UTF-8, nothing that Postgres cannot hold, nothing that changes a prototype. */
import { AllimError } from '../domain/errors.ts';
import { hasNonFinite, isDeeperThan } from '../domain/json-shape.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true });
/** An escaped NUL or lone surrogate in the output of JSON.stringify, which writes paired surrogates as they are. */
const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/i;

function malformed(message: string, cause?: unknown): AllimError {
  return new AllimError('request-malformed', `the body ${message}`, {
    cause,
    faults: [{ pointer: '', message }],
  });
}

/** Deeper than anything that we read; what recurses over it, ours and the libraries', ends long after. */
const MAX_DEPTH = 100;

/** Throws `request-malformed`. Strings may still hold what Postgres cannot; an event's parser says where. */
export function parseJson(body: Uint8Array): unknown {
  return read(body).value;
}

/** The same, and `request-invalid` for text or numbers that cannot be stored. */
export function decodeJson(body: Uint8Array): unknown {
  const { value, escaped } = read(body);
  if (isDeeperThan(value, MAX_DEPTH)) throw malformed(`is nested more than ${MAX_DEPTH} deep`);
  // JSON has no name for them: it would be written as null, and read back as something else.
  if (hasNonFinite(value))
    throw new AllimError('request-invalid', 'the body holds a number beyond what a double can say', {
      faults: [{ pointer: '', message: 'must not hold numbers beyond what a double can say' }],
    });
  if (escaped !== null && UNSTORABLE.test(escaped))
    throw new AllimError('request-invalid', 'the body holds a NUL character or a lone surrogate', {
      faults: [{ pointer: '', message: 'must not hold NUL characters or lone surrogates' }],
    });
  return value;
}

function rewritten(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    // It recurses, unlike the parser.
    throw malformed('is nested too deep', cause);
  }
}

/** `escaped`: the value written again, where the text had escapes; only those can bring in such characters, or hide a name. */
function read(body: Uint8Array): { value: unknown; escaped: string | null } {
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
  const escaped = text.includes('\\u') ? rewritten(value) : null;
  if ((escaped ?? text).includes('"__proto__"')) throw malformed('names a member __proto__');
  return { value, escaped };
}
