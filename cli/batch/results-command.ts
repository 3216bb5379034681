import { type Command, Option } from 'commander';
import { hint } from '../called-as.ts';
import { newCommand } from '../command.ts';
import { CommandError, type ExitStatus, exitStatus } from '../exit-status.ts';
import { note } from '../output/result.ts';
import { write } from '../output/write.ts';
import { type BatchState, type Counts, hasBatchEnded, type TableState } from '../transport/batch-state.ts';
import { inputFile, readInflated } from '../transport/input-file.ts';
import { openTransport, type TransportOptions, withTransportFlags } from '../transport/open-transport.ts';
import { openTable } from '../transport/result-table.ts';
import type { ResultStream, Transport } from '../transport/transport.ts';
import { endStatus } from './end-status.ts';
import type { RowSource } from './formatted-rows.ts';
import { JoinedResults, retryChain } from './joined-results.ts';
import { idsText, unique, worstStatus } from './many.ts';
import { errorsBeside, type FetchedFile, fetchFile, fetchFiles, noteFetched, targetFile } from './result-files.ts';
import { type ResultFormat, resultFormats } from './result-format.ts';
import { countsText } from './state-text.ts';

interface ResultsOptions extends TransportOptions {
  output?: string;
  partial?: boolean;
  errors?: boolean;
  table?: boolean;
  withRetries?: boolean;
  format?: ResultFormat;
  path?: string[];
  input?: string;
}

export function resultsCommand(): Command {
  const command = newCommand('results', {
    summary: 'Fetch the answers of batches: to standard output, or into files.',
    notes:
      'Each request stands exactly once: in the answers, or among the errors (--errors; with -o FILE they go to\n' +
      'FILE.errors.jsonl beside it). Exit status: as of `wait`; a batch that expired or was cancelled is fetched with\n' +
      '--partial only. Of a batch that still runs --partial fetches the answers of its finished shards, and ends with 0.',
    examples: [
      ['Into a file', 'batchdrop results batch_0123 -o answers.jsonl'],
      ['The texts alone', "batchdrop results batch_0123 | jq -r '.response.body.choices[0].message.content'"],
      ['The texts, one on each line', 'batchdrop results batch_0123 --format text'],
      [
        'As a table, with two members of the answers',
        'batchdrop results batch_0123 --format csv --path sentiment --path score',
      ],
      ['Of a table: its rows with the answers', 'batchdrop results batch_0123 --table -o labels.csv'],
      ['What failed, and why', "batchdrop results batch_0123 --errors | jq -r '[.custom_id, .error.message] | @tsv'"],
      ['What is answered so far, or of an expired batch', 'batchdrop results batch_0123 -o answers.jsonl --partial'],
      ['With what `retry` was answered', 'batchdrop results batch_0123 --with-retries -o answers.jsonl'],
      ['Of several batches, a file for each', 'batchdrop results batch_0123 batch_4567 -o answers/'],
    ],
  })
    .argument('<ids...>', idsText)
    .option(
      '-o, --output <path>',
      'write the answers there, and errors beside them; into a folder under their own names',
    )
    .addOption(
      new Option('--format <format>', 'one row for each request: a table, or texts with a line for each').choices(
        resultFormats,
      ),
    )
    .option(
      '--path <path>',
      'with --format: of the JSON of the answers what stands there, such as label.score; may be repeated',
      collected,
    )
    .option('--input <file>', 'with --format: the file of requests, in whose order the rows are to be')
    .option('--table', 'the results table: a row for each row of the input')
    .option('--errors', 'the requests without an answer, instead of the answers')
    .option('--with-retries', 'joined with what retries of the batch were answered, by custom_id')
    .option('--partial', 'take what there is of a batch that runs, expired or was cancelled');
  return withTransportFlags(command).action(async (ids: string[], options: ResultsOptions) => {
    assertConsistent(options);
    const transport = await openTransport(options);
    const fetched: Fetched[] = [];
    for (const id of unique(ids)) fetched.push(await fetchResults(transport, id, ids.length > 1, options));
    if (options.json && options.output !== undefined) {
      const documents = fetched.map(documentOf);
      console.log(JSON.stringify(ids.length > 1 ? documents : documents[0], null, 2));
    }
    process.exitCode = worstStatus(fetched.map(({ status }) => status));
  });
}

function collected(path: string, earlier: string[] = []): string[] {
  return [...earlier, path];
}

