import type { ProviderKind } from '../../lib/providers/config.ts';
import { placeholderLineId } from '../../lib/records/ids.ts';

const text = 'The customer received an empty box and asks for another parcel. '.repeat(12);

/** A result line as each kind of provider gives it. */
export const answers: Record<ProviderKind, Buffer> = {
  openai: completionLine(),
  azure: completionLine(),
  groq: completionLine(),
  together: completionLine(),
  mistral: completionLine(),
  'openai-compatible': completionLine(),
  live: completionLine(),
  xai: lineOf({
    batch_request_id: placeholderLineId,
    batch_result: { response: { chat_get_completion: completion() } },
  }),
  anthropic: lineOf({ custom_id: placeholderLineId, result: { type: 'succeeded', message: message() } }),
  fireworks: lineOf({ custom_id: placeholderLineId, response: completion() }),
  bedrock: lineOf({ recordId: placeholderLineId, modelInput: { messages: [] }, modelOutput: message() }),
  gemini: lineOf({ key: placeholderLineId, response: generatedContent() }),
  vertex: lineOf({ custom_id: placeholderLineId, status: '', response: generatedContent() }),
};

function lineOf(line: object): Buffer {
  return Buffer.from(JSON.stringify(line));
}

function completionLine(): Buffer {
  const response = { status_code: 200, request_id: 'r1', body: completion() };
  return lineOf({ id: 'batch_req_1', custom_id: placeholderLineId, response, error: null });
}

function completion(): object {
  const choice = { index: 0, message: { role: 'assistant', content: text, refusal: null }, finish_reason: 'stop' };
  const usage = { prompt_tokens: 200, completion_tokens: 180, total_tokens: 380 };
  return { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', choices: [choice], usage };
}

function generatedContent(): object {
  return {
    candidates: [{ index: 0, content: { role: 'model', parts: [{ text }] }, finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 200, candidatesTokenCount: 180, totalTokenCount: 380 },
    modelVersion: 'gemini-2.5-flash',
    responseId: 'r1',
  };
}

function message(): object {
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-opus-4-6',
    content: [{ type: 'text', text }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 200, output_tokens: 180 },
  };
}
