import { z } from 'zod';
import type { Cost, Report } from '../../lib/records/batch.ts';
import type { LineError } from '../../lib/records/openai-batch.ts';
import { batchStatuses, hasEnded, lineErrorSchema } from '../../lib/records/openai-batch.ts';
import type { OutputFormat } from '../../lib/records/table-kind.ts';

export interface Counts {
  total: number;
  completed: number;
  failed: number;
}

/** One provider batch, or what is to become one. */
export interface ShardState {
  round: number;
  shard: number;
  status: string;
  /** Null for the lines that validation refused. */
  provider: string | null;
  model: string;
  providerBatchId: string | null;
  providerStatus: string | null;
  requests: number;
  completed: number;
  failed: number;
  /** How many of the failed may succeed if they are sent again; null where an older deployment does not say it. */
  retryable: number | null;
  lastError: string | null;
}

/** What a validation found before anything was sent. */
export type ValidationFacts = Pick<
  Report,
  | 'lines'
  | 'invalidLines'
  | 'shards'
  | 'estimatedInputTokens'
  | 'estimatedOutputTokens'
  | 'estimatedCost'
  | 'isOutputBound'
  | 'assumptions'
>;

/** Why a batch makes no progress. Times are unix seconds. */
export interface Waiting {
  reason: string;
  since: number;
  tries: number;
  nextAt: number | null;
}

/** What a deployment says of it. */
const waitingSchema = z.object({
  reason: z.string(),
  since: z.number(),
  tries: z.number(),
  next_at: z.number().nullable(),
});

/** As it stands in status files and in answers of the API; older ones have none. */
export const statedWaitingSchema = waitingSchema
  .transform(({ next_at: nextAt, ...waiting }): Waiting => ({ ...waiting, nextAt }))
  .nullish();

/** When something happened, in unix seconds, in the order in which it did. */
export interface Moment {
  what: string;
  at: number;
}

/** The results table of a batch. */
export interface TableState {
  format: OutputFormat;
  /** In their order; where they are, for the transport that was asked. */
  parts: { reference: string; bytes: number }[];
  /** Why it could not be made. */
  error: string | null;
}

/** A batch as this command line shows it, whichever transport it was seen through. */
export interface BatchState {
  /** What the other commands find it by. */
  handle: string;
  /** Null for a drop that was refused. */
  id: string | null;
  /** What its file is called; null where it is not known. */
  name: string | null;
  /** OpenAI's eight, or `refused` for a drop that never became a batch. */
  status: string;
  counts: Counts;
  endpoint: string | null;
  model: string | null;
  isDryRun: boolean;
  retryOf: string | null;
  moments: Moment[];
  deadlineAt: number | null;
  waiting: Waiting | null;
  /** How many failed requests may succeed if they are sent again; null where it is not known. */
  retryable: number | null;
  errors: LineError[];
  errorCount: number;
  warningCount: number;
  /** Why the options of a sidecar are not applied. */
  sidecarWarning: string | null;
  tokens: { input: number; output: number } | null;
  cost: Cost | null;
  validation: ValidationFacts | null;
  /** Null where the transport cannot see them. */
  shards: ShardState[] | null;
  /** How many more there are, which the deployment does not list. */
  shardsOmitted: number;
  /** Where the results are, for the transport that was asked; null where there are none. */
  output: string | null;
  errorFile: string | null;
  /** Null where the batch has none. */
  table: TableState | null;
  /** As it came, for `--json`. */
  document: unknown;
}

export const errorListSchema = z.array(lineErrorSchema);

export function hasBatchEnded({ status }: Pick<BatchState, 'status'>): boolean {
  return status === 'refused' || batchStatuses.some((known) => known === status && hasEnded(known));
}

/** Fields of OpenAI's Batch that say when it came into a status. */
const momentNames = [
  'created',
  'in_progress',
  'cancelling',
  'finalizing',
  'completed',
  'failed',
  'expired',
  'cancelled',
] as const;

/** Each round sends what failed in the one before, so the last result of a request stands in its last round. */
export function retryableIn(shards: readonly ShardState[] | null, omitted: number): number | null {
  if (shards === null || omitted > 0 || shards.some(({ retryable }) => retryable === null)) return null;
  const last = Math.max(...shards.map(({ round }) => round));
  return shards.reduce((sum, { round, retryable }) => sum + (round === last ? (retryable ?? 0) : 0), 0);
}

type Times = Partial<Record<`${(typeof momentNames)[number]}_at`, number | null>>;

/** @returns moments whose time is known, earliest first. */
export function momentsOf(times: Times): Moment[] {
  return momentNames
    .flatMap((what) => {
      const at = times[`${what}_at`] ?? null;
      return at === null ? [] : [{ what, at }];
    })
    .toSorted((left, right) => left.at - right.at);
}
