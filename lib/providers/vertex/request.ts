import type { Endpoint } from '../../core/endpoints.ts';
import type { RequestLine } from '../../core/request-line.ts';
import { messagesFromChat } from '../anthropic/messages-from-chat.ts';
import { UntranslatableError } from '../anthropic/untranslatable-error.ts';
import { claudeBodyFromMessages } from '../bedrock/claude-body.ts';
import { generateContentFromChat } from '../google/generate-content-from-chat.ts';
import { translatedLine } from '../google/translated-line.ts';
import type { Warnings } from '../google/untranslatable.ts';
import type { RequestTarget, TranslatedRequest } from '../provider.ts';
import { publisherOf } from './publisher.ts';

/** Messages are for Claude's models, and go on in their own bytes. */
export const vertexEndpoints = ['/v1/chat/completions', '/v1/messages'] as const satisfies readonly Endpoint[];

/** Source: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/batch, from memory. */
const anthropicVersion = 'vertex-2023-10-16';

/** Makes `{custom_id, request}` of a line; Gemini's results repeat the custom_id too (recorded in 2025). */
export function translateRequest(request: RequestLine, target: RequestTarget): TranslatedRequest {
  return translatedLine('custom_id', target.lineId, (warnings) => bodyOf(request, target.model, warnings));
}

function bodyOf(request: RequestLine, model: string, warnings: Warnings): object | Buffer {
  const publisher = publisherOf(model);
  if (publisher === null) throw unknownModel(model);
  const { endpoint } = request;
  if (publisher === 'google' && endpoint === '/v1/chat/completions')
    return generateContentFromChat(request, model, 'vertex', warnings);
  if (publisher === 'anthropic' && endpoint === '/v1/chat/completions') return claudeBody(request, model, warnings);
  if (publisher === 'anthropic' && endpoint === '/v1/messages')
    return claudeBodyFromMessages(request, anthropicVersion);
  throw wrongEndpoint(model, endpoint);
}

function claudeBody(request: RequestLine, model: string, warnings: Warnings): object {
  const { model: _jobHasIt, ...params } = messagesFromChat(request, model, warnings);
  return { anthropic_version: anthropicVersion, ...params };
}

function unknownModel(model: string): UntranslatableError {
  const message = `The requests that '${model}' takes on Vertex are not known here; those of gemini-* and claude-* are.`;
  return new UntranslatableError('unsupported_model', 'body.model', message);
}

function wrongEndpoint(model: string, endpoint: Endpoint): UntranslatableError {
  const message = `'${model}' on Vertex has no ${endpoint} in batches. Write the line for /v1/chat/completions, or route its model to another provider.`;
  return new UntranslatableError('unsupported_endpoint', 'url', message);
}
