import fc from 'fast-check';
import type { ProviderKind } from '../../lib/providers/config.ts';
import { isObject, type JsonObject } from '../../lib/records/json.ts';
import { canonical, inside, listOf, parseSpelled, spelled } from './meaning.ts';
import { jsonObject, text } from './talk.ts';

/** What a model answers, whatever the API. */
export interface Answer {
  text: string | null;
  calls: { id: string; name: string; input: object }[];
  /** Whether it was cut at the most tokens. */
  isCut: boolean;
  /** `input` with what was cached. */
  tokens: { input: number; cached: number; output: number };
}

const call = fc.record({
  id: fc.stringMatching(/^[a-zA-Z0-9]{9}$/),
  name: fc.stringMatching(/^[a-z][a-z_]{0,12}$/),
  input: jsonObject,
});

export const answer: fc.Arbitrary<Answer> = fc
  .record({
    text: fc.option(text),
    calls: fc.uniqueArray(call, { maxLength: 3, selector: ({ id }) => id }),
    isCut: fc.boolean(),
    tokens: fc
      .record({ input: fc.nat(9_999), cached: fc.nat(99), output: fc.nat(9_999) })
      .map((tokens) => ({ ...tokens, input: tokens.input + tokens.cached })),
  })
  .filter(({ text: said, calls }) => said !== null || calls.length > 0);

type WriteLine = (lineId: string, answer: Answer, model: string) => object;

/** A line of a kind's results. */
const lineOfKind: Record<ProviderKind, WriteLine> = {
  openai: openAIResult,
  azure: openAIResult,
  groq: openAIResult,
  together: openAIResult,
  'openai-compatible': openAIResult,
  mistral: openAIResult,
  live: (lineId, given, model) => (isClaude(model) ? anthropicResult(lineId, given) : openAIResult(lineId, given)),
  xai: (lineId, given) => ({
    batch_request_id: lineId,
    batch_result: { response: { chat_get_completion: completion(given) } },
  }),
  fireworks: (lineId, given) => ({ custom_id: lineId, response: completion(given) }),
  anthropic: anthropicResult,
  bedrock: (lineId, given, model) => ({ recordId: lineId, modelInput: {}, modelOutput: modelOutput(given, model) }),
  gemini: (lineId, given) => ({ key: lineId, response: generated(given) }),
  vertex: (lineId, given, model) => ({
    custom_id: lineId,
    status: '',
    request: {},
    response: isClaude(model) ? message(given) : generated(given),
  }),
};

export function resultText(kind: ProviderKind, lineId: string, given: Answer, model: string): string {
  return JSON.stringify(lineOfKind[kind](lineId, given, model));
}

function isClaude(model: string): boolean {
  return /claude/.test(model);
}

/** Of Bedrock, where each family of models answers in its own form. */
function modelOutput(given: Answer, model: string): object {
  if (isClaude(model)) return message(given);
  if (/nova|qwen/.test(model)) return converseOutput(given);
  if (/llama/.test(model)) return generation(given);
  return /mixtral/.test(model) ? outputs(given) : completion(given);
}

/** The answer as far as a model can give it: prompts are answered with text only, and some families count less. */
export function answerable(given: Answer, model: string): Answer {
  const { input, output } = given.tokens;
  const uncached = { ...given, tokens: { input, cached: 0, output } };
  const spoken = { ...uncached, text: given.text ?? 'Hello', calls: [] };
  if (/llama/.test(model)) return spoken;
  if (/mixtral/.test(model)) return { ...spoken, tokens: { input: 0, cached: 0, output: 0 } };
  return /^mistral\./.test(model) ? uncached : given;
}

function anthropicResult(lineId: string, given: Answer): object {
  return { custom_id: lineId, result: { type: 'succeeded', message: message(given) } };
}

function converseOutput({ text: said, calls, isCut, tokens }: Answer): object {
  const content = [
    ...(said === null ? [] : [{ text: said }]),
    ...calls.map(({ id, name, input }) => ({ toolUse: { toolUseId: id, name, input } })),
  ];
  return {
    output: { message: { role: 'assistant', content } },
    stopReason: isCut ? 'max_tokens' : calls.length > 0 ? 'tool_use' : 'end_turn',
    usage: {
      inputTokens: tokens.input - tokens.cached,
      cacheReadInputTokens: tokens.cached,
      outputTokens: tokens.output,
      totalTokens: tokens.input + tokens.output,
    },
  };
}

/** Of Llama. */
function generation({ text: said, isCut, tokens }: Answer): object {
  return {
    generation: said,
    prompt_token_count: tokens.input,
    generation_token_count: tokens.output,
    stop_reason: isCut ? 'length' : 'stop',
  };
}

/** Of Mistral's older models, which do not say how many tokens it took. */
function outputs({ text: said, isCut }: Answer): object {
  return { outputs: [{ text: said, stop_reason: isCut ? 'length' : 'stop' }] };
}

function openAIResult(lineId: string, given: Answer): object {
  const response = { status_code: 200, request_id: 'r', body: completion(given) };
  return { id: 'batch_req_1', custom_id: lineId, response, error: null };
}

