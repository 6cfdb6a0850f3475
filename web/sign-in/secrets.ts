/** Comparing what somebody typed with what is right, in the same time wherever they differ, and whatever their lengths. */
import { hash, timingSafeEqual } from 'node:crypto';

export function equalTexts(given: string, right: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', right, 'buffer'));
}
