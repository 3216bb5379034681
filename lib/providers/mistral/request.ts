import { exactBody } from '../../lines/exact-body.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import type { JsonObject } from '../../records/json.ts';
import type { RequestTarget, TranslatedRequest } from '../contract.ts';
import { translatedRequest } from '../shared/chat/translated-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { UntranslatableError } from '../shared/chat/untranslatable-error.ts';
import { chatBodyFrom } from './chat-body.ts';
import { embeddingsBodyFrom, moderationBodyFrom } from './text-inputs.ts';

/** What Mistral's batches have of ours. Source: @mistralai/mistralai 2.7 `ApiEndpoint`. */
export const mistralEndpoints = [
  '/v1/chat/completions',
  '/v1/embeddings',
  '/v1/moderations',
] as const satisfies readonly Endpoint[];

/** Makes `{custom_id, body}` of a line. */
export function translateRequest(request: RequestLine, target: RequestTarget): TranslatedRequest {
  return translatedRequest('Mistral', (notes) =>
    Buffer.from(JSON.stringify({ custom_id: target.lineId, body: bodyOf(request, notes) })),
  );
}

function bodyOf(request: RequestLine, notes: TranslationNotes): JsonObject {
  switch (request.endpoint) {
    case '/v1/chat/completions':
      return chatBodyFrom(request, notes);
    case '/v1/embeddings':
      return embeddingsBodyFrom(request.body, exactBody(request), notes);
    case '/v1/moderations':
      return moderationBodyFrom(request.body, exactBody(request), notes);
    case '/v1/responses':
    case '/v1/completions':
    case '/v1/images/generations':
    case '/v1/images/edits':
    case '/v1/videos':
    case '/v1/messages':
      throw wrongEndpoint(request.endpoint);
  }
}

function wrongEndpoint(endpoint: Endpoint): UntranslatableError {
  const message = `Mistral has no ${endpoint}. Write the line for ${mistralEndpoints.join(' or ')}, or route its model to another provider.`;
  return new UntranslatableError('unsupported_endpoint', 'url', message);
}
