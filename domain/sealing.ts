/**
 * Personal data at rest: AES-256-GCM with a fresh 96-bit nonce per value (NIST SP 800-38D), the key's id in front so that keys can be
 * rotated, and the purpose bound in as associated data so that a sealed address cannot be passed off as something else.
 * `index` is a keyed hash (HMAC-SHA-256) that finds an equal value without opening any.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';

export interface Sealer {
  seal(purpose: string, plain: string | Uint8Array): Buffer;
  /** Throws where the value was changed, belongs to another purpose or to another key. */
  open(purpose: string, sealed: Uint8Array): Buffer;
  index(purpose: string, plain: string): Buffer;
}

const NONCE = 12;
const TAG = 16;
const KEY_ID = 4;

export function createSealer(key: Uint8Array, indexKey: Uint8Array): Sealer {
  if (key.length !== 32 || indexKey.length !== 32) throw new RangeError('sealing keys have 32 bytes');
  const keyId = createHash('sha256').update('allim-key-id').update(key).digest().subarray(0, KEY_ID);
  return {
    seal(purpose, plain) {
      const nonce = randomBytes(NONCE);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(purpose));
      return Buffer.concat([keyId, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open(purpose, sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
      if (bytes.length < KEY_ID + NONCE + TAG || !bytes.subarray(0, KEY_ID).equals(keyId))
        throw new Error('the value was sealed with another key');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(KEY_ID, KEY_ID + NONCE)).setAAD(
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
