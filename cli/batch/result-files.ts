import { createWriteStream } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { CommandError, exitStatus } from '../exit-status.ts';
import { createProgress, type Progress, type ProgressState } from '../output/progress.ts';
import { bytesText, counted } from '../output/quantities.ts';
import { note, type OutputOptions } from '../output/result.ts';
import type { BatchState, Counts } from '../transport/batch-state.ts';
import { openTable } from '../transport/result-table.ts';
import type { ResultStream, Transport } from '../transport/transport.ts';

/** A file of results on this machine. */
export interface FetchedFile {
  path: string;
  bytes: number;
}

/** Writes the answers of a batch into a file, and its error lines beside it; of a table its results table, which has both. */
export async function fetchFiles(
  transport: Transport,
  state: BatchState,
  path: string,
  options: OutputOptions,
): Promise<FetchedFile[]> {
  if (state.table && !isOfLines(path)) return [await fetchFile(await openTable(transport, state.table), path, options)];
  const wanted: [string, string | null][] = [
    [path, state.output],
    [errorsBeside(path), state.errorFile],
  ];
  const files: FetchedFile[] = [];
  for (const [target, reference] of wanted)
    if (reference !== null) files.push(await fetchFile(await transport.open(reference), target, options));
  return files;
}

/** Whether a file is for result lines: one that is named so, unless it says that it holds rows. */
function isOfLines(path: string): boolean {
  return /\.jsonl$/i.test(path) && !/\.rows\.jsonl$/i.test(path);
}

/** `answers.jsonl` -> `answers.errors.jsonl` */
export function errorsBeside(path: string): string {
  return `${path.replace(/\.jsonl$/i, '')}.errors.jsonl`;
}

/** Writes one stream into a file, which is whole or not there. */
export async function fetchFile(stream: ResultStream, path: string, options: OutputOptions): Promise<FetchedFile> {
  const progress = createProgress(options);
  try {
    return await download(stream, path, progress);
  } finally {
    progress.clear();
  }
}

async function download(stream: ResultStream, path: string, progress: Progress): Promise<FetchedFile> {
  const draft = `${path}.${process.pid}.part`;
  let bytes = 0;
  const counting = async function* (chunks: AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes !== stream.bytes) progress.show(fetching(path, bytes, stream.bytes));
      yield chunk;
    }
  };
  try {
    await pipeline(counting(stream.chunks), createWriteStream(draft));
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  return { path, bytes };
}

function fetching(path: string, done: number, total: number | null): ProgressState {
  const detail = bytesText(done) + (total === null ? '' : ` of ${bytesText(total)}`);
  return { label: `Fetching ${path}`, done, total, detail };
}

/**
 * Where the answers of a batch go: the file itself that was given, or in a folder a file named for what the batch was made of.
 *
 * @param name of the input, or the batch's id.
 * @param isFolder whether only a folder will do, as for several batches.
 * @throws CommandError where only a folder will do and there is none.
 */
export async function targetFile(output: string, name: string, isFolder: boolean): Promise<string> {
  const found = await stat(output).catch(() => null);
  if (!found?.isDirectory()) {
    if (isFolder || /[/\\]$/.test(output))
      throw new CommandError(
        exitStatus.invalid,
        `There is no folder ${output}; answers become a file in it for each batch.`,
      );
    return output;
  }
  return join(output, `${basename(name).replace(/\.jsonl$/i, '')}.results.jsonl`);
}

/** Says which files were written, and what is in them. */
export function noteFetched(
  { completed, failed }: Pick<Counts, 'completed' | 'failed'>,
  files: readonly FetchedFile[],
  options: OutputOptions,
): void {
  for (const { path, bytes } of files) note(`${path}  ${bytesText(bytes)}`, options);
  note(`${counted(completed, 'answer')}${failed > 0 ? `, ${counted(failed, 'error')}` : ''}.`, options);
}
