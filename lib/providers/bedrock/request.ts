import type { Endpoint } from '../../core/endpoints.ts';
import type { RequestLine } from '../../core/request-line.ts';
import type { RequestTarget, TranslatedRequest } from '../provider.ts';
import { translatedRequest } from '../translated-request.ts';
import type { TranslationNotes } from '../translation-notes.ts';
import { UntranslatableError } from '../untranslatable-error.ts';
import { bodyFamilyOf } from './body-family.ts';
import { claudeBodyFromChat, claudeBodyFromMessages } from './claude-body.ts';

/** Of Claude's models: chat completions are translated, Messages go on in their own bytes. */
export const bedrockEndpoints = ['/v1/chat/completions', '/v1/messages'] as const satisfies readonly Endpoint[];

/**
 * Makes `{recordId, modelInput}` of a line. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html, read 2026-11.
 */
export function translateRequest(request: RequestLine, target: RequestTarget): TranslatedRequest {
  return translatedRequest('Anthropic', (notes) => {
    const body = bodyOf(request, target.model, notes);
    const start = Buffer.from(`{"recordId":${JSON.stringify(target.lineId)},"modelInput":`);
    return Buffer.concat([start, body, Buffer.from('}')]);
  });
}

function bodyOf(request: RequestLine, model: string, notes: TranslationNotes): Buffer {
  if (bodyFamilyOf(model) === null) throw unknownModel(model);
  if (request.endpoint === '/v1/messages') return claudeBodyFromMessages(request);
  if (request.endpoint === '/v1/chat/completions') return claudeBodyFromChat(request, model, notes);
  throw wrongEndpoint(request.endpoint);
}

function unknownModel(model: string): UntranslatableError {
  const message = `The body that '${model}' takes on Bedrock is not known here; of Bedrock's models those of Claude are.`;
  return new UntranslatableError('unsupported_model', 'body.model', message);
}

function wrongEndpoint(endpoint: Endpoint): UntranslatableError {
  const message = `Claude on Bedrock has no ${endpoint}. Write the line for ${bedrockEndpoints.join(' or ')}, or route its model to another provider.`;
  return new UntranslatableError('unsupported_endpoint', 'url', message);
}