/** @throws CommandError for flags of which one would be ignored. */
function assertConsistent({ withRetries, partial, table, errors, format, path, input }: ResultsOptions): void {
  const beside = [withRetries && '--with-retries', partial && '--partial', table && '--table', errors && '--errors'];
  const ignored = beside.find(Boolean);
  if (format && ignored)
    throw new CommandError(
      exitStatus.invalid,
      `--format has a row for each request of a batch, answered or not; leave ${ignored} out.`,
    );
  const without = [path && '--path', input !== undefined && '--input'].find(Boolean);
  if (!format && without) throw new CommandError(exitStatus.invalid, `${without} is for --format.`);
  const other = [partial && '--partial', table && '--table'].find(Boolean);
  if (withRetries && other)
    throw new CommandError(
      exitStatus.invalid,
      `--with-retries joins whole results of ended batches; leave ${other} out.`,
    );
}

interface Fetched {
  state: BatchState;
  /** Lines that were written. */
  counts: Pick<Counts, 'completed' | 'failed'>;
  files: FetchedFile[];
  status: ExitStatus;
}

async function fetchResults(
  transport: Transport,
  id: string,
  isOneOfMany: boolean,
  options: ResultsOptions,
): Promise<Fetched> {
  const state = await transport.find(id);
  const { output } = options;
  const path = output === undefined ? null : await targetFile(output, state.name ?? state.handle, isOneOfMany);
  const fetched =
    options.partial && !hasBatchEnded(state)
      ? await fetchPartial(transport, state, path, options)
      : await (options.withRetries ? fetchJoined : fetchWhole)(transport, state, path, options);
  if (path !== null) noteFetched(fetched.counts, fetched.files, options);
  return fetched;
}

async function fetchWhole(
  transport: Transport,
  state: BatchState,
  path: string | null,
  options: ResultsOptions,
): Promise<Fetched> {
  assertFetchable(state, options);
  const { counts } = state;
  const status = endStatus(state);
  if (options.format) {
    const files = await fetchFormatted(transport, state, path, { ...options, format: options.format });
    return { state, counts, files, status };
  }
  if (options.table) {
    const stream = await openTable(transport, tableOf(state));
    if (path !== null) return { state, counts, files: [await fetchFile(stream, path, options)], status };
    await toStandardOutput(stream);
    return { state, counts, files: [], status };
  }
  const reference = options.errors ? state.errorFile : state.output;
  if (path === null) {
    if (reference !== null) await toStandardOutput(await transport.open(reference));
    return { state, counts, files: [], status };
  }
  if (!options.errors) return { state, counts, files: await fetchFiles(transport, state, path, options), status };
  const files = reference === null ? [] : [await fetchFile(await transport.open(reference), path, options)];
  return { state, counts: { completed: 0, failed: counts.failed }, files, status };
}

/** Writes a row for each request, in the format that was asked for. */
async function fetchFormatted(
  transport: Transport,
  state: BatchState,
  path: string | null,
  options: ResultsOptions & { format: ResultFormat },
): Promise<FetchedFile[]> {
  const { format, path: paths = [], input } = options;
  const { answerRows, idsIn, idsOf } = await import('./answer-rows.ts');
  const { formattedRows } = await import('./formatted-rows.ts');
  const writeRows = async (source: RowSource) => {
    const stream = { bytes: null, chunks: formattedRows(source, format) };
    if (path !== null) return [await fetchFile(stream, path, options)];
    await toStandardOutput(stream);
    return [];
  };
  const { table } = state;
  const open = async function* (reference: string | null) {
    if (reference !== null) yield* (await transport.open(reference)).chunks;
  };
  const lines = { answers: () => open(state.output), errors: () => open(state.errorFile) };
  if (table && table.error === null && input === undefined) {
    const { withTableRows } = await import('./table-rows.ts');
    return withTableRows(transport, table, (rows) => {
      const isWhole = paths.length === 0 && format !== 'text';
      return writeRows(isWhole ? rows : answerRows({ ...lines, order: () => idsOf(rows) }, paths));
    });
  }
  const file = input === undefined ? null : await inputFile(input);
  return writeRows(answerRows({ ...lines, order: file && (() => idsIn(readInflated(file))) }, paths));
}

/** @throws CommandError where there is none. */
function tableOf({ handle, table }: BatchState): TableState {
  if (table) return table;
  throw new CommandError(
    exitStatus.invalid,
    `Batch '${handle}' has no results table: its input is no table, and output_format did not ask for one.`,
  );
}

