import { z } from 'zod';
import { accountListQuerySchema, accountListSchema } from './account-routes.ts';
import { batchListQuerySchema, batchListSchema, batchQuerySchema } from './batch-routes.ts';
import { batchViewSchema } from './batch-view.ts';
import { createBatchBodySchema } from './create-batch-body.ts';
import { fileObjectSchema, partObjectSchema, uploadObjectSchema } from './file-object.ts';
import {
  createFileFormSchema,
  deletedFileSchema,
  fileLinkQuerySchema,
  fileLinkSchema,
  fileListQuerySchema,
} from './file-routes.ts';
import { listSchema } from './list-object.ts';
import {
  createMessageBatchBodySchema,
  deletedMessageBatchSchema,
  messageBatchListQuerySchema,
  messageBatchListSchema,
} from './messages/message-batch-routes.ts';
import { messageBatchSchema } from './messages/message-batch-view.ts';
import { modelListQuerySchema, modelListSchema, modelSchema } from './model-routes.ts';
import {
  errorsQuerySchema,
  errorsSchema,
  noQuerySchema,
  requestListQuerySchema,
  requestListSchema,
  requestSchema,
  shardListQuerySchema,
  shardListSchema,
} from './request-routes.ts';
import { addPartFormSchema, completeUploadBodySchema, createUploadBodySchema } from './upload-routes.ts';
import { filledUsageSchema, fillUsageQuerySchema, usageQuerySchema, usageSchema } from './usage-routes.ts';

/** One thing that the API does, described by the schemas that parse its requests. */
export interface Operation {
  id: string;
  method: 'get' | 'post' | 'delete';
  /** As OpenAPI writes it. */
  path: string;
  summary: string;
  query?: z.ZodObject;
  json?: z.ZodType;
  form?: z.ZodType;
  /** `bytes`: the bytes themselves, or a 302 to where they are. */
  answer: z.ZodType | 'bytes';
  isOpen?: boolean;
}

const fileListSchema = listSchema(fileObjectSchema).meta({ id: 'FileList' });
const healthSchema = z.object({ status: z.literal('ok'), version: z.string() }).meta({ id: 'Health' });

