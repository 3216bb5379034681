import type { IncomingHttpHeaders } from 'node:http';
import type { z } from 'zod';
import type { BatchView } from '../batch-ledger.ts';
import type { JsonObject } from '../json.ts';
import type { SimulatorKind } from '../simulator.ts';
import { type CreateBatchBody, createBatchBodySchema } from './create-batch-body.ts';
import { examine } from './endpoints.ts';
import type { Examination } from './examination.ts';
import { isKnownModel, maxEmbeddingInputs, maxInputBytes, maxRequests } from './limits.ts';
import { type Page, type PageLimits, readPage, wireList } from './list-page.ts';

/** What differs on the wire between the services that speak OpenAI's batch API. */
export interface WireDialect {
  kind: SimulatorKind;
  /** What stands before /files and /batches. */
  root: string;
  /** What a client's base URL ends with, where that is not the root. */
  baseUrlPath?: string;
  keyIn(headers: IncomingHttpHeaders): string | undefined;
  uploadPath: string;
  /** The purpose of a batch's input file; empty where files have none. */
  inputPurpose: string;
  /** Strict where the service is: an unknown member is refused. */
  creation: z.ZodType<CreateBatchBody>;
  limits: { maxRequests: number; maxInputBytes: number; maxEmbeddingInputs?: number };
  isKnownModel(model: string): boolean;
  /** The code of a line whose url is not the batch's endpoint. */
  foreignUrlCode: string;
  refusesByteOrderMark: boolean;
  /** Whether a batch with results has an error file even where nothing failed. */
  writesEmptyErrorFile: boolean;
  /** Whether the creation names the model, and a line is `{custom_id, body}` and nothing else. */
  namesModelWithBatch: boolean;
  examine(endpoint: string, body: JsonObject): Examination;
  /** The body of a refusal. */
  errorBody(error: JsonObject): JsonObject;
  /** Whether lines that never ran have a result that says so. */
  writesUnfinished: boolean;
  /** The service's file, made from OpenAI's. */
  file(openAI: JsonObject): JsonObject;
  /** The service's batch, made from OpenAI's. */
  batch(openAI: JsonObject, view: BatchView): JsonObject;
  /** The answer to a creation. */
  created(batch: JsonObject): JsonObject;
  page: PageLimits;
  readPage: typeof readPage;
  list(page: Page<{ id: string }>, batches: JsonObject[]): unknown;
  batchesPath: string;
  /** A route's pattern. */
  cancelPath: string;
  /** Whether results are paged under the batch, rather than stored as files. */
  pagesResults: boolean;
}

export const openAIWire: WireDialect = {
  kind: 'openai',
  root: '/v1',
  keyIn: bearerKey,
  uploadPath: '/files',
  inputPurpose: 'batch',
  creation: createBatchBodySchema,
  limits: { maxRequests, maxInputBytes, maxEmbeddingInputs },
  isKnownModel,
  foreignUrlCode: 'invalid_url',
  refusesByteOrderMark: false,
  writesEmptyErrorFile: false,
  namesModelWithBatch: false,
  examine,
  errorBody: (error) => ({ error }),
  writesUnfinished: true,
  file: (openAI) => openAI,
  batch: (openAI) => openAI,
  created: (batch) => batch,
  page: { defaultLimit: 20, maxLimit: 100, isCapped: false, placeParameter: 'after' },
  readPage,
  list: wireList,
  batchesPath: '/batches',
  cancelPath: '/batches/:batchId/cancel',
  pagesResults: false,
};

export function bearerKey(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
}

/** Small, so that a test need not fill a page of a hundred. */
export const smallPage: PageLimits = { defaultLimit: 20, maxLimit: 20, isCapped: true, placeParameter: 'after' };

export const megabyte = 1024 * 1024;

export function isoTime(unixSeconds: unknown): string | null {
  return typeof unixSeconds === 'number' ? new Date(unixSeconds * 1000).toISOString() : null;
}
