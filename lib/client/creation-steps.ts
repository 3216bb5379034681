import type { RequestLine } from '../lines/request-line.ts';
import type { CreateOutcome, LostCreateFinding, UploadOutcome } from '../providers/contract.ts';
import type { Endpoint } from '../records/endpoints.ts';
import type { JsonObject } from '../records/json.ts';
import type { LineError } from '../records/openai-batch.ts';
import type { Batch, LineWarning } from './batch.ts';
import type { Submission } from './submission.ts';

/** What is said of a batch beside its requests. */
export interface DraftOptions
  extends Pick<Submission, 'endpoint' | 'metadata' | 'strict' | 'onWarning' | 'idempotencyKey'> {
  /** What all custom_ids of the batch begin with, where they are used in no other one; a lost creation is then found by them. */
  idPrefix?: string;
  /** What the batch may cost in US dollars; for a deployment, which holds it. */
  maxCostUsd?: number | undefined;
}

/** What a batch's final lines are, beside their bytes; it can be kept as JSON and used by another process. */
export interface Draft {
  endpoint: Endpoint;
  /** The first line's, as the provider calls it; empty at a deployment. */
  model: string;
  /** What its requests say for the whole batch; absent for nothing. */
  shared?: JsonObject;
  lineCount: number;
  /** Random; a provider that keeps metadata finds the batch by it. */
  token: string;
  idPrefix: string;
  metadata: Record<string, string>;
  /** Refuse what would be a warning; at a deployment alone, the library has done so itself. */
  strict?: boolean;
  /** At a deployment alone. */
  maxCostUsd?: number;
}

/** Final lines while they are written. */
export interface Drafting {
  /** The lines as they go, each with a newline. They throw InvalidInputError at their end, with every wrong line. */
  lines: AsyncIterable<Buffer>;
  /** To be asked once the lines were read to their end. */
  finish(lines: Blob): Promise<Draft>;
  readonly warnings: LineWarning[];
  readonly warningCount: number;
}

/** A batch of which lines and file are known, and that is to be created. */
export interface Creation {
  draft: Draft;
  /** The final lines. */
  lines: Blob;
  /** What the upload gave; null where the lines go with the creation. */
  inputFileId: string | null;
  /** Unix milliseconds; written down before the creation is begun. */
  startedAtMs: number;
  idempotencyKey?: string | undefined;
}

/** How large a batch may be. */
export interface BatchSize {
  maxRequests: number;
  maxBytes: number;
}

/** A request that can stand in a batch. */
export interface CheckedRequest {
  request: RequestLine;
  /** As the model is called there. */
  model: string;
  /** Bytes of it as it is sent. */
  sentBytes: number;
}

/**
 * The steps of a batch's creation, for a program that writes down each of them before the next, and so goes on after it died:
 * the lines, their upload, the creation, and the search for one of which nobody knows what became. `createBatch` is made of them.
 */
export interface CreationSteps {
  size: BatchSize;
  /** Whether the requests of one batch may name different models. */
  mixesModels: boolean;
  /** Whether failures that may pass are sent again there. */
  retries: boolean;
  /** How long after its beginning a creation that nobody answered may still be unlisted, in seconds. */
  unlistedSeconds: number;
  /** Checks one request, whose line may stand in a batch of this endpoint. */
  check(line: Buffer, endpoint: Endpoint): CheckedRequest | LineError;
  /** Makes the final lines of requests. */
  draft(input: AsyncIterable<Uint8Array>, options: DraftOptions): Drafting;
  /** Sends the lines where a creation refers to them. It may be repeated: it creates no batch and costs nothing. */
  upload(draft: Draft, lines: Blob, signal: AbortSignal): Promise<UploadOutcome>;
  /** Makes the one call that costs money, once. It is never broken off. */
  create(creation: Creation): Promise<CreateOutcome>;
  /** Looks once what became of a creation without an answer. Nothing is sent that could be paid for twice. */
  find(creation: Creation): Promise<LostCreateFinding>;
  /**
   * The batch that came of a creation.
   *
   * @throws OutcomeUnknownError after a search, or what proves that nothing was created.
   */
  created(creation: Creation, outcome: CreateOutcome): Promise<Batch>;
}
