import type { RequestLine } from '../../lines/request-line.ts';
import type { Endpoint } from '../../records/endpoints.ts';
import type { RequestTarget, TranslatedRequest } from '../contract.ts';
import { translatedRequest } from '../shared/chat/translated-request.ts';
import type { BodyFamily } from './body.ts';
import { familyOf } from './model-family.ts';

/**
 * Makes `{recordId, modelInput}` of a line. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-data.html, read 2026-11.
 */
export function translateRequest(request: RequestLine, target: RequestTarget): TranslatedRequest {
  const { lineId, model } = target;
  const family = familyOf(model);
  if (family === null) return unknownModel(model);
  const write = family.writers[request.endpoint];
  if (!write) return wrongEndpoint(family, request.endpoint);
  return translatedRequest(family.name, (notes) => {
    const body = write(request, target, notes);
    const start = `{"recordId":${JSON.stringify(lineId)},"modelInput":`;
    if (body instanceof Buffer) return Buffer.concat([Buffer.from(start), body, Buffer.from('}')]);
    return Buffer.from(`${start}${JSON.stringify(body)}}`);
  });
}

function unknownModel(model: string): TranslatedRequest {
  const message = `'${model}' cannot be called on Bedrock from here: its body is not known, or it is a model of your own (imported, customized, provisioned). Use a base model that answers with text or its inference profile, or Titan Text Embeddings V2.`;
  return { ok: false, error: { code: 'unsupported_model', message, param: 'body.model' } };
}

function wrongEndpoint({ name, writers }: BodyFamily, endpoint: Endpoint): TranslatedRequest {
  const message = `${name} has no ${endpoint}. Write the line for ${Object.keys(writers).join(' or ')}, or route its model to another provider.`;
  return { ok: false, error: { code: 'unsupported_endpoint', message, param: 'url' } };
}
