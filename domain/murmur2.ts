/**
 * Kafka's default partitioner for keyed records (murmur2 over the key's UTF-8 bytes, seed 0x9747b28c), the same in Java and
 * kafkajs. librdkafka defaults to CRC32 and puts seven keys of eight elsewhere.
 * Source: org.apache.kafka.common.utils.Utils#murmur2 (Apache Kafka 4.1), itself after Austin Appleby's public-domain MurmurHash2.
 */
export function murmur2(bytes: Uint8Array, length = bytes.length): number {
  const m = 0x5bd1e995;
  let h = 0x9747b28c ^ length;
  const words = length >> 2;
  for (let i = 0; i < words; i++) {
    const at = i * 4;
    let k = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    h = Math.imul(h, m) ^ k;
  }
  const tail = words * 4;
  const left = length - tail;
  if (left === 3) h ^= bytes[tail + 2]! << 16;
  if (left >= 2) h ^= bytes[tail + 1]! << 8;
  if (left >= 1) h = Math.imul(h ^ bytes[tail]!, m);
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}

/** Where a short key is spelt, so that no buffer is made of it: that took a third of the time. */
const spelt = new Uint8Array(64);

function hashOf(key: string): number {
  const { length } = key;
  if (length > spelt.length) return murmur2(Buffer.from(key, 'utf8'));
  for (let at = 0; at < length; at++) {
    const unit = key.charCodeAt(at);
    if (unit > 0x7f) return murmur2(Buffer.from(key, 'utf8'));
    spelt[at] = unit;
  }
  return murmur2(spelt, length);
}

/** The partition of a key, the *shard* where the key is a citizen id. */
export function partitionOf(key: string | Uint8Array, partitions: number): number {
  return ((typeof key === 'string' ? hashOf(key) : murmur2(key)) & 0x7fffffff) % partitions;
}
