import type { Endpoint } from '../../core/endpoints.ts';
import type { RequestLine } from '../../core/request-line.ts';
import { UntranslatableError } from '../anthropic/untranslatable-error.ts';
import type { RequestTarget, TranslatedRequest, Warning } from '../provider.ts';
import { bodyFamilyOf } from './body-family.ts';
import { claudeBodyFromChat, claudeBodyFromMessages } from './claude-body.ts';

/** Of Claude's models: chat completions are translated, Messages go on in their own bytes. */
export const bedrockEndpoints = ['/v1/chat/completions', '/v1/messages'] as const satisfies readonly Endpoint[];

/**
 * Makes `{recordId, modelInput}` of a line. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html, read 2026-11.
 */
export function translateRequest(request: RequestLine, target: RequestTarget): TranslatedRequest {
  if (bodyFamilyOf(target.model) === null) return unknownModel(target.model);
  const warnings = new Map<string, Warning>();
  try {
    const body = bodyOf(request, target.model, warnings);
    if (!body) return wrongEndpoint(request.endpoint);
    const start = Buffer.from(`{"recordId":${JSON.stringify(target.lineId)},"modelInput":`);
    return { ok: true, bytes: Buffer.concat([start, body, Buffer.from('}')]), warnings: [...warnings.values()] };
  } catch (error) {
    return { ok: false, error: refusalFrom(error) };
  }
}

function bodyOf(request: RequestLine, model: string, warnings: Map<string, Warning>): Buffer | null {
  if (request.endpoint === '/v1/messages') return claudeBodyFromMessages(request);
  return request.endpoint === '/v1/chat/completions' ? claudeBodyFromChat(request, model, warnings) : null;
}

function unknownModel(model: string): TranslatedRequest {
  const message = `The body that '${model}' takes on Bedrock is not known here; of Bedrock's models those of Claude are.`;
  return { ok: false, error: { code: 'unsupported_model', message, param: 'body.model' } };
}

function wrongEndpoint(endpoint: Endpoint): TranslatedRequest {
  const message = `Claude on Bedrock has no ${endpoint}. Write the line for ${bedrockEndpoints.join(' or ')}, or route its model to another provider.`;
  return { ok: false, error: { code: 'unsupported_endpoint', message, param: 'url' } };
}

function refusalFrom(error: unknown): { code: string; message: string; param: string } {
  if (error instanceof UntranslatableError) return { code: error.code, message: error.message, param: error.param };
  if (!(error instanceof RangeError)) throw error;
  const message = 'This request is nested too deeply to be translated; nest it less.';
  return { code: 'invalid_request', message, param: 'body' };
}
