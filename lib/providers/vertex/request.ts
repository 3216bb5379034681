import { labelBehindId } from '../../lines/passed-lines.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import { refuseImageUrls } from '../anthropic/image-urls.ts';
import { messagesFromChat } from '../anthropic/messages-from-chat.ts';
import { modelFreeBody } from '../anthropic/model-free-body.ts';
import type { RequestTarget, TranslatedRequest } from '../contract.ts';
import { generateContentFromChat } from '../google-family/generate-content-from-chat.ts';
import { translatedRequest } from '../shared/chat/translated-request.ts';
import { UntranslatableError } from '../shared/chat/untranslatable-error.ts';
import { messagesForm } from '../shared/forms/messages/form.ts';
import { throughChat } from '../shared/forms/through-chat.ts';
import { publisherOf } from './publisher.ts';

/** Claude takes Messages in their own bytes; for Gemini they become chat completions. */
export const vertexEndpoints = ['/v1/chat/completions', '/v1/messages'] as const satisfies readonly Endpoint[];

/** Source: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/batch, from memory. */
const anthropicVersion = 'vertex-2023-10-16';

/**
 * Makes `{custom_id, request}` of a line. Gemini's results repeated the custom_id when they were recorded in 2025; the request comes back
 * in any case, and with it a label, which other users of this API tell their lines by.
 */
export function translateRequest(request: RequestLine, target: RequestTarget): TranslatedRequest {
  switch (publisherOf(target.model)) {
    case 'google':
      return geminiRequest(request, target);
    case 'anthropic':
      return claudeRequest(request, target);
    case null:
      return unknownModel(target.model);
  }
}

function geminiRequest(request: RequestLine, target: RequestTarget): TranslatedRequest {
  if (request.endpoint === '/v1/messages') return throughChat(geminiRequest, messagesForm, request, target);
  return translatedRequest('Gemini', (notes) => {
    if (request.endpoint !== '/v1/chat/completions') throw wrongEndpoint(request, target);
    return labelledLineOf(target, jsonOf(generateContentFromChat(request, target, 'vertex', notes)));
  });
}

function claudeRequest(request: RequestLine, target: RequestTarget): TranslatedRequest {
  return translatedRequest('Anthropic', (notes) => {
    if (request.endpoint === '/v1/messages') return lineOf(target, modelFreeBody(request, anthropicVersion));
    if (request.endpoint !== '/v1/chat/completions') throw wrongEndpoint(request, target);
    const whole = messagesFromChat(request, target, notes);
    refuseImageUrls(whole, 'Google Cloud', notes);
    const { model: _jobHasIt, ...params } = whole;
    return lineOf(target, jsonOf({ anthropic_version: anthropicVersion, ...params }));
  });
}

function lineOf({ lineId }: RequestTarget, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`{"custom_id":${JSON.stringify(lineId)},"request":`), body, Buffer.from('}')]);
}

/** What a label may hold. Ours do; a custom_id that the library sends need not. Source: https://docs.cloud.google.com/resource-manager/docs/labels-overview */
const labelValue = /^[a-z0-9_-]{1,63}$/;

/** @param body a JSON object with members. */
function labelledLineOf(target: RequestTarget, body: Buffer): Buffer {
  if (!labelValue.test(target.lineId)) return lineOf(target, body);
  const id = JSON.stringify(target.lineId);
  return Buffer.concat([Buffer.from(`{"custom_id":${id}${labelBehindId}${id}},`), body.subarray(1), Buffer.from('}')]);
}

function jsonOf(body: object): Buffer {
  return Buffer.from(JSON.stringify(body));
}

function unknownModel(model: string): TranslatedRequest {
  const message = `The requests that '${model}' takes on Vertex are not known here; those of gemini-* and claude-* are.`;
  return { ok: false, error: { code: 'unsupported_model', message, param: 'body.model' } };
}

function wrongEndpoint({ endpoint }: RequestLine, { model }: RequestTarget): UntranslatableError {
  const message = `'${model}' on Vertex has no ${endpoint} in batches. Write the line for ${vertexEndpoints.join(' or ')}, or route its model to another provider.`;
  return new UntranslatableError('unsupported_endpoint', 'url', message);
}
