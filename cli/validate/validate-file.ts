import { createReadStream } from 'node:fs';
import { inflated } from '../../lib/lines/inflate.ts';
import { parseOptions } from '../../lib/records/options.ts';
import { compressionOf } from '../../lib/records/table-kind.ts';
import { readLocalConfig } from '../../local/local-config.ts';
import { type BatchFlags, optionsOf } from '../batch-flags.ts';
import { type ExitStatus, exitStatus } from '../exit-status.ts';
import type { OutputOptions } from '../output/result.ts';
import { write } from '../output/write.ts';
import { usualDataDir } from '../start/ready-file.ts';
import { type FileReport, FileValidation } from './file-validation.ts';
import { jsonDisplay, plainDisplay, terminalDisplay, type ValidationDisplay } from './validation-display.ts';

export interface ValidateOptions extends BatchFlags, OutputOptions {
  config?: string;
}

/** @returns 0 where all lines are right, 1 where some would become error lines, 2 where a batch would fail. */
export async function validateFile(file: string, options: ValidateOptions): Promise<ExitStatus> {
  const config = readLocalConfig(usualDataDir, options.config);
  const validation = new FileValidation(config, parseOptions({ ...config.defaults, ...optionsOf(options) }));
  const isStandardInput = file === '-';
  const display = chooseDisplay(isStandardInput ? 'standard input' : file, options);
  const form = isStandardInput ? null : compressionOf(file);
  const read = isStandardInput ? process.stdin : createReadStream(file, { highWaterMark: 1024 * 1024 });
  const chunks = form === null ? read : inflated(read, form);
  for await (const finding of validation.findings(chunks)) await write(display.add(finding));
  const report = validation.report();
  await write(display.finish(report));
  return statusOf(report);
}

function chooseDisplay(file: string, { json }: OutputOptions): ValidationDisplay {
  if (json) return jsonDisplay(file);
  return process.stdout.isTTY ? terminalDisplay(file) : plainDisplay(file);
}

function statusOf({ would_fail, invalid_lines }: FileReport): ExitStatus {
  if (would_fail) return exitStatus.invalid;
  return invalid_lines > 0 ? exitStatus.someFailed : exitStatus.succeeded;
}