function completion({ text: content, calls, isCut, tokens }: Answer): object {
  const tool_calls = calls.map(({ id, name, input }) => ({
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(input) },
  }));
  const finish_reason = isCut ? 'length' : calls.length > 0 ? 'tool_calls' : 'stop';
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content, ...(calls.length > 0 && { tool_calls }) },
        finish_reason,
      },
    ],
    usage: {
      prompt_tokens: tokens.input,
      prompt_tokens_details: { cached_tokens: tokens.cached },
      completion_tokens: tokens.output,
      total_tokens: tokens.input + tokens.output,
    },
  };
}

function message({ text: said, calls, isCut, tokens }: Answer): object {
  return {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [
      ...(said === null ? [] : [{ type: 'text', text: said }]),
      ...calls.map(({ id, name, input }) => ({ type: 'tool_use', id, name, input })),
    ],
    stop_reason: isCut ? 'max_tokens' : calls.length > 0 ? 'tool_use' : 'end_turn',
    stop_sequence: null,
    usage: {
      input_tokens: tokens.input - tokens.cached,
      cache_read_input_tokens: tokens.cached,
      output_tokens: tokens.output,
    },
  };
}

function generated({ text: said, calls, isCut, tokens }: Answer): object {
  const parts = [
    ...(said === null ? [] : [{ text: said }]),
    ...calls.map(({ id, name, input }) => ({ functionCall: { id, name, args: input } })),
  ];
  return {
    responseId: 'r',
    modelVersion: 'm',
    candidates: [{ index: 0, content: { role: 'model', parts }, finishReason: isCut ? 'MAX_TOKENS' : 'STOP' }],
    usageMetadata: {
      promptTokenCount: tokens.input,
      cachedContentTokenCount: tokens.cached,
      candidatesTokenCount: tokens.output,
      totalTokenCount: tokens.input + tokens.output,
    },
  };
}

/** What an answer says, read back out of the result line that the customer gets. */
export interface Heard {
  text: string;
  calls: string[];
  isCut: boolean;
  tokens: { input: number; cached: number; output: number };
}

export function heardOf({ text: said, calls, isCut, tokens }: Answer): Heard {
  return {
    text: said ?? '',
    calls: calls.map(({ id, name, input }) => `${id} ${name} ${spelled(input)}`),
    isCut,
    tokens,
  };
}

/** @param line our result line, in any of the three forms. */
export function heardIn(line: string): Heard {
  const { response, result } = inside(parseSpelled(line));
  const body = inside(inside(response).body);
  if (isObject(result)) return heardInMessage(inside(result.message));
  if (body.object === 'response') return heardInResponse(body);
  return body.type === 'message' ? heardInMessage(body) : heardInCompletion(body);
}

function heardInCompletion(body: JsonObject): Heard {
  const [choice = {}] = listOf(body.choices);
  const said = inside(choice.message);
  const usage = inside(body.usage);
  return {
    text: String(said.content ?? ''),
    calls: listOf(said.tool_calls).map(({ id, function: called }) => calledIn(id, inside(called))),
    isCut: choice.finish_reason === 'length',
    tokens: tokensOf(usage.prompt_tokens, inside(usage.prompt_tokens_details).cached_tokens, usage.completion_tokens),
  };
}

/** A call whose arguments are a text. */
function calledIn(id: unknown, { name, arguments: json }: JsonObject): string {
  return `${id} ${name} ${canonical(parseSpelled(String(json)))}`;
}

function heardInResponse(body: JsonObject): Heard {
  const items = listOf(body.output);
  const texts = items.flatMap((item) => (item.type === 'message' ? listOf(item.content) : []));
  const usage = inside(body.usage);
  return {
    text: texts.map(({ text: said }) => said).join(''),
    calls: items.flatMap((item) => (item.type === 'function_call' ? [calledIn(item.call_id, item)] : [])),
    isCut: inside(body.incomplete_details).reason === 'max_output_tokens',
    tokens: tokensOf(usage.input_tokens, inside(usage.input_tokens_details).cached_tokens, usage.output_tokens),
  };
}

function heardInMessage(body: JsonObject): Heard {
  const blocks = listOf(body.content);
  const usage = inside(body.usage);
  const cached = numberOf(usage.cache_read_input_tokens);
  return {
    text: blocks.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    calls: blocks.flatMap(({ type, id, name, input }) =>
      type === 'tool_use' ? [`${id} ${name} ${canonical(input)}`] : [],
    ),
    isCut: body.stop_reason === 'max_tokens',
    tokens: tokensOf(`#${numberOf(usage.input_tokens) + cached}`, `#${cached}`, usage.output_tokens),
  };
}

function tokensOf(input: unknown, cached: unknown, output: unknown): Heard['tokens'] {
  return { input: numberOf(input), cached: numberOf(cached), output: numberOf(output) };
}

/** Of a number as `parseSpelled` gives it. */
function numberOf(value: unknown): number {
  return typeof value === 'string' ? Number(value.slice(1)) : 0;
}
