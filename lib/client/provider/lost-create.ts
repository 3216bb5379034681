import { setTimeout as sleep } from 'node:timers/promises';
import type { DirectUse, Sending } from '../../providers/contract.ts';
import { clockSkewMs } from '../../providers/shared/http/allowances.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import { OutcomeUnknownError } from '../errors.ts';
import type { LibraryClient } from '../library-client.ts';

/** One creation. */
export interface CreateAttempt {
  client: LibraryClient;
  direct: DirectUse;
  sending: Sending;
  /** What was asked for, which the provider may have through another endpoint. */
  endpoint: Endpoint;
  providerInputFileId: string | null;
  /** Unix milliseconds. */
  startedAtMs: number;
  /** How long the provider's list may still lack it. */
  settleSeconds: number;
}

/** Between two looks. */
const lookSeconds = 5;

/**
 * Finds out what became of a creation whose answer did not come. Nothing is ever sent again from here.
 *
 * @param message what went wrong.
 * @returns the batch's id, where the provider proves which one it is.
 * @throws OutcomeUnknownError otherwise.
 */
export async function findLostCreate(attempt: CreateAttempt, message: string): Promise<string> {
  return attempt.direct.listsInputFile
    ? await findByInputFile(attempt, message)
    : await nameCandidates(attempt, message);
}

/** The list may lag behind, so it is read again until the creation would surely be in it. */
async function findByInputFile(attempt: CreateAttempt, message: string): Promise<string> {
  const endsAtMs = Date.now() + attempt.settleSeconds * 1000;
  for (;;) {
    const look = await lookForInputFile(attempt);
    if (look.batchId !== null) return look.batchId;
    if (Date.now() >= endsAtMs) throw notListed(attempt, message, look.cause);
    await sleep(Math.min(lookSeconds * 1000, endsAtMs - Date.now()));
  }
}

async function lookForInputFile(attempt: CreateAttempt): Promise<{ batchId: string | null; cause?: unknown }> {
  const { client, sending, providerInputFileId, startedAtMs } = attempt;
  const search = { sending, providerInputFileId, windowStartMs: startedAtMs, windowEndMs: Date.now() };
  try {
    const found = await client.findLost({ ...search, isClaimed: async () => false }, new AbortController().signal);
    return { batchId: found.finding === 'found' ? found.providerBatchId : null };
  } catch (cause) {
    return { batchId: null, cause };
  }
}

function notListed({ providerInputFileId }: CreateAttempt, message: string, cause: unknown): OutcomeUnknownError {
  return new OutcomeUnknownError(
    `${withoutStop(message)}. No batch with the input file ${providerInputFileId} ${cause ? 'could be looked for' : 'has appeared since, so it was most likely not created'}. Before you send it again, look for it with listBatches().`,
    [],
    { cause },
  );
}

/** What others say may be a sentence already. */
function withoutStop(message: string): string {
  return message.replace(/\.$/, '');
}

async function nameCandidates(attempt: CreateAttempt, message: string): Promise<never> {
  const { candidates, cause } = await lookForCandidates(attempt);
  throw new OutcomeUnknownError(
    `${withoutStop(message)}. The batch may have been created all the same: ${describeCandidates(candidates)} Before you send it again, look at the results of such batches for your custom_ids, or cancel them.`,
    candidates,
    { cause },
  );
}

/** Batches of the right time and size: there is nothing else to know them by. */
async function lookForCandidates(attempt: CreateAttempt): Promise<{ candidates: string[]; cause?: unknown }> {
  const { client, sending, startedAtMs, settleSeconds } = attempt;
  await sleep(Math.min(settleSeconds, lookSeconds) * 1000);
  const sinceSeconds = (startedAtMs - clockSkewMs) / 1000;
  try {
    const { batches } = await client.list({ limit: 100 }, new AbortController().signal);
    const similar = batches.filter(
      (batch) => (batch.created_at ?? 0) >= sinceSeconds && batch.request_counts.total === sending.lineCount,
    );
    return { candidates: similar.map((batch) => batch.id) };
  } catch (cause) {
    return { candidates: [], cause };
  }
}

function describeCandidates(candidates: readonly string[]): string {
  if (candidates.length === 0) return 'none of its size is listed so far; look again later with listBatches().';
  return `${candidates.join(', ')} ${candidates.length === 1 ? 'has' : 'have'} its size and time.`;
}
