import type { Command } from 'commander';
import { newCommand } from '../command.ts';
import { exitStatus } from '../exit-status.ts';
import type { BatchState } from '../transport/batch-state.ts';
import { openTransport, type TransportOptions, withTransportFlags } from '../transport/open-transport.ts';
import { endStatus } from './end-status.ts';
import { type FinishOptions, finishSubmissions, waitForAll, withWaitFlags } from './finish-submission.ts';
import { answerEach, type BatchAnswer, idsText, unique } from './many.ts';
import { headline, stateText } from './state-text.ts';

const endStatuses =
  'Exit status: 0 all succeeded, 1 some requests failed, 3 the batch failed, expired or was cancelled';

export function statusCommand(): Command {
  const command = newCommand('status', {
    summary: 'Say how a batch is, and what can be done next.',
    notes: `${endStatuses}; 0 while it runs.`,
    examples: [
      ['How is it?', 'batchdrop status batch_0123'],
      ['By the name of its file', 'batchdrop status reviews.jsonl'],
      ['In a script', 'batchdrop status batch_0123 --json | jq -r .status'],
    ],
  }).argument('<ids...>', idsText);
  return withTransportFlags(command).action(async (ids: string[], options: TransportOptions) => {
    const transport = await openTransport(options);
    await answerEach(unique(ids), options, async (id) => {
      const state = await transport.find(id);
      return { ...answerOf(state), status: endStatus(state) };
    });
  });
}

export function waitCommand(): Command {
  const command = newCommand('wait', {
    summary: 'Wait until batches have ended.',
    notes: `${endStatuses},\n124 the time given is over. Ctrl-C ends the waiting, not the batch.`,
    examples: [
      ['Until the end', 'batchdrop wait batch_0123'],
      ['No longer than an hour', 'batchdrop wait batch_0123 --timeout 1h'],
      ['For several, and keep their answers', 'batchdrop wait batch_0123 batch_4567 -o answers/'],
    ],
  }).argument('<ids...>', idsText);
  return withTransportFlags(withWaitFlags(command)).action(
    async (ids: string[], options: TransportOptions & FinishOptions) => {
      const transport = await openTransport(options);
      const waits = unique(ids).map((id) => ({ handle: id, look: () => transport.find(id) }));
      await waitForAll(transport, waits, options);
    },
  );
}

export function cancelCommand(): Command {
  const command = newCommand('cancel', {
    summary: 'Cancel batches: what has finished is kept, the rest ends as error lines.',
    examples: [
      ['Stop it', 'batchdrop cancel batch_0123'],
      ['And see what it came to', 'batchdrop cancel batch_0123 && batchdrop wait batch_0123'],
    ],
  }).argument('<ids...>', idsText);
  return withTransportFlags(command).action(async (ids: string[], options: TransportOptions) => {
    const transport = await openTransport(options);
    await answerEach(unique(ids), options, async (id) => answerOf(await transport.cancel(id)));
  });
}

export function collectCommand(): Command {
  const command = newCommand('collect', {
    summary: "Read the providers' results of ended batches again, for answers that were lost.",
    notes: 'Nothing is sent, so nothing is paid for again. What is found takes the place of its error lines.',
    examples: [['Again, until it has ended', 'batchdrop collect batch_0123 && batchdrop wait batch_0123']],
  }).argument('<ids...>', idsText);
  return withTransportFlags(command).action(async (ids: string[], options: TransportOptions) => {
    const transport = await openTransport(options);
    await answerEach(unique(ids), options, async (id) => answerOf(await transport.collect(id)));
  });
}

export function retryCommand(): Command {
  const command = newCommand('retry', {
    summary: 'Send the failed requests of batches again, as batches of their own.',
    notes:
      'Retried again it gives the same batch. `results ID --with-retries` joins the answers of both.\n' +
      `${endStatuses} (with --wait).`,
    examples: [
      ['Again, until the end', 'batchdrop retry batch_0123 --wait'],
      ['In a script', 'id=$(batchdrop retry batch_0123)'],
    ],
  })
    .argument('<ids...>', idsText)
    .option('--wait', 'wait for the end');
  return withTransportFlags(withWaitFlags(command)).action(
    async (ids: string[], options: TransportOptions & FinishOptions) => {
      const transport = await openTransport(options);
      await finishSubmissions(
        transport,
        unique(ids).map((id) => () => transport.retry(id)),
        options,
      );
    },
  );
}

function answerOf(state: BatchState): BatchAnswer {
  return {
    answer: { terminal: () => stateText(state), json: state.document },
    brief: { terminal: () => headline(state) },
    status: exitStatus.succeeded,
  };
}
