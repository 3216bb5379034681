import type { Endpoint } from '../../core/endpoints.ts';
import type { JsonObject, RequestLine } from '../../core/request-line.ts';
import { UntranslatableError } from '../anthropic/untranslatable-error.ts';
import { exactBody } from '../exact-body.ts';
import type { RequestTarget, TranslatedRequest } from '../provider.ts';
import { TranslationNotes } from '../translation-notes.ts';
import { chatBodyFrom } from './chat-body.ts';
import { embeddingsBodyFrom, moderationBodyFrom } from './text-inputs.ts';

/** What Mistral's batches have of ours. Source: @mistralai/mistralai 2.7 `ApiEndpoint`. */
export const mistralEndpoints = [
  '/v1/chat/completions',
  '/v1/embeddings',
  '/v1/moderations',
] as const satisfies readonly Endpoint[];

/** Never: the model stands with the job, and several parameters have other names. */
export function passesThrough(): boolean {
  return false;
}

/** Makes `{custom_id, body}` of a line. */
export function translateRequest(request: RequestLine, target: RequestTarget): TranslatedRequest {
  const notes = new TranslationNotes('Mistral');
  try {
    const body = bodyOf(request, notes);
    if (!body) return wrongEndpoint(request.endpoint);
    const bytes = Buffer.from(JSON.stringify({ custom_id: target.lineId, body }));
    return { ok: true, bytes, warnings: notes.warnings };
  } catch (error) {
    return { ok: false, error: refusalFrom(error) };
  }
}

/** @returns null for an endpoint that Mistral does not have. */
function bodyOf(request: RequestLine, notes: TranslationNotes): JsonObject | null {
  switch (request.endpoint) {
    case '/v1/chat/completions':
      return chatBodyFrom(request.body, exactBody(request), notes);
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
      return null;
  }
}

function wrongEndpoint(endpoint: Endpoint): TranslatedRequest {
  const message = `Mistral has no ${endpoint}. Write the line for ${mistralEndpoints.join(' or ')}, or route its model to another provider.`;
  return { ok: false, error: { code: 'unsupported_endpoint', message, param: 'url' } };
}

function refusalFrom(error: unknown): { code: string; message: string; param: string } {
  if (error instanceof UntranslatableError) return { code: error.code, message: error.message, param: error.param };
  if (!(error instanceof RangeError)) throw error;
  const message = 'This request is nested too deeply to be translated; nest it less.';
  return { code: 'invalid_request', message, param: 'body' };
}
