import { examineMessage } from '../anthropic/messages.ts';
import type { JsonObject } from '../json.ts';
import { type Examination, invalid } from './examination.ts';

/** Members of the Messages API that InvokeModel does not take. */
const unknownMembers = ['model', 'stream', 'metadata', 'service_tier', 'container'];

const statusByErrorType: Record<string, number> = {
  invalid_request_error: 400,
  rate_limit_error: 429,
  api_error: 500,
  overloaded_error: 503,
};

/** What becomes of a body of InvokeModel: that of the Messages API, with what Bedrock asks for besides. */
export function examineClaudeBody(modelInput: JsonObject, model: string): Examination {
  const { anthropic_version: version, anthropic_beta: _beta, ...params } = modelInput;
  if (version !== 'bedrock-2023-05-31') return { error: invalid(`anthropic_version: '${String(version)}' is invalid`) };
  const unknown = unknownMembers.find((member) => member in params);
  if (unknown !== undefined) return { error: invalid(`${unknown}: Extra inputs are not permitted`) };
  if (JSON.stringify(params).includes('"source":{"type":"url"'))
    return { error: invalid('messages: image URLs are not supported') };
  const examination = examineMessage({ ...params, model }, '2023-06-01');
  if ('error' in examination) {
    const { type, message } = examination.error;
    return { error: { status: statusByErrorType[type] ?? 500, message } };
  }
  return {
    answer: (seed) => {
      const { message, usage } = examination.answer(seed);
      return { output: { ...message, id: `msg_bdrk_01${seed.ids.base62(22)}` }, usage };
    },
  };
}
