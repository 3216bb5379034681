import type { Line } from '../../lines/jsonl.ts';
import type { ObjectWriter, WrittenObject } from '../../store/object-writer.ts';
import type { PendingWrite } from '../../store/pending-writes.ts';

/** A line to be written; `chunk`, `start` and `end` say where it stands among its neighbours, if it does. */
export type WritableLine = Pick<Line, 'bytes' | 'chunk' | 'start' | 'end'>;

/** Writes lines with their newlines; those that followed each other in the input by one copy for all. */
export class LineWriter {
  readonly #writer: ObjectWriter;
  #chunk: Buffer | undefined;
  #start = 0;
  #end = 0;

  constructor(writer: ObjectWriter) {
    this.#writer = writer;
  }

  /** @returns what is to be awaited before the next write. */
  write(line: WritableLine): PendingWrite {
    const { chunk, start, end } = line;
    if (chunk === undefined || start === undefined || end === undefined) return this.#writeAlone(line.bytes);
    const follows = chunk === this.#chunk && start === this.#end;
    const pending = follows ? undefined : this.#flush();
    if (!follows) this.#start = start;
    this.#chunk = chunk;
    this.#end = end + 1;
    return pending;
  }

  async close(): Promise<WrittenObject> {
    await this.#flush();
    return this.#writer.close();
  }

  async abort(): Promise<void> {
    await this.#writer.abort();
  }

  #writeAlone(line: Buffer): PendingWrite {
    const flushed = this.#flush();
    return flushed ? flushed.then(() => this.#writer.writeLine(line)) : this.#writer.writeLine(line);
  }

  #flush(): PendingWrite {
    const lines = this.#chunk?.subarray(this.#start, this.#end);
    this.#chunk = undefined;
    return lines && this.#writer.write(lines);
  }
}
