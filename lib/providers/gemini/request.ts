import type { Endpoint } from '../../core/endpoints.ts';
import type { RequestLine } from '../../core/request-line.ts';
import { UntranslatableError } from '../anthropic/untranslatable-error.ts';
import { generateContentFromChat } from '../google/generate-content-from-chat.ts';
import { translatedLine } from '../google/translated-line.ts';
import type { Warnings } from '../google/untranslatable.ts';
import type { RequestTarget, TranslatedRequest } from '../provider.ts';
import { embedContentFrom } from './embedding.ts';

export const geminiEndpoints = ['/v1/chat/completions', '/v1/embeddings'] as const satisfies readonly Endpoint[];

/** Makes `{key, request}` of a line. */
export function translateRequest(request: RequestLine, target: RequestTarget): TranslatedRequest {
  return translatedLine('key', target.lineId, (warnings) => requestFrom(request, target.model, warnings));
}

function requestFrom(request: RequestLine, model: string, warnings: Warnings): object {
  if (request.endpoint === '/v1/chat/completions') return generateContentFromChat(request, model, 'gemini', warnings);
  if (request.endpoint === '/v1/embeddings') return embedContentFrom(request, warnings);
  const message = `The Gemini API has no ${request.endpoint}. Write the line for /v1/chat/completions or /v1/embeddings, or route its model to another provider.`;
  throw new UntranslatableError('unsupported_endpoint', 'url', message);
}
