import { z } from 'zod';
import type { Warning } from '../../providers/contract.ts';
import { maxStoredErrors } from '../../records/batch.ts';
import { safeText } from '../../records/errors.ts';
import { prepareWorkKey, resultKey } from '../../records/object-keys.ts';
import type { LineError } from '../../records/openai-batch.ts';
import { lineErrorSchema } from '../../records/openai-batch.ts';
import type { ObjectWriter } from '../../store/object-writer.ts';
import type { Objects } from '../../store/objects.ts';

const pieceSchema = z.object({ key: z.string(), bytes: z.number().int() });
type Piece = z.infer<typeof pieceSchema>;

/** What earlier runs have reported. */
export const lineIssuesStateSchema = z.object({
  firstErrors: z.array(lineErrorSchema),
  errorCount: z.number().int(),
  warningCount: z.number().int(),
  errorPieces: z.array(pieceSchema),
  warningPieces: z.array(pieceSchema),
});
export type LineIssuesState = z.infer<typeof lineIssuesStateSchema>;

const noIssues: LineIssuesState = {
  firstErrors: [],
  errorCount: 0,
  warningCount: 0,
  errorPieces: [],
  warningPieces: [],
};

/**
 * All errors and warnings of an input: every one in a file (`results/<batch id>/validation.jsonl`, `warnings.jsonl`),
 * the first hundred errors in memory for the record. Each run writes pieces of its own, and the last one joins them.
 */
export class LineIssues {
  readonly #errors: PiecedFile;
  readonly #warnings: PiecedFile;
  readonly firstErrors: LineError[];
  errorCount: number;
  warningCount: number;

  /** @param token the run's own. */
  constructor(objects: Objects, batchId: string, token: string, earlier: LineIssuesState = noIssues) {
    const file = (name: 'validation.jsonl' | 'warnings.jsonl', pieces: readonly Piece[]) =>
      new PiecedFile(objects, prepareWorkKey(batchId, token, name), resultKey(batchId, name), pieces);
    this.#errors = file('validation.jsonl', earlier.errorPieces);
    this.#warnings = file('warnings.jsonl', earlier.warningPieces);
    this.firstErrors = [...earlier.firstErrors];
    this.errorCount = earlier.errorCount;
    this.warningCount = earlier.warningCount;
  }

  async addErrors(errors: readonly LineError[]): Promise<void> {
    for (const error of errors) {
      const param = error.param === null ? null : safeText(error.param);
      const kept = { ...error, message: safeText(error.message), param };
      if (this.firstErrors.length < maxStoredErrors) this.firstErrors.push(kept);
      this.errorCount += 1;
      await this.#errors.writeLine(Buffer.from(JSON.stringify(kept)));
    }
  }

  async addWarnings(line: number, customId: string, warnings: readonly Warning[]): Promise<void> {
    for (const warning of warnings) {
      this.warningCount += 1;
      await this.#warnings.writeLine(
        Buffer.from(JSON.stringify({ line, custom_id: customId, ...warning, param: safeText(warning.param) })),
      );
    }
  }

  /** Of a table's column, and so of no line. */
  async addColumnWarning(column: string, message: string): Promise<void> {
    this.warningCount += 1;
    const warning = { line: null, custom_id: null, param: safeText(column), code: 'type_changed', message };
    await this.#warnings.writeLine(Buffer.from(JSON.stringify({ ...warning, message: safeText(message) })));
  }

  /** Ends this run's pieces for another run to go on. */
  async checkpoint(): Promise<LineIssuesState> {
    const [errorPieces, warningPieces] = await Promise.all([this.#errors.endPiece(), this.#warnings.endPiece()]);
    const { firstErrors, errorCount, warningCount } = this;
    return { firstErrors, errorCount, warningCount, errorPieces, warningPieces };
  }

  async close(): Promise<void> {
    await Promise.all([this.#errors.join(), this.#warnings.join()]);
  }

  async abort(): Promise<void> {
    await Promise.all([this.#errors.abort(), this.#warnings.abort()]);
  }
}

/** A file of which every run writes a piece; without a line there is none. */
class PiecedFile {
  readonly #objects: Objects;
  readonly #pieceKey: string;
  readonly #key: string;
  readonly #pieces: Piece[];
  #writer: ObjectWriter | undefined;

  constructor(objects: Objects, pieceKey: string, key: string, pieces: readonly Piece[]) {
    this.#objects = objects;
    this.#pieceKey = pieceKey;
    this.#key = key;
    this.#pieces = [...pieces];
  }

  async writeLine(line: Buffer): Promise<void> {
    this.#writer ??= this.#objects.writer(this.#pieceKey);
    await this.#writer.writeLine(line);
  }

  async endPiece(): Promise<Piece[]> {
    const written = await this.#writer?.close();
    this.#writer = undefined;
    if (written) this.#pieces.push({ key: written.key, bytes: written.bytes });
    return this.#pieces;
  }

  async join(): Promise<void> {
    await this.endPiece();
    if (this.#pieces.length === 0) return;
    const { bucket } = this.#objects;
    this.#writer = this.#objects.writer(this.#key);
    for (const { key, bytes } of this.#pieces)
      await this.#writer.append({ key, bytes, sections: [], read: () => this.#objects.stream({ bucket, key }) });
    await this.#writer.close();
    this.#writer = undefined;
  }

  async abort(): Promise<void> {
    await this.#writer?.abort();
  }
}
