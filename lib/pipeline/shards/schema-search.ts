import type { WritableLine } from './line-writer.ts';

/** Wherever a request asks for a schema of its answer, it stands under this name: see `answerSchemaOf`. */
const schemaName = Buffer.from('"schema"');

/** Finds out whether lines may ask for a schema of their answers. A chunk is searched once, not line by line. */
export class SchemaSearch {
  #chunk: Buffer | undefined;
  /** Where the name stands next in the chunk, from the last line on. */
  #foundAt = 0;

  isIn(line: WritableLine): boolean {
    const { chunk, start, end } = line;
    if (chunk === undefined || start === undefined || end === undefined) return line.bytes.includes(schemaName);
    if (chunk !== this.#chunk || this.#foundAt < start) {
      const at = chunk.indexOf(schemaName, start);
      this.#foundAt = at === -1 ? chunk.length : at;
      this.#chunk = chunk;
    }
    return this.#foundAt < end;
  }
}
