/** The bytes of an id, and the hash by which it is found (ids.ts). Snapshots hold what the hash decided: another one is another format. */

/** An id has at most 64 characters (profile.ts), of at most three bytes each. */
export const MAX_ID_BYTES = 192;

/** Where an id is spelt before it is looked for. */
export const spelt = Buffer.alloc(MAX_ID_BYTES);

/** The length of `id` in `spelt`; -1 for what cannot be an id. */
export function spell(id: string): number {
  const { length } = id;
  if (length === 0 || length > MAX_ID_BYTES) return -1;
  for (let at = 0; at < length; at++) {
    const unit = id.charCodeAt(at);
    if (unit === 0) return -1;
    if (unit > 0x7f) return spellWide(id);
    spelt[at] = unit;
  }
  return length;
}

function spellWide(id: string): number {
  // A lone surrogate would be written as U+FFFD, which is somebody else.
  if (id.includes('\0') || !id.isWellFormed() || Buffer.byteLength(id) > MAX_ID_BYTES) return -1;
  return spelt.write(id);
}

export function hashOf(bytes: Uint8Array, from: number, length: number): number {
  const end = from + length;
  const words = from + (length & ~3);
  let hash = length;
  let at = from;
  for (; at < words; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    hash = Math.imul(hash ^ word, 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x85ebca6b);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x2c1b3c6d);
  hash ^= hash >>> 12;
  hash = Math.imul(hash, 0x297a2d39);
  return hash ^ (hash >>> 15);
}
