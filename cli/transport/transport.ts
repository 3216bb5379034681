import type { UsageRow } from '../../lib/client/deployment/replies.ts';
import type { BatchOptionsInput } from '../../lib/records/options.ts';
import type { BatchState } from './batch-state.ts';
import type { InputFile } from './input-file.ts';

/** A file of results, as it comes. */
export interface ResultStream {
  /** Null where it is not said. */
  bytes: number | null;
  chunks: AsyncIterable<Uint8Array>;
}

/** A file that was handed over. */
export interface InputSubmission {
  /** What the other commands find its batch by. */
  handle: string;
  /** Where it lies now, for a person to read. */
  place: string;
  /** As it came, for `--json`. */
  document: unknown;
  /** @returns null as long as nobody has taken it up. */
  state(): Promise<BatchState | null>;
}

/** Which batches to list. */
export interface ListRequest {
  limit: number;
  /** Null for any. */
  statuses: readonly string[] | null;
  /** Unix seconds; null for any time. */
  since: number | null;
  /** A part of the name, or a whole one with `*` in it; null for any. */
  name: string | null;
  /** Another tenant's, where the transport may see them. */
  tenant?: string | undefined;
}

/** What usage to sum up; the deployment says what is left out. */
export interface UsageRequest {
  by: string;
  from?: string;
  to?: string;
  tenant?: string;
}

/** Sums of what ended batches have used. */
export interface UsageSums {
  from: string;
  to: string;
  by: string[];
  /** Null for all. */
  tenant: string | null;
  rows: UsageRow[];
}

export interface StoredFile {
  id: string;
  filename: string;
  bytes: number;
  purpose: string;
  createdAt: number;
}

/**
 * A way to a deployment: its HTTP API, or its bucket alone. What a transport cannot do, it refuses with one sentence that
 * says which other can. Every method throws CommandError for whatever goes wrong there.
 */
export interface Transport {
  submit(
    file: InputFile,
    options: BatchOptionsInput,
    onProgress: (sentBytes: number) => void,
  ): Promise<InputSubmission>;
  /** @param handle an id or the beginning of one, or the name of what was handed over, of which the newest is meant. */
  find(handle: string): Promise<BatchState>;
  list(request: ListRequest): Promise<BatchState[]>;
  cancel(handle: string): Promise<BatchState>;
  /** Has the providers' results of a batch that has ended read again, for the answers that are lost. */
  collect(handle: string): Promise<BatchState>;
  /** @returns the batch of what failed; null as long as nobody has taken it up. */
  retry(handle: string): Promise<InputSubmission>;
  /** @param reference as the batch's state has it. */
  open(reference: string): Promise<ResultStream>;
  /** The answers of finished shards, of a batch that may still run: by round and shard, within a shard in input order. */
  openPartial(state: BatchState): Promise<ResultStream>;
  files(limit: number): Promise<StoredFile[]>;
  /** The batch that sends the failed requests of another one again, if it was accepted; null where there is none. */
  retryOf(batch: BatchState): Promise<BatchState | null>;
  usage(request: UsageRequest): Promise<UsageSums>;
}
