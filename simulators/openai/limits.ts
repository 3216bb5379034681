// Source: OpenAI's batch guide and API reference, read 2026-11.

/** Requests in one batch. */
export const maxRequests = 50_000;
/** Bytes of one batch's input. The number is in the provider's own error message. */
export const maxInputBytes = 209_715_200;
/** Inputs in one batch for /v1/embeddings, over all its requests. */
export const maxEmbeddingInputs = 50_000;
/** Bytes of one uploaded file. */
export const maxFileBytes = 512 * 1024 * 1024;
/** Errors kept in a failed batch. Unconfirmed number. */
export const maxBatchErrors = 100;
export const maxMetadataPairs = 16;
export const maxMetadataKeyChars = 64;
export const maxMetadataValueChars = 512;
export const batchLifetimeSeconds = 24 * 60 * 60;
/** A file with purpose `batch` lives for 30 days. */
export const batchFileLifetimeSeconds = 30 * 24 * 60 * 60;

export const endpoints = [
  '/v1/responses',
  '/v1/chat/completions',
  '/v1/embeddings',
  '/v1/completions',
  '/v1/moderations',
  '/v1/images/generations',
  '/v1/images/edits',
  '/v1/videos',
] as const;
export type Endpoint = (typeof endpoints)[number];

const modelPatterns = [
  /^gpt-/,
  /^chatgpt-/,
  /^o[134](-|$)/,
  /^text-embedding-/,
  /^(omni|text)-moderation-/,
  /^(davinci|babbage)-/,
  /^codex-/,
  /^computer-use-/,
  /^dall-e-/,
  /^sora-/,
  /^ft:/,
];

export function isKnownModel(model: string): boolean {
  return modelPatterns.some((pattern) => pattern.test(model));
}
