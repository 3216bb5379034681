import type { RequestLine } from '../../lines/request-line.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import type { RequestTarget, TranslatedRequest } from '../contract.ts';
import { generateContentFromChat } from '../google-family/generate-content-from-chat.ts';
import { translatedRequest } from '../shared/chat/translated-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { UntranslatableError } from '../shared/chat/untranslatable-error.ts';
import { embedContentFrom } from './embedding.ts';

export const geminiEndpoints = ['/v1/chat/completions', '/v1/embeddings'] as const satisfies readonly Endpoint[];

/** Makes `{key, request}` of a line. */
export function translateRequest(request: RequestLine, target: RequestTarget): TranslatedRequest {
  return translatedRequest('Gemini', (notes) =>
    Buffer.from(JSON.stringify({ key: target.lineId, request: requestFrom(request, target, notes) })),
  );
}

function requestFrom(request: RequestLine, target: RequestTarget, notes: TranslationNotes): object {
  if (request.endpoint === '/v1/chat/completions') return generateContentFromChat(request, target, 'gemini', notes);
  if (request.endpoint === '/v1/embeddings') return embedContentFrom(request, notes);
  const message = `The Gemini API has no ${request.endpoint}. Write the line for /v1/chat/completions or /v1/embeddings, or route its model to another provider.`;
  throw new UntranslatableError('unsupported_endpoint', 'url', message);
}