export const operations: readonly Operation[] = [
  {
    id: 'createFile',
    method: 'post',
    path: '/v1/files',
    summary: 'Upload a .jsonl file of requests',
    form: createFileFormSchema,
    answer: fileObjectSchema,
  },
  {
    id: 'listFiles',
    method: 'get',
    path: '/v1/files',
    summary: 'List files',
    query: fileListQuerySchema,
    answer: fileListSchema,
  },
  {
    id: 'retrieveFile',
    method: 'get',
    path: '/v1/files/{file_id}',
    summary: 'Describe a file',
    answer: fileObjectSchema,
  },
  {
    id: 'downloadFile',
    method: 'get',
    path: '/v1/files/{file_id}/content',
    summary: 'Download a file; a large one through a link that holds 5 minutes',
    answer: 'bytes',
  },
  {
    id: 'linkFile',
    method: 'get',
    path: '/v1/files/{file_id}/link',
    summary: 'Give a link by which a browser downloads a file; it holds 5 minutes',
    query: fileLinkQuerySchema,
    answer: fileLinkSchema,
  },
  {
    id: 'deleteFile',
    method: 'delete',
    path: '/v1/files/{file_id}',
    summary: 'Delete a file',
    answer: deletedFileSchema,
  },
  {
    id: 'createUpload',
    method: 'post',
    path: '/v1/uploads',
    summary: 'Begin a file that comes in parts, of up to 8 GB',
    json: createUploadBodySchema,
    answer: uploadObjectSchema,
  },
  {
    id: 'addUploadPart',
    method: 'post',
    path: '/v1/uploads/{upload_id}/parts',
    summary: 'Add a part; several may come side by side',
    form: addPartFormSchema,
    answer: partObjectSchema,
  },
  {
    id: 'completeUpload',
    method: 'post',
    path: '/v1/uploads/{upload_id}/complete',
    summary: 'Make one file of the parts',
    json: completeUploadBodySchema,
    answer: uploadObjectSchema,
  },
  {
    id: 'cancelUpload',
    method: 'post',
    path: '/v1/uploads/{upload_id}/cancel',
    summary: 'Give an upload up',
    answer: uploadObjectSchema,
  },
  {
    id: 'createBatch',
    method: 'post',
    path: '/v1/batches',
    summary: 'Create a batch of a file',
    json: createBatchBodySchema,
    answer: batchViewSchema,
  },
  {
    id: 'listBatches',
    method: 'get',
    path: '/v1/batches',
    summary: 'List batches, newest first: all, or those of a status, name, model, label or time',
    query: batchListQuerySchema,
    answer: batchListSchema,
  },
  {
    id: 'retrieveBatch',
    method: 'get',
    path: '/v1/batches/{batch_id}',
    summary: 'Describe a batch',
    query: batchQuerySchema,
    answer: batchViewSchema,
  },
  {
    id: 'cancelBatch',
    method: 'post',
    path: '/v1/batches/{batch_id}/cancel',
    summary: 'Cancel a batch; what finished is kept',
    answer: batchViewSchema,
  },
  {
    id: 'retryBatch',
    method: 'post',
    path: '/v1/batches/{batch_id}/retry',
    summary: 'Send what failed again, as a batch of its own',
    answer: batchViewSchema,
  },
  {
    id: 'collectBatch',
    method: 'post',
    path: '/v1/batches/{batch_id}/collect',
    summary: "Read the providers' results of an ended batch again, for answers that were lost",
    answer: batchViewSchema,
  },
  {
    id: 'listBatchShards',
    method: 'get',
    path: '/v1/batches/{batch_id}/shards',
    summary: 'List the shards of a batch: where each is, why it waits, what it has cost',
    query: shardListQuerySchema,
    answer: shardListSchema,
  },
  {
    id: 'sumBatchErrors',
    method: 'get',
    path: '/v1/batches/{batch_id}/errors',
    summary: 'Say why requests of a batch failed, by code, and what to do about it',
    query: errorsQuerySchema,
    answer: errorsSchema,
  },
  {
    id: 'listBatchRequests',
    method: 'get',
    path: '/v1/batches/{batch_id}/requests',
    summary: 'List the requests of a batch in the order of the input, each beside its answer or error',
    query: requestListQuerySchema,
    answer: requestListSchema,
  },
  {
    id: 'retrieveBatchRequest',
    method: 'get',
    path: '/v1/batches/{batch_id}/requests/{line}',
    summary: 'Give one request of a batch whole, with its answer or error',
    query: noQuerySchema,
    answer: requestSchema,
  },
  {
    id: 'downloadShardOutput',
    method: 'get',
    path: '/v1/batches/{batch_id}/shards/{round}/{shard}/output',
    summary: 'Download the answers of one collected shard, while others run',
    answer: 'bytes',
  },
  {
    id: 'downloadShardErrors',
    method: 'get',
    path: '/v1/batches/{batch_id}/shards/{round}/{shard}/errors',
    summary: 'Download the failures of one collected shard that are final, while others run',
    answer: 'bytes',
  },
  {
    id: 'createMessageBatch',
    method: 'post',
    path: '/v1/messages/batches',
    summary: 'Create a batch of messages, as at Anthropic',
    json: createMessageBatchBodySchema,
    answer: messageBatchSchema,
  },
  {
    id: 'listMessageBatches',
    method: 'get',
    path: '/v1/messages/batches',
    summary: 'List batches as message batches, newest first',
    query: messageBatchListQuerySchema,
    answer: messageBatchListSchema,
  },
  {
    id: 'retrieveMessageBatch',
    method: 'get',
    path: '/v1/messages/batches/{batch_id}',
    summary: 'Describe a batch as a message batch',
    answer: messageBatchSchema,
  },
  {
    id: 'cancelMessageBatch',
    method: 'post',
    path: '/v1/messages/batches/{batch_id}/cancel',
    summary: 'Cancel a message batch; what finished is kept',
    answer: messageBatchSchema,
  },
  {
    id: 'deleteMessageBatch',
    method: 'delete',
    path: '/v1/messages/batches/{batch_id}',
    summary: 'Delete a message batch that has ended, with its results',
    answer: deletedMessageBatchSchema,
  },
  {
    id: 'downloadMessageResults',
    method: 'get',
    path: '/v1/messages/batches/{batch_id}/results',
    summary: 'Download the results of a message batch that has ended, as JSON lines',
    answer: 'bytes',
  },
  {
    id: 'listModels',
    method: 'get',
    path: '/v1/models',
    summary: "List the models that the configuration routes; in Anthropic's form for its clients",
    query: modelListQuerySchema,
    answer: modelListSchema,
  },
  {
    id: 'retrieveModel',
    method: 'get',
    path: '/v1/models/{model}',
    summary: 'Say which account a model goes to',
    answer: modelSchema,
  },
  {
    id: 'listAccounts',
    method: 'get',
    path: '/v1/accounts',
    summary: 'List the accounts at providers; for an operator with what is open there and what keeps it waiting',
    query: accountListQuerySchema,
    answer: accountListSchema,
  },
  {
    id: 'sumUsage',
    method: 'get',
    path: '/v1/usage',
    summary: 'Sum up what ended batches have used and cost, by day, model, key or label',
    query: usageQuerySchema,
    answer: usageSchema,
  },
  {
    id: 'fillUsage',
    method: 'post',
    path: '/v1/usage/fill',
    summary: 'Keep the usage of batches that ended under an earlier release, once, page by page',
    query: fillUsageQuerySchema,
    answer: filledUsageSchema,
  },
  {
    id: 'health',
    method: 'get',
    path: '/healthz',
    summary: 'Say that the API is there',
    answer: healthSchema,
    isOpen: true,
  },
];
