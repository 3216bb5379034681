import type { Command } from 'commander';
import { newCommand } from '../command.ts';
import { parseDuration } from '../option-values.ts';
import { createProgress } from '../output/progress.ts';
import { printAnswer } from '../output/result.ts';
import type { BatchState } from '../transport/batch-state.ts';
import { openTransport, type TransportOptions, withTransportFlags } from '../transport/open-transport.ts';
import { endStatus } from './end-status.ts';
import { type FinishOptions, finishSubmission } from './finish-submission.ts';
import { stateText } from './state-text.ts';
import { untilEnd } from './wait.ts';

const idText = "the batch's id; through a bucket also the name of its file in the inbox";

const endStatuses =
  'Exit status: 0 all succeeded, 1 some requests failed, 3 the batch failed, expired or was cancelled';

export function statusCommand(): Command {
  const command = newCommand('status', {
    summary: 'Say how a batch is, and what can be done next.',
    notes: `${endStatuses}; 0 while it runs.`,
    examples: [
      ['How is it?', 'batchdrop status batch_0123'],
      ['In a script', 'batchdrop status batch_0123 --json | jq -r .status'],
    ],
  }).argument('<id>', idText);
  return withTransportFlags(command).action(async (id: string, options: TransportOptions) => {
    show(await (await openTransport(options)).find(id), options);
  });
}

export function waitCommand(): Command {
  const command = newCommand('wait', {
    summary: 'Wait until a batch has ended.',
    notes: `${endStatuses},\n124 the time given is over. Ctrl-C ends the waiting, not the batch.`,
    examples: [
      ['Until the end', 'batchdrop wait batch_0123'],
      ['No longer than an hour', 'batchdrop wait batch_0123 --timeout 1h'],
    ],
  })
    .argument('<id>', idText)
    .option('--timeout <duration>', 'no longer than this, such as 90s, 15m, 24h', parseDuration);
  return withTransportFlags(command).action(async (id: string, options: TransportOptions & FinishOptions) => {
    const transport = await openTransport(options);
    const look = () => transport.find(id);
    const progress = createProgress(options);
    show(await untilEnd({ handle: id, look, progress, timeoutSeconds: options.timeout }), options);
  });
}

export function cancelCommand(): Command {
  const command = newCommand('cancel', {
    summary: 'Cancel a batch: what has finished is kept, the rest ends as error lines.',
    examples: [
      ['Stop it', 'batchdrop cancel batch_0123'],
      ['And see what it came to', 'batchdrop cancel batch_0123 && batchdrop wait batch_0123'],
    ],
  }).argument('<id>', idText);
  return withTransportFlags(command).action(async (id: string, options: TransportOptions) => {
    const state = await (await openTransport(options)).cancel(id);
    printAnswer({ terminal: () => stateText(state), json: state.document }, options);
  });
}

export function collectCommand(): Command {
  const command = newCommand('collect', {
    summary: "Read the providers' results of an ended batch again, for answers that were lost.",
    notes: 'Nothing is sent, so nothing is paid for again. What is found takes the place of its error lines.',
    examples: [['Again, until it has ended', 'batchdrop collect batch_0123 && batchdrop wait batch_0123']],
  }).argument('<id>', idText);
  return withTransportFlags(command).action(async (id: string, options: TransportOptions) => {
    const state = await (await openTransport(options)).collect(id);
    printAnswer({ terminal: () => stateText(state), json: state.document }, options);
  });
}

export function retryCommand(): Command {
  const command = newCommand('retry', {
    summary: 'Send the failed requests of a batch again, as a batch of their own.',
    notes: 'The answers of both batches together are those of the first file.',
    examples: [
      ['Again, until the end', 'batchdrop retry batch_0123 --wait'],
      ['In a script', 'id=$(batchdrop retry batch_0123)'],
    ],
  })
    .argument('<id>', idText)
    .option('--wait', 'wait for the end')
    .option('--timeout <duration>', 'wait no longer than this, such as 90s, 15m, 24h', parseDuration);
  return withTransportFlags(command).action(async (id: string, options: TransportOptions & FinishOptions) => {
    const submission = await (await openTransport(options)).retry(id);
    process.exitCode = await finishSubmission(submission, options);
  });
}

function show(state: BatchState, options: TransportOptions): void {
  printAnswer({ terminal: () => stateText(state), json: state.document }, options);
  process.exitCode = endStatus(state);
}
