import { randomFillSync } from 'node:crypto';
import { type Bits64, halfSipHash } from './half-siphash.ts';

/** Two lines that seem to have the same custom_id. */
export interface Suspect {
  earlierLine: number;
  laterLine: number;
}

/** More doubled ids than anybody reads; what is not among them is reported all the same, unconfirmed. */
const maxSuspects = 10_000;

/** Parts that grow one at a time, so that growing needs 1/256 more memory and not twice as much. */
const partCount = 256;
/** Slots of a part at first: an empty set takes 192 KiB. */
const firstSlots = 64;

const keyBytes = 8;
const slotBytes = 12;

/**
 * The custom_ids of one input and the lines that they stand on, in 15 to 23 bytes an id: a set of the ids themselves takes
 * 100 to 200, and ends at 16.7 million.
 *
 * Only 64-bit hashes are kept, under a random key. So two different ids may be taken for one (in 10 million ids with a
 * chance of 3 in a million); `suspects` has what must be compared to be sure.
 */
export class CustomIds {
  readonly #key: Bits64;
  readonly #hash: typeof halfSipHash;
  readonly #parts = Array.from({ length: partCount }, () => new Part());
  readonly #current: Bits64 = { low: 0, high: 0 };
  readonly suspects: Suspect[] = [];

  /** @param hash for tests, which cannot wait for a collision. */
  constructor(hash: typeof halfSipHash = halfSipHash) {
    const [low, high] = randomFillSync(new Uint32Array(2));
    this.#key = { low: low ?? 0, high: high ?? 0 };
    this.#hash = hash;
  }

  /**
   * @param line where the id stands, from 1.
   * @returns the line of an earlier id that seems to be the same, or null.
   */
  add(customId: string, line: number): number | null {
    this.#hash(customId, this.#key, this.#current);
    const part = this.#parts[this.#current.high % partCount];
    const earlierLine = part?.add(this.#current.low, this.#current.high, line) ?? 0;
    if (earlierLine === 0) return null;
    if (this.suspects.length < maxSuspects) this.suspects.push({ earlierLine, laterLine: line });
    return earlierLine;
  }

  /** All that is known but the suspects, in 12 bytes an id: the key, then the hashes with their lines. */
  *pieces(): Generator<Buffer> {
    const key = Buffer.alloc(keyBytes);
    key.writeUInt32LE(this.#key.low);
    key.writeUInt32LE(this.#key.high, 4);
    yield key;
    for (const part of this.#parts) yield part.toBuffer();
  }

  /** Takes up what `pieces` gave, in chunks of any size. */
  static async restore(chunks: AsyncIterable<Uint8Array>, suspects: readonly Suspect[]): Promise<CustomIds> {
    const ids = new CustomIds();
    ids.suspects.push(...suspects);
    let isKeyKnown = false;
    let rest = Buffer.alloc(0);
    for await (const chunk of chunks) {
      rest = Buffer.concat([rest, chunk]);
      if (!isKeyKnown && rest.length >= keyBytes) {
        ids.#key.low = rest.readUInt32LE(0);
        ids.#key.high = rest.readUInt32LE(4);
        rest = rest.subarray(keyBytes);
        isKeyKnown = true;
      }
      if (isKeyKnown) rest = ids.#takeSlots(rest);
    }
    if (!isKeyKnown || rest.length > 0) throw new Error('The stored custom_ids are cut off.');
    return ids;
  }

  /** @returns what is no whole slot yet. */
  #takeSlots(bytes: Buffer): Buffer<ArrayBuffer> {
    let at = 0;
    for (; at + slotBytes <= bytes.length; at += slotBytes) {
      const high = bytes.readUInt32LE(at + 4);
      this.#parts[high % partCount]?.add(bytes.readUInt32LE(at), high, bytes.readUInt32LE(at + 8));
    }
    return Buffer.from(bytes.subarray(at));
  }
}

const slotWords = 3;
/** Growing by half keeps 53 to 80 of 100 slots in use. */
const growth = 1.5;
const maxLoad = 0.8;

/** An open-addressing table: a slot is the two halves of a hash and a line number, 0 in a slot that is free. */
class Part {
  #slots = new Uint32Array(firstSlots * slotWords);
  #size = 0;

  /** @returns the line that stands with the same hash, or 0 where it was added. */
  add(low: number, high: number, line: number): number {
    if (this.#size * slotWords >= this.#slots.length * maxLoad) this.#grow();
    const slot = findSlot(this.#slots, low, high);
    const earlierLine = this.#slots[slot + 2] ?? 0;
    if (earlierLine !== 0) return earlierLine;
    this.#put(slot, low, high, line);
    this.#size += 1;
    return 0;
  }

  /** @returns the slots that are taken. */
  toBuffer(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#size * slotBytes);
    let length = 0;
    for (let at = 0; at < this.#slots.length; at += slotWords) {
      if (this.#slots[at + 2] === 0) continue;
      for (let word = 0; word < slotWords; word += 1) length = bytes.writeUInt32LE(this.#slots[at + word] ?? 0, length);
    }
    return bytes;
  }

  #put(slot: number, low: number, high: number, line: number): void {
    this.#slots[slot] = low;
    this.#slots[slot + 1] = high;
    this.#slots[slot + 2] = line;
  }

  /** Places keep their order, so this goes through both tables from front to back. */
  #grow(): void {
    const before = this.#slots;
    this.#slots = new Uint32Array(Math.ceil((before.length / slotWords) * growth) * slotWords);
    for (let at = 0; at < before.length; at += slotWords) {
      const low = before[at] ?? 0;
      const high = before[at + 1] ?? 0;
      const line = before[at + 2] ?? 0;
      if (line !== 0) this.#put(findSlot(this.#slots, low, high), low, high, line);
    }
  }
}

/** @returns where the hash stands, or the free place where it belongs. */
function findSlot(slots: Uint32Array, low: number, high: number): number {
  const capacity = slots.length / slotWords;
  let slot = Math.floor((low / 2 ** 32) * capacity) * slotWords;
  while (slots[slot + 2] !== 0 && (slots[slot] !== low || slots[slot + 1] !== high)) {
    slot += slotWords;
    if (slot === slots.length) slot = 0;
  }
  return slot;
}
