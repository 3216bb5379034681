import { createMD5, type IHasher } from 'hash-wasm';
import { z } from 'zod';
import { UnusableCheckpointError } from './unusable-checkpoint.ts';

/** An md5 that is not finished, and of how many bytes it is. */
export const md5StateSchema = z.object({ state: z.base64(), bytes: z.number().int() });
export type Md5State = z.infer<typeof md5StateSchema>;

/** The md5 of a file that several runs read: Node's own cannot be stored before it is finished. */
export class RunningMd5 {
  readonly #hasher: IHasher;
  #bytes: number;

  private constructor(hasher: IHasher, bytes: number) {
    this.#hasher = hasher;
    this.#bytes = bytes;
  }

  /** @param stored what an earlier run came to; null at the file's first byte. */
  static async resume(stored: Md5State | null): Promise<RunningMd5> {
    const hasher = await createMD5();
    if (!stored) return new RunningMd5(hasher.init(), 0);
    try {
      return new RunningMd5(hasher.load(Buffer.from(stored.state, 'base64')), stored.bytes);
    } catch (cause) {
      throw new UnusableCheckpointError('The stored md5 is of another release; the input is read again.', { cause });
    }
  }

  /**
   * Takes in what passes.
   *
   * @param start where the chunks begin; what was taken in before is left out.
   */
  async *follow(chunks: AsyncIterable<Uint8Array>, start: number): AsyncGenerator<Uint8Array> {
    if (start > this.#bytes)
      throw new UnusableCheckpointError('The checkpoint has no md5 of what was read; the input is read again.');
    let offset = start;
    for await (const chunk of chunks) {
      this.#hasher.update(chunk.subarray(Math.min(chunk.length, Math.max(0, this.#bytes - offset))));
      offset += chunk.length;
      this.#bytes = Math.max(this.#bytes, offset);
      yield chunk;
    }
  }

  /** How many there were so far. */
  get bytes(): number {
    return this.#bytes;
  }

  get state(): Md5State {
    return { state: Buffer.from(this.#hasher.save()).toString('base64'), bytes: this.#bytes };
  }

  /** In hex, of all bytes so far. More may follow. */
  get hex(): string {
    const state = this.#hasher.save();
    const hex = this.#hasher.digest('hex');
    this.#hasher.load(state);
    return hex;
  }
}
