import { maxStoredErrors } from '../core/batch.ts';
import { safeText } from '../core/errors.ts';
import { resultKey } from '../core/keys.ts';
import type { LineError } from '../core/request-line.ts';
import type { Warning } from '../providers/provider.ts';
import type { ObjectWriter } from '../store/object-writer.ts';
import type { Objects } from '../store/objects.ts';

/**
 * All errors and warnings of an input: every one in a file (`results/<batch id>/validation.jsonl`, `warnings.jsonl`),
 * the first hundred errors in memory for the record.
 */
export class ValidationReport {
  readonly #objects: Objects;
  readonly #batchId: string;
  #errorsFile: ObjectWriter | undefined;
  #warningsFile: ObjectWriter | undefined;
  readonly firstErrors: LineError[] = [];
  errorCount = 0;
  warningCount = 0;

  constructor(objects: Objects, batchId: string) {
    this.#objects = objects;
    this.#batchId = batchId;
  }

  async addErrors(errors: readonly LineError[]): Promise<void> {
    for (const error of errors) {
      const kept = { ...error, message: safeText(error.message) };
      if (this.firstErrors.length < maxStoredErrors) this.firstErrors.push(kept);
      this.errorCount += 1;
      this.#errorsFile ??= this.#objects.writer(resultKey(this.#batchId, 'validation.jsonl'));
      await this.#errorsFile.writeLine(Buffer.from(JSON.stringify(kept)));
    }
  }

  async addWarnings(line: number, customId: string, warnings: readonly Warning[]): Promise<void> {
    for (const warning of warnings) {
      this.warningCount += 1;
      this.#warningsFile ??= this.#objects.writer(resultKey(this.#batchId, 'warnings.jsonl'));
      await this.#warningsFile.writeLine(Buffer.from(JSON.stringify({ line, custom_id: customId, ...warning })));
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#errorsFile?.close(), this.#warningsFile?.close()]);
  }

  async abort(): Promise<void> {
    await Promise.all([this.#errorsFile?.abort(), this.#warningsFile?.abort()]);
  }
}
