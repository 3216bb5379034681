/**
 * Batchdrop's library: batches at a provider, without any AWS parts, or at a deployment, through the same functions.
 *
 * @module
 */

export type { Warning } from '../providers/contract.ts';
export type { Endpoint } from '../records/endpoints.ts';
export { BatchdropError, ConflictError, InvalidInputError, NotFoundError } from '../records/errors.ts';
export type { LineError } from '../records/openai-batch.ts';
export type { ParsedOutcome } from './answer-schema.ts';
export type { Answer, Answers, RequestBodies } from './answers.ts';
export { type Batch, type BatchList, type CreatedBatch, isComplete, isSuccessful, type LineWarning } from './batch.ts';
export {
  type BatchIdOptions,
  batchResults,
  type CreateBatchOptions,
  cancelBatch,
  createBatch,
  type ListBatchesOptions,
  listBatches,
  retrieveBatch,
} from './batches.ts';
export {
  AbortError,
  AuthenticationError,
  BatchFailedError,
  ConnectionError,
  NotSupportedError,
  OutcomeUnknownError,
  RateLimitError,
  RequestError,
  TimeoutError,
} from './errors.ts';
export { type BatchEstimate, estimateBatch } from './estimate-batch.ts';
export type { AnthropicRequest, BatchInput, BatchRequest, OpenAIRequest } from './request-source.ts';
export type { BatchResult, Outcome } from './result.ts';
export { type Requests, type ResumeOptions, type RunBatchOptions, type RunResult, runBatch } from './run-batch.ts';
export { type RunTableOptions, runTable, type TableResult, type TableTemplate } from './run-table.ts';
export type { SubmissionOptions } from './submission.ts';
export type { TargetOptions } from './target.ts';
export { type WaitOptions, waitForBatch } from './wait.ts';
