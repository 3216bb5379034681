import type { Command } from 'commander';
import type { BatchOptionsInput } from '../../lib/records/options.ts';
import { type BatchFlags, optionsOf, withLineFlags, withRunFlags, withTableFlags } from '../batch-flags.ts';
import { newCommand } from '../command.ts';
import { CommandError, exitStatus } from '../exit-status.ts';
import { createProgress } from '../output/progress.ts';
import { bytesText } from '../output/quantities.ts';
import { type InputFile, inputFile } from '../transport/input-file.ts';
import { openTransport, type TransportOptions, withTransportFlags } from '../transport/open-transport.ts';
import { readTemplate } from '../transport/template-file.ts';
import type { InputSubmission, Transport } from '../transport/transport.ts';
import { type FinishOptions, finishSubmissions, withWaitFlags } from './finish-submission.ts';
import { unique } from './many.ts';

export function submitCommand(): Command {
  const command = newCommand('submit', {
    summary: 'Hand over files of requests, and wait for the answers if asked to.',
    notes:
      'In a pipe it prints what the other commands find each batch by, and nothing else. Exit status with --wait:\n' +
      '0 all succeeded, 1 some requests failed, 3 the batch failed, expired or was cancelled, 124 time is over.',
    examples: [
      ['To the local stack, until the end', 'batchdrop submit requests.jsonl --wait'],
      ['And keep the answers, whatever failed', 'batchdrop submit requests.jsonl -o answers.jsonl'],
      ['Many files; the answers of each go into a folder', 'batchdrop submit batches/*.jsonl -o answers/'],
      ['A table: a request for each row', 'batchdrop submit reviews.csv --template label.json -o labels.csv'],
      ['What would it cost?', 'batchdrop submit requests.jsonl --dry-run'],
      [
        'To a deployment, for at most fifty dollars',
        'BATCHDROP_URL=https://... BATCHDROP_API_KEY=... batchdrop submit requests.jsonl --max-cost-usd 50',
      ],
      [
        'Straight into its bucket, with a label',
        'batchdrop submit requests.jsonl --bucket my-bucket --metadata team=search',
      ],
      ['In a script', 'id=$(batchdrop submit requests.jsonl); batchdrop wait "$id" --timeout 24h -o answers.jsonl'],
    ],
  }).argument('<files...>', 'requests (*.jsonl), or tables (*.csv, *.tsv, *.ndjson, *.rows.jsonl) with --template');
  withTableFlags(withRunFlags(withLineFlags(command.optionsGroup('The batch:'))).optionsGroup('A table:'))
    .optionsGroup('Whose it is:')
    .option('--tenant <name>', "with a bucket: whose inbox (default: the default tenant's)")
    .optionsGroup('Waiting:')
    .option('--wait', 'wait for the end; a dry run is always waited for');
  return withTransportFlags(withWaitFlags(command)).action(submit);
}

type SubmitOptions = BatchFlags & TransportOptions & FinishOptions & { template?: string };

async function submit(paths: string[], options: SubmitOptions): Promise<void> {
  const template = options.template === undefined ? {} : { template: await readTemplate(options.template) };
  const batchOptions = { ...optionsOf(options), ...template };
  const { parseRequestedOptions } = await import('../../lib/records/options.ts');
  parseRequestedOptions(batchOptions); // says what is wrong before anything is uploaded
  assertConsistent(paths, options);
  const files = await Promise.all(unique(paths).map(inputFile));
  const transport = await openTransport(options);
  await finishSubmissions(
    transport,
    files.map((file) => () => handOver(transport, file, batchOptions, options)),
    options.dryRun ? { ...options, wait: true } : options,
  );
}

/** @throws CommandError for what would be done otherwise than it was meant. */
function assertConsistent(paths: readonly string[], options: SubmitOptions): void {
  if (options.dryRun && options.output !== undefined)
    throw new CommandError(exitStatus.invalid, 'A dry run sends nothing, so it has no answers for --output.');
  const ofOne = [options.idempotencyKey && '--idempotency-key', options.taskToken && '--task-token'].find(Boolean);
  if (paths.length > 1 && ofOne)
    throw new CommandError(exitStatus.invalid, `${ofOne} is of one batch: submit the files one by one.`);
}

async function handOver(
  transport: Transport,
  file: InputFile,
  batchOptions: BatchOptionsInput,
  options: SubmitOptions,
): Promise<InputSubmission> {
  const progress = createProgress(options);
  const total = file.bytes;
  const onProgress = (done: number) => {
    const detail = `${bytesText(done)} of ${bytesText(total)}`;
    if (done < total) progress.show({ label: `Uploading ${file.name}`, done, total, detail });
  };
  try {
    return await transport.submit(file, batchOptions, onProgress);
  } finally {
    progress.clear();
  }
}
