import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { ProviderKind } from '../../../core/config.ts';
import type { BatchView } from '../batch-ledger.ts';
import type { JsonObject } from '../json.ts';
import { type CreateBatchBody, createBatchBodySchema } from './create-batch-body.ts';
import { isKnownModel, maxInputBytes, maxRequests } from './limits.ts';
import { type Page, type PageLimits, wireList } from './list-page.ts';

/** What differs on the wire between the services that speak OpenAI's batch API. */
export interface WireDialect {
  kind: ProviderKind;
  /** What stands before /files and /batches. */
  root: string;
  keyIn(headers: IncomingHttpHeaders): string | undefined;
  /** The purpose of a batch's input file. */
  inputPurpose: string;
  /** Strict where the service is: an unknown member is refused. */
  creation: z.ZodType<CreateBatchBody>;
  limits: { maxRequests: number; maxInputBytes: number };
  isKnownModel(model: string): boolean;
  refusesByteOrderMark: boolean;
  /** The service's batch, made from OpenAI's. */
  batch(openAI: JsonObject, view: BatchView): JsonObject;
  /** The answer to a creation. */
  created(batch: JsonObject): JsonObject;
  page: PageLimits;
  list(page: Page<{ id: string }>, batches: JsonObject[]): unknown;
}

export const openAIWire: WireDialect = {
  kind: 'openai',
  root: '/v1',
  keyIn: bearerKey,
  inputPurpose: 'batch',
  creation: createBatchBodySchema,
  limits: { maxRequests, maxInputBytes },
  isKnownModel,
  refusesByteOrderMark: false,
  batch: (openAI) => openAI,
  created: (batch) => batch,
  page: { defaultLimit: 20, maxLimit: 100, isCapped: false },
  list: wireList,
};

function bearerKey(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1];
}

const megabyte = 1024 * 1024;

/** Groq: OpenAI's shapes, one endpoint, longer windows, no expiry of results. */
export const groqWire: WireDialect = {
  ...openAIWire,
  kind: 'groq',
  root: '/openai/v1',
  creation: createBatchBodySchema.omit({ output_expires_after: true }).extend({
    endpoint: z.enum(['/v1/chat/completions']),
    completion_window: z.string().regex(/^([1-9]\d*h|[1-7]d)$/),
  }),
  limits: { maxRequests: 50_000, maxInputBytes: 100 * megabyte },
  isKnownModel: (model) => /^(llama|qwen|openai\/|moonshotai\/|meta-llama\/)/.test(model),
  page: { defaultLimit: 20, maxLimit: 20, isCapped: true },
};

/** A plain server of one's own: it takes any key and any model, and forgets metadata. */
export const compatibleWire: WireDialect = {
  ...openAIWire,
  kind: 'openai-compatible',
  keyIn: (headers) => (headers.authorization === undefined ? 'none' : bearerKey(headers)),
  creation: createBatchBodySchema.omit({ output_expires_after: true }),
  isKnownModel: (model) => model !== 'unknown-model',
  batch: (openAI) => ({ ...openAI, metadata: null, model: undefined, usage: undefined }),
  page: { defaultLimit: 20, maxLimit: 20, isCapped: true },
};
