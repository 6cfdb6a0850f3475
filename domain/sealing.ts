/**
 * Personal data at rest: AES-256-GCM with a fresh 96-bit nonce per value (NIST SP 800-38D), the key's id in front so that keys can be
 * rotated, and the purpose bound in as associated data so that a sealed address cannot be passed off as something else.
 * One key writes; older ones only read. `index` is a keyed hash (HMAC-SHA-256) that finds an equal value without opening any.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';

export interface Sealer {
  /** Of the key that seals: eight hexadecimal characters that name it without telling it. */
  readonly keyId: string;
  seal(purpose: string, plain: string | Uint8Array): Buffer;
  /** Throws where the value was changed, belongs to another purpose, or to a key that is neither the writing nor an older one. */
  open(purpose: string, sealed: Uint8Array): Buffer;
  /** Whether values that were sealed under this key can be opened. */
  knows(keyId: string): boolean;
  index(purpose: string, plain: string): Buffer;
}

const NONCE = 12;
const TAG = 16;
const KEY_ID = 4;
const KEY = 32;

/** What `seal` adds to the length of a value. */
export const SEAL_BYTES = KEY_ID + NONCE + TAG;

export function sealingKeyId(key: Uint8Array): Buffer {
  return createHash('sha256').update('allim-key-id').update(key).digest().subarray(0, KEY_ID);
}

/** Nonces from one draw of some hundred: a draw of twelve bytes costs 6 µs, more than sealing an address. Each is used once and copied out. */
function createNonces(): () => Buffer {
  let drawn = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (at === drawn.length) {
      drawn = randomBytes(NONCE * 512);
      at = 0;
    }
    at += NONCE;
    return drawn.subarray(at - NONCE, at);
  };
}

/** `older` are keys that sealed before `key` did: rotation puts a new one in front and keeps these until nothing of theirs is left. */
export function createSealer(
  key: Uint8Array,
  indexKey: Uint8Array,
  older: readonly Uint8Array[] = [],
): Sealer {
  if ([key, indexKey, ...older].some((one) => one.length !== KEY))
    throw new RangeError('sealing keys have 32 bytes');
  const keyId = sealingKeyId(key);
  const keys = new Map([...older, key].map((one) => [sealingKeyId(one).toString('hex'), one]));
  const freshNonce = createNonces();
  return {
    keyId: keyId.toString('hex'),
    knows: (id) => keys.has(id),
    seal(purpose, plain) {
      const nonce = freshNonce();
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose));
      return Buffer.concat([keyId, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(purpose, sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      const under = bytes.length < SEAL_BYTES ? undefined : keys.get(bytes.toString('hex', 0, KEY_ID));
      if (under === undefined) throw new Error('the value was sealed with another key');
      const nonce = bytes.subarray(KEY_ID, KEY_ID + NONCE);
      const decipher = createDecipheriv('aes-256-gcm', under, nonce, { authTagLength: TAG }).setAAD(
        Buffer.from(purpose),
      );
      decipher.setAuthTag(bytes.subarray(bytes.length - TAG));
      return Buffer.concat([
        decipher.update(bytes.subarray(KEY_ID + NONCE, bytes.length - TAG)),
        decipher.final(),
      ]);
    },
    index: (purpose, plain) =>
      createHmac('sha256', indexKey).update(purpose).update('\0').update(plain).digest(),
  };
}
