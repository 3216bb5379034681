import type { Endpoint } from '../../core/endpoints.ts';
import type { RequestLine } from '../../core/request-line.ts';
import { messagesFromChat } from '../anthropic/messages-from-chat.ts';
import { modelFreeBody } from '../anthropic/model-free-body.ts';
import { generateContentFromChat } from '../google/generate-content-from-chat.ts';
import type { RequestTarget, TranslatedRequest } from '../provider.ts';
import { translatedRequest } from '../translated-request.ts';
import type { TranslationNotes } from '../translation-notes.ts';
import { UntranslatableError } from '../untranslatable-error.ts';
import { type Publisher, publisherOf } from './publisher.ts';

/** Messages are for Claude's models, and go on in their own bytes. */
export const vertexEndpoints = ['/v1/chat/completions', '/v1/messages'] as const satisfies readonly Endpoint[];

/** Source: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/batch, from memory. */
const anthropicVersion = 'vertex-2023-10-16';

const serviceOf: Record<Publisher, string> = { google: 'Gemini', anthropic: 'Anthropic' };

/** Makes `{custom_id, request}` of a line; Gemini's results repeat the custom_id too (recorded in 2025). */
export function translateRequest(request: RequestLine, target: RequestTarget): TranslatedRequest {
  const publisher = publisherOf(target.model);
  if (publisher === null) return unknownModel(target.model);
  return translatedRequest(serviceOf[publisher], (notes) => {
    const body = bodyOf(publisher, request, target.model, notes);
    const start = Buffer.from(`{"custom_id":${JSON.stringify(target.lineId)},"request":`);
    return Buffer.concat([start, body, Buffer.from('}')]);
  });
}

function bodyOf(publisher: Publisher, request: RequestLine, model: string, notes: TranslationNotes): Buffer {
  const isClaude = publisher === 'anthropic';
  switch (request.endpoint) {
    case '/v1/chat/completions':
      return jsonOf(
        isClaude ? claudeBody(request, model, notes) : generateContentFromChat(request, model, 'vertex', notes),
      );
    case '/v1/messages':
      if (isClaude) return modelFreeBody(request, anthropicVersion);
      throw wrongEndpoint(model, request.endpoint);
    default:
      throw wrongEndpoint(model, request.endpoint);
  }
}

function jsonOf(body: object): Buffer {
  return Buffer.from(JSON.stringify(body));
}

function claudeBody(request: RequestLine, model: string, notes: TranslationNotes): object {
  const { model: _jobHasIt, ...params } = messagesFromChat(request, model, notes);
  return { anthropic_version: anthropicVersion, ...params };
}

function unknownModel(model: string): TranslatedRequest {
  const message = `The requests that '${model}' takes on Vertex are not known here; those of gemini-* and claude-* are.`;
  return { ok: false, error: { code: 'unsupported_model', message, param: 'body.model' } };
}

function wrongEndpoint(model: string, endpoint: Endpoint): UntranslatableError {
  const message = `'${model}' on Vertex has no ${endpoint} in batches. Write the line for /v1/chat/completions, or route its model to another provider.`;
  return new UntranslatableError('unsupported_endpoint', 'url', message);
}
