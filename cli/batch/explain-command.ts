import type { Command } from 'commander';
import { newCommand } from '../command.ts';
import { printAnswer } from '../output/result.ts';
import type { BatchState } from '../transport/batch-state.ts';
import { openTransport, type TransportOptions, withTransportFlags } from '../transport/open-transport.ts';
import type { Transport } from '../transport/transport.ts';
import { type ErrorTally, tallyErrors } from './error-tally.ts';
import { explanation } from './explanation.ts';
import { nextSteps } from './next-steps.ts';

export function explainCommand(): Command {
  const command = newCommand('explain', {
    summary:
      "Say all that is known of a batch: timeline, shards, providers' ids, why requests failed, what to do next.",
    notes: 'Exit status: 0 wherever it could be told.',
    examples: [
      ['Why did requests fail?', 'batchdrop explain batch_0123'],
      ["The providers' ids, to ask them", "batchdrop explain batch_0123 --json | jq -r '.shards[].provider_batch_id'"],
    ],
  }).argument('<id>', "the batch's id; through a bucket also the name of its file in the inbox");
  return withTransportFlags(command).action(async (id: string, options: TransportOptions) => {
    const transport = await openTransport(options);
    const state = await transport.find(id);
    const tally = await tallyOf(transport, state);
    printAnswer({ terminal: () => explanation(state, tally), json: documentOf(state, tally) }, options);
  });
}

async function tallyOf(transport: Transport, state: BatchState): Promise<ErrorTally> {
  return state.errorFile === null
    ? { groups: [], isPartial: false }
    : tallyErrors(await transport.open(state.errorFile));
}

function documentOf(state: BatchState, tally: ErrorTally) {
  const shards = state.shards?.map(({ providerBatchId, providerStatus, lastError, ...shard }) => ({
    ...shard,
    provider_batch_id: providerBatchId,
    provider_status: providerStatus,
    last_error: lastError,
  }));
  return {
    id: state.id,
    status: state.status,
    timeline: state.moments,
    shards: shards ?? [],
    shards_omitted: state.shardsOmitted,
    errors: tally.groups.map(({ customId, ...group }) => ({ ...group, first_custom_id: customId })),
    next: nextSteps(state),
    batch: state.document,
  };
}
