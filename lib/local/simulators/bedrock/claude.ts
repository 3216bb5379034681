import type { AnthropicError } from '../anthropic/error-reply.ts';
import { examineMessage, type MessageExamination } from '../anthropic/messages.ts';
import type { JsonObject } from '../json.ts';

/** Members of the Messages API that InvokeModel does not take. */
const unknownMembers = ['model', 'stream', 'metadata', 'service_tier', 'container'];

/** @returns the name by which Claude answers, or null for a model of somebody else. */
export function claudeNameOf(modelId: string): string | null {
  const id = modelId.slice(modelId.lastIndexOf('/') + 1);
  return /^(?:[a-z-]+\.)?anthropic\.(claude-[a-z0-9.-]+?)(?:-v\d+(?::\d+)?)?$/.exec(id)?.[1] ?? null;
}

/** What becomes of a body of InvokeModel: that of the Messages API, with what Bedrock asks for besides. */
export function examineClaudeBody(modelInput: JsonObject, model: string): MessageExamination {
  const { anthropic_version: version, anthropic_beta: _beta, ...params } = modelInput;
  if (version !== 'bedrock-2023-05-31') return { error: invalid(`anthropic_version: '${String(version)}' is invalid`) };
  const unknown = unknownMembers.find((member) => member in params);
  if (unknown !== undefined) return { error: invalid(`${unknown}: Extra inputs are not permitted`) };
  if (JSON.stringify(params).includes('"source":{"type":"url"'))
    return { error: invalid('messages: image URLs are not supported') };
  return examineMessage({ ...params, model }, '2023-06-01');
}

function invalid(message: string): AnthropicError {
  return { type: 'invalid_request_error', message };
}
