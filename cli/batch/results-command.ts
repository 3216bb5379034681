import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { newCommand } from '../command.ts';
import { CommandError, type ExitStatus, exitStatus } from '../exit-status.ts';
import { createProgress, type Progress, type ProgressState } from '../output/progress.ts';
import { bytesText, counted } from '../output/quantities.ts';
import { note } from '../output/result.ts';
import { write } from '../output/write.ts';
import { type BatchState, type Counts, hasBatchEnded } from '../transport/batch-state.ts';
import { openTransport, type TransportOptions, withTransportFlags } from '../transport/open-transport.ts';
import type { ResultStream, Transport } from '../transport/transport.ts';
import { endStatus } from './end-status.ts';
import { countsText } from './state-text.ts';

interface ResultsOptions extends TransportOptions {
  output?: string;
  partial?: boolean;
  errors?: boolean;
}

export function resultsCommand(): Command {
  const command = newCommand('results', {
    summary: 'Fetch the answers of a batch: to standard output, or into a file.',
    notes:
      'Each request stands exactly once: in the answers, or among the errors (--errors; with -o FILE they go to\n' +
      'FILE.errors.jsonl beside it). Exit status: as of `wait`; a batch that expired or was cancelled is fetched with\n' +
      '--partial only. Of a batch that still runs --partial fetches the answers of its finished shards, and ends with 0.',
    examples: [
      ['Into a file', 'batchdrop results batch_0123 -o answers.jsonl'],
      ['The texts alone', "batchdrop results batch_0123 | jq -r '.response.body.choices[0].message.content'"],
      ['What failed, and why', "batchdrop results batch_0123 --errors | jq -r '[.custom_id, .error.message] | @tsv'"],
      ['What is answered so far, or of an expired batch', 'batchdrop results batch_0123 -o answers.jsonl --partial'],
    ],
  })
    .argument('<id>', "the batch's id; through a bucket also the name of its file in the inbox")
    .option('-o, --output <file>', 'write the answers there, and errors beside them')
    .option('--errors', 'the requests without an answer, instead of the answers')
    .option('--partial', 'take what there is of a batch that runs, expired or was cancelled');
  return withTransportFlags(command).action(async (id: string, options: ResultsOptions) => {
    process.exitCode = await fetchResults(id, options);
  });
}

async function fetchResults(id: string, options: ResultsOptions): Promise<ExitStatus> {
  const transport = await openTransport(options);
  const state = await transport.find(id);
  if (options.partial && !hasBatchEnded(state)) return fetchPartial(transport, state, options);
  assertFetchable(state, options);
  if (options.output !== undefined) await toFiles(transport, state, options.output, options);
  else await openedToStandardOutput(transport, options.errors ? state.errorFile : state.output);
  return endStatus(state);
}

/** What is answered so far. Requests that failed may be sent again, so there are no errors before the end. */
async function fetchPartial(transport: Transport, state: BatchState, options: ResultsOptions): Promise<ExitStatus> {
  const { handle, status } = state;
  if (options.errors)
    throw new CommandError(
      exitStatus.invalid,
      `Batch '${handle}' is ${status}; which requests failed for good is known when it ends: batchdrop wait ${handle}`,
    );
  const answers = await transport.openPartial(state);
  const counts = { completed: 0, failed: 0 };
  const stream = { ...answers, chunks: countingLines(answers.chunks, counts) };
  if (options.output === undefined) await toStandardOutput(stream);
  else report(state, counts, [await toFile(stream, options.output, options)], options);
  note(`Batch '${handle}' is ${status}: these are the answers of the shards that are done.`, options);
  return endStatus(state);
}

const newline = 10;

async function* countingLines(chunks: AsyncIterable<Uint8Array>, counts: { completed: number }) {
  for await (const chunk of chunks) {
    for (const byte of chunk) if (byte === newline) counts.completed += 1;
    yield chunk;
  }
}

async function toFile(stream: ResultStream, path: string, options: ResultsOptions): Promise<FetchedFile> {
  const progress = createProgress(options);
  try {
    return await download(stream, path, progress);
  } finally {
    progress.clear();
  }
}

/** @throws CommandError where there are no results, or not all. */
function assertFetchable(state: BatchState, { partial }: ResultsOptions): void {
  const { handle, status } = state;
  if (state.isDryRun) throw new CommandError(exitStatus.invalid, `Batch '${handle}' was a dry run; it has no results.`);
  if (!hasBatchEnded(state))
    throw new CommandError(
      exitStatus.invalid,
      `Batch '${handle}' is ${status}; its results are written when it ends: batchdrop wait ${handle} (--partial fetches what is answered so far)`,
    );
  if (status === 'failed' || status === 'refused')
    throw new CommandError(
      endStatus(state),
      `Batch '${handle}' ${status === 'failed' ? 'failed at validation' : 'was refused'}; nothing was sent: batchdrop explain ${handle}`,
    );
  if (status !== 'completed' && !partial)
    throw new CommandError(
      endStatus(state),
      `Batch '${handle}' ${status === 'expired' ? 'expired' : 'was cancelled'} with ${countsText(state) || 'nothing answered'}; --partial fetches that.`,
    );
}

async function openedToStandardOutput(transport: Transport, reference: string | null): Promise<void> {
  if (reference !== null) await toStandardOutput(await transport.open(reference));
}

async function toStandardOutput({ chunks }: ResultStream): Promise<void> {
  for await (const chunk of chunks) await write(chunk);
}

interface FetchedFile {
  path: string;
  bytes: number;
}

async function toFiles(transport: Transport, state: BatchState, path: string, options: ResultsOptions): Promise<void> {
  const wanted: [string, string | null][] = options.errors
    ? [[path, state.errorFile]]
    : [
        [path, state.output],
        [errorsBeside(path), state.errorFile],
      ];
  const files: FetchedFile[] = [];
  for (const [target, reference] of wanted)
    if (reference !== null) files.push(await toFile(await transport.open(reference), target, options));
  report(state, state.counts, files, options);
}

/** `answers.jsonl` -> `answers.errors.jsonl` */
function errorsBeside(path: string): string {
  return `${path.replace(/\.jsonl$/i, '')}.errors.jsonl`;
}

/** The file is whole or not there. */
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

function report(
  state: BatchState,
  { completed, failed }: Pick<Counts, 'completed' | 'failed'>,
  files: readonly FetchedFile[],
  options: ResultsOptions,
): void {
  if (options.json) {
    console.log(JSON.stringify({ id: state.id, status: state.status, answered: completed, failed, files }, null, 2));
    return;
  }
  for (const { path, bytes } of files) note(`${path}  ${bytesText(bytes)}`, options);
  note(`${counted(completed, 'answer')}${failed > 0 ? `, ${counted(failed, 'error')}` : ''}.`, options);
}
