import type { Command } from 'commander';
import { parseRequestedOptions } from '../../lib/records/options.ts';
import { type BatchFlags, optionsOf, withLineFlags, withRunFlags } from '../batch-flags.ts';
import { newCommand } from '../command.ts';
import type { ExitStatus } from '../exit-status.ts';
import { parseDuration } from '../option-values.ts';
import { createProgress } from '../output/progress.ts';
import { bytesText } from '../output/quantities.ts';
import { inputFile } from '../transport/input-file.ts';
import { openTransport, type TransportOptions, withTransportFlags } from '../transport/open-transport.ts';
import { type FinishOptions, finishSubmission } from './finish-submission.ts';

export function submitCommand(): Command {
  const command = newCommand('submit', {
    summary: 'Hand over a file of requests, and wait for the answers if asked to.',
    notes:
      'In a pipe it prints what the other commands find the batch by, and nothing else. Exit status with --wait:\n' +
      '0 all succeeded, 1 some requests failed, 3 the batch failed, expired or was cancelled, 124 time is over.',
    examples: [
      ['To the local stack, until the end', 'batchdrop submit requests.jsonl --wait'],
      ['What would it cost?', 'batchdrop submit requests.jsonl --dry-run --wait'],
      [
        'To a deployment, for at most fifty dollars',
        'BATCHDROP_URL=https://... BATCHDROP_API_KEY=... batchdrop submit requests.jsonl --max-cost-usd 50',
      ],
      [
        'Straight into its bucket, with a label',
        'batchdrop submit requests.jsonl --bucket my-bucket --metadata team=search',
      ],
      [
        'In a script',
        'id=$(batchdrop submit requests.jsonl) && batchdrop wait "$id" --timeout 24h && batchdrop results "$id" -o answers.jsonl',
      ],
    ],
  }).argument('<file>', 'requests, one JSON object per line, named *.jsonl');
  withRunFlags(withLineFlags(command.optionsGroup('The batch:')))
    .option('--tenant <name>', "with a bucket: whose inbox (default: the default tenant's)")
    .optionsGroup('Waiting:')
    .option('--wait', 'wait for the end')
    .option('--timeout <duration>', 'wait no longer than this, such as 90s, 15m, 24h', parseDuration);
  return withTransportFlags(command).action(async (path: string, options: SubmitOptions) => {
    process.exitCode = await submit(path, options);
  });
}

type SubmitOptions = BatchFlags & TransportOptions & FinishOptions;

async function submit(path: string, options: SubmitOptions): Promise<ExitStatus> {
  const batchOptions = optionsOf(options);
  parseRequestedOptions(batchOptions); // says what is wrong before anything is uploaded
  const file = await inputFile(path);
  const transport = await openTransport(options);
  const progress = createProgress(options);
  const total = file.bytes;
  const onProgress = (done: number) => {
    if (done < total)
      progress.show({
        label: `Uploading ${file.name}`,
        done,
        total,
        detail: `${bytesText(done)} of ${bytesText(total)}`,
      });
  };
  try {
    const submission = await transport.submit(file, batchOptions, onProgress);
    progress.clear();
    return await finishSubmission(submission, options);
  } finally {
    progress.clear();
  }
}