/** The results of a batch and its retries. */
async function fetchJoined(
  transport: Transport,
  state: BatchState,
  path: string | null,
  options: ResultsOptions,
): Promise<Fetched> {
  assertFetchable(state, options);
  const { batches, running } = await retryChain(transport, state);
  const joined = new JoinedResults(transport, batches);
  const streamOf = (chunks: AsyncIterable<Uint8Array>) => ({ bytes: null, chunks });
  const { counts } = joined;
  const files: FetchedFile[] = [];
  if (options.errors) {
    for await (const _answer of joined.answers()); // which ids have answers by now
    const errors = streamOf(joined.errors());
    if (path === null) await toStandardOutput(errors);
    else files.push(await fetchFile(errors, path, options));
  } else if (path === null) {
    await toStandardOutput(streamOf(joined.answers()));
    for await (const _error of joined.errors()); // whether something is left for the exit status
  } else {
    files.push(await fetchFile(streamOf(joined.answers()), path, options));
    files.push(await fetchFile(streamOf(joined.errors()), errorsBeside(path), options));
  }
  note(chainText(batches, running), options);
  const status = counts.failed > 0 ? exitStatus.someFailed : exitStatus.succeeded;
  return { state, counts: { ...counts, completed: options.errors ? 0 : counts.completed }, files, status };
}

function chainText(batches: readonly BatchState[], running: BatchState | null): string {
  const retries = batches.slice(1).map(({ handle }) => handle);
  const ended = retries.length === 0 ? 'No retry of it has ended' : `With the answers of ${retries.join(', ')}`;
  if (running === null) return `${ended}.`;
  return `${ended}; ${running.handle} is ${running.status}, and its requests are among the errors: ${hint('wait', running.handle)}`;
}

/** What is answered so far. Requests that failed may be sent again, so there are no errors before the end. */
async function fetchPartial(
  transport: Transport,
  state: BatchState,
  path: string | null,
  options: ResultsOptions,
): Promise<Fetched> {
  const { handle, status } = state;
  if (options.errors)
    throw new CommandError(
      exitStatus.invalid,
      `Batch '${handle}' is ${status}; which requests failed for good is known when it ends: ${hint('wait', handle)}`,
    );
  const answers = await transport.openPartial(state);
  const counts = { completed: 0, failed: 0 };
  const stream = { ...answers, chunks: countingLines(answers.chunks, counts) };
  const files = path === null ? [] : [await fetchFile(stream, path, options)];
  if (path === null) await toStandardOutput(stream);
  note(`Batch '${handle}' is ${status}: these are the answers of the shards that are done.`, options);
  return { state, counts, files, status: endStatus(state) };
}

const newline = 10;

async function* countingLines(chunks: AsyncIterable<Uint8Array>, counts: { completed: number }) {
  for await (const chunk of chunks) {
    for (const byte of chunk) if (byte === newline) counts.completed += 1;
    yield chunk;
  }
}

/** @throws CommandError where there are no results, or not all. */
function assertFetchable(state: BatchState, { partial }: ResultsOptions): void {
  const { handle, status } = state;
  if (state.isDryRun) throw new CommandError(exitStatus.invalid, `Batch '${handle}' was a dry run; it has no results.`);
  if (!hasBatchEnded(state))
    throw new CommandError(
      exitStatus.invalid,
      `Batch '${handle}' is ${status}; its results are written when it ends: ${hint('wait', handle)} (--partial fetches what is answered so far)`,
    );
  if (status === 'failed' || status === 'refused')
    throw new CommandError(
      endStatus(state),
      `Batch '${handle}' ${status === 'failed' ? 'failed at validation' : 'was refused'}; nothing was sent: ${hint('explain', handle)}`,
    );
  if (status !== 'completed' && !partial)
    throw new CommandError(
      endStatus(state),
      `Batch '${handle}' ${status === 'expired' ? 'expired' : 'was cancelled'} with ${countsText(state) || 'nothing answered'}; --partial fetches that.`,
    );
}

async function toStandardOutput({ chunks }: ResultStream): Promise<void> {
  for await (const chunk of chunks) await write(chunk);
}

function documentOf({ state, counts, files }: Fetched) {
  return { id: state.id, status: state.status, answered: counts.completed, failed: counts.failed, files };
}
