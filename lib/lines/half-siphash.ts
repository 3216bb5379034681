/**
 * HalfSipHash-1-3 over UTF-16 code units: a hash that nobody can make collide without its key, in the 32-bit arithmetic
 * that JavaScript is fast at. Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), and its 32-bit
 * variant by the same authors, with a 64-bit key and a 64-bit result.
 */

/** 64 bits, as a key or as a hash. */
export interface Bits64 {
  low: number;
  high: number;
}

/** Rounds after the text for each half of the result. */
const finalRounds = 3;

/** @param into receives the hash: an object for each of millions of texts would cost more than the hash does. */
export function halfSipHash(text: string, key: Bits64, into: Bits64): void {
  const lastWord = text.length >> 1;
  const lowDone = lastWord + finalRounds;
  let v0 = key.low;
  let v1 = key.high ^ 0xee;
  let v2 = 0x6c796765 ^ key.low;
  let v3 = 0x74656462 ^ key.high;
  for (let step = 0; step <= lowDone + finalRounds; step += 1) {
    const word = step <= lastWord ? wordAt(text, step) : 0;
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
    if (step === lastWord) v2 ^= 0xee;
    if (step !== lowDone) continue;
    into.low = (v1 ^ v3) >>> 0;
    v1 ^= 0xdd;
  }
  into.high = (v1 ^ v3) >>> 0;
}

/** Two code units; the last word has what is left over and the text's length. */
function wordAt(text: string, word: number): number {
  const at = 2 * word;
  const first = at < text.length ? text.charCodeAt(at) : 0;
  return first | (at + 1 < text.length ? text.charCodeAt(at + 1) << 16 : text.length << 24);
}
