import { splitLinesFrom } from '../../lines/jsonl.ts';
import type { TableInput } from '../../records/batch.ts';
import type { Objects } from '../../store/objects.ts';

/** Where the next kept row begins. */
export interface KeptPosition {
  part: number;
  byteOffset: number;
}

/** Reads the rows that Prepare kept, in their order. */
export class KeptRows {
  readonly #rows: AsyncGenerator<string>;
  #position: KeptPosition;

  constructor(objects: Objects, { parts }: NonNullable<TableInput['rows']>, from: KeptPosition) {
    this.#position = from;
    this.#rows = this.#read(objects, parts, from);
  }

  get position(): KeptPosition {
    return this.#position;
  }

  /** @throws Error where there is none left. */
  async next(): Promise<string> {
    const { value, done } = await this.#rows.next();
    if (done) throw new Error('The rows that were kept are fewer than the results.');
    return value;
  }

  async close(): Promise<void> {
    await this.#rows.return(undefined);
  }

  async *#read(
    objects: Objects,
    parts: NonNullable<TableInput['rows']>['parts'],
    from: KeptPosition,
  ): AsyncGenerator<string> {
    let { byteOffset } = from;
    for (const [part, { key }] of parts.entries()) {
      if (part < from.part) continue;
      const chunks = objects.stream({ bucket: objects.bucket, key }, byteOffset);
      for await (const { lines } of splitLinesFrom(chunks, { byteOffset, lineNumber: 2 }, Number.POSITIVE_INFINITY))
        for (const { bytes } of lines) {
          byteOffset += (bytes?.length ?? 0) + 1;
          this.#position = { part, byteOffset };
          yield bytes?.toString('utf8') ?? '';
        }
      byteOffset = 0;
    }
  }
}
