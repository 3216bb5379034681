import type { RequestLine } from './request-line.ts';

/** Inputs of an embedding request, which OpenAI limits for a batch as a whole; 0 for any other request. */
export function embeddingInputs(request: RequestLine): number {
  if (request.endpoint !== '/v1/embeddings') return 0;
  const { input } = request.body;
  const isList = Array.isArray(input) && typeof input[0] !== 'number';
  return isList ? input.length : 1;
}
