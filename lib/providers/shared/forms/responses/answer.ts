import { numberFrom } from '../../../../lines/exact-json.ts';
import { membersBeyond, objectOf, textOf } from '../../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../../records/json.ts';
import type { Usage } from '../../../../records/usage.ts';
import { inlineDataFrom } from '../../chat/data-url.ts';
import { answerOf, extraContentOf, type FirstChoice, saidBeside, toolCallsOf } from '../completion.ts';
import { present } from '../notes.ts';

/** ChatCompletion -> Response. Members that repeat the request hold their defaults: it is not known here any more. */
export function responseFrom(completion: JsonObject, usage: Usage | null): object | null {
  const answer = answerOf(completion);
  if (!answer) return null;
  const reason = incompleteReasons.get(answer.finishReason);
  const id = textOf(completion.id) ?? '';
  return {
    id,
    object: 'response',
    created_at: numberFrom(completion.created) ?? Math.floor(Date.now() / 1000),
    status: reason === undefined ? 'completed' : 'incomplete',
    error: null,
    incomplete_details: reason === undefined ? null : { reason },
    model: textOf(completion.model) ?? '',
    output: outputFrom(answer, id, reason === undefined ? 'completed' : 'incomplete'),
    ...(usage && { usage: usageFrom(usage) }),
    service_tier: textOf(completion.service_tier),
    ...ofTheRequest,
    ...present({ audio: answer.message.audio, extra_content: extraOf(completion, answer) }),
  };
}

const saidBesideText = saidBeside(['logprobs'], ['annotations']);
const saidWithoutText = saidBeside([], []);
const saidLogprobs: ReadonlySet<string> = new Set(['content']);

/** Logprobs and citations stand with a text. */
function extraOf(completion: JsonObject, answer: FirstChoice): JsonObject | null {
  const { message, logprobs } = answer;
  if (textOf(message.content) === null) return extraContentOf(completion, answer, saidWithoutText);
  const others = logprobs && membersBeyond(logprobs, saidLogprobs);
  return extraContentOf(completion, answer, saidBesideText, others && { logprobs: others });
}

/** A Response says how many tokens a cache took in, even where none did. Source: openai 7.55 `ResponseUsage`. */
function usageFrom(usage: Usage): object {
  return { ...usage, input_tokens_details: { cache_write_tokens: 0, ...usage.input_tokens_details } };
}

const ofTheRequest = {
  access_programs: null,
  instructions: null,
  metadata: null,
  parallel_tool_calls: true,
  temperature: null,
  tool_choice: 'auto',
  tools: [],
  top_p: null,
  background: false,
  max_output_tokens: null,
  previous_response_id: null,
  reasoning: null,
  text: { format: { type: 'text' } },
  truncation: 'disabled',
};

const incompleteReasons = new Map<unknown, string>([
  ['length', 'max_output_tokens'],
  ['content_filter', 'content_filter'],
]);

type Status = 'completed' | 'incomplete';

function outputFrom(answer: FirstChoice, id: string, status: Status): object[] {
  const { message } = answer;
  const reasoning = textOf(message.reasoning_content) ?? textOf(message.reasoning);
  const content = contentFrom(answer);
  const calls = toolCallsOf(message);
  return [
    ...(reasoning === null ? [] : [reasoningItem(`rs_${id}`, reasoning)]),
    ...(content.length > 0 ? [{ id: `msg_${id}`, type: 'message', role: 'assistant', status, content }] : []),
    ...picturesOf(message).map((base64, index) => pictureItem(`ig_${id}_${index}`, base64)),
    ...calls.map((call, index) => callItem(call, `${id}_${index}`, status)),
  ];
}

/** Pictures in base64, as `message.images` has them in data URLs. */
function picturesOf({ images }: JsonObject): string[] {
  const given: unknown[] = Array.isArray(images) ? images : [];
  return given.flatMap((image) => {
    const url = isObject(image) ? textOf(objectOf(image.image_url)?.url) : null;
    return url === null ? [] : [inlineDataFrom(url)?.base64 ?? url];
  });
}

/** As OpenAI's own tool for pictures answers. Source: openai 7.55 `ResponseOutputItem.ImageGenerationCall`. */
function pictureItem(id: string, result: string): object {
  return { id, type: 'image_generation_call', status: 'completed', result };
}

function reasoningItem(id: string, text: string): object {
  return { id, type: 'reasoning', summary: [], content: [{ type: 'reasoning_text', text }] };
}

function contentFrom({ message, logprobs }: FirstChoice): object[] {
  const text = textOf(message.content);
  const refusal = textOf(message.refusal);
  const output = {
    type: 'output_text',
    text,
    annotations: annotationsFrom(message.annotations),
    logprobs: Array.isArray(logprobs?.content) ? logprobs.content : [],
  };
  return [...(text === null ? [] : [output]), ...(refusal === null ? [] : [{ type: 'refusal', refusal }])];
}

function annotationsFrom(annotations: unknown): object[] {
  const given: unknown[] = Array.isArray(annotations) ? annotations : [];
  return given.flatMap((annotation) => {
    const citation = isObject(annotation) ? objectOf(annotation.url_citation) : null;
    return citation ? [{ type: 'url_citation', ...citation }] : [];
  });
}

function callItem(call: JsonObject, id: string, status: Status): object {
  const call_id = textOf(call.id);
  const custom = objectOf(call.custom);
  if (custom) return { id: `ctc_${id}`, type: 'custom_tool_call', call_id, name: custom.name, input: custom.input };
  const called = objectOf(call.function);
  const { name, arguments: given } = { name: textOf(called?.name) ?? '', arguments: textOf(called?.arguments) ?? '' };
  const { extra_content } = call;
  return {
    id: `fc_${id}`,
    type: 'function_call',
    status,
    call_id,
    name,
    arguments: given,
    ...present({ extra_content }),
  };
}
