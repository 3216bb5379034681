import type { BatchFault } from '../faults.ts';
import type { ErrorBody } from './error-reply.ts';

const message =
  'Enqueued token limit reached for this model in organization org-simulator. Limit: 2,000,000 enqueued tokens. Please try again once some in_progress batches have been completed.';

/** How a batch over the enqueued limit usually ends. */
export const failedOverTokenLimit: BatchFault = { kind: 'batch_failed', code: 'token_limit_exceeded', message };

/** How a creation over the limit is sometimes refused. */
export const tokenLimitError: ErrorBody = {
  message,
  type: 'invalid_request_error',
  param: null,
  code: 'token_limit_exceeded',
};
