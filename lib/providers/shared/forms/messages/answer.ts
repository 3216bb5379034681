import { parseExact } from '../../../../lines/exact-json.ts';
import { objectOf, textOf } from '../../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../../records/json.ts';
import { noUsage, tokensOf, type Usage } from '../../../../records/usage.ts';
import { answerOf, extraContentOf, type FirstChoice, saidBeside, toolCallsOf } from '../completion.ts';
import { present } from '../notes.ts';

/** ChatCompletion -> Message. A chat completion does not say which stop sequence ended it. */
export function messageFrom(completion: JsonObject, usage: Usage | null): object | null {
  const answer = answerOf(completion);
  if (!answer) return null;
  const refusal = textOf(answer.message.refusal);
  return {
    id: textOf(completion.id) ?? '',
    type: 'message',
    role: 'assistant',
    model: textOf(completion.model) ?? '',
    content: blocksFrom(answer.message, refusal),
    container: null,
    diagnostics: null,
    stop_reason: stopReasonFrom(answer, refusal),
    stop_sequence: null,
    stop_details: refusal === null ? null : { type: 'refusal', category: null, explanation: refusal },
    usage: usageFrom(usage),
    ...beyond(completion, answer),
  };
}

const said = saidBeside([], []);

/** What a Message has no block for, as the chat completion has it. */
function beyond(completion: JsonObject, answer: FirstChoice): JsonObject {
  const { images, audio } = answer.message;
  return present({ images, audio, extra_content: extraContentOf(completion, answer, said) });
}

function blocksFrom(message: JsonObject, refusal: string | null): object[] {
  const thinking = textOf(message.reasoning_content) ?? textOf(message.reasoning);
  const texts = [textOf(message.content), refusal].filter((text) => text !== null);
  return [
    ...(thinking === null ? [] : [{ type: 'thinking', thinking, signature: '' }]),
    ...texts.map((text) => ({ type: 'text', text, citations: null })),
    ...toolCallsOf(message).map(toolUseFrom),
  ];
}

function toolUseFrom(call: JsonObject): object {
  const called = objectOf(call.function) ?? objectOf(call.custom);
  const input = inputFrom(textOf(called?.arguments) ?? textOf(called?.input) ?? '{}');
  return {
    type: 'tool_use',
    id: textOf(call.id),
    name: textOf(called?.name) ?? '',
    input,
    caller: { type: 'direct' },
    ...present({ extra_content: call.extra_content }),
  };
}

/** Arguments that are no JSON object, such as those of an answer that was cut off, are kept as the text that they are. */
function inputFrom(text: string): object {
  try {
    const input = parseExact(text);
    return isObject(input) ? input : { arguments: text };
  } catch (error) {
    if (error instanceof SyntaxError) return { arguments: text };
    throw error;
  }
}

const stopReasons = new Map<unknown, string>([
  ['length', 'max_tokens'],
  ['content_filter', 'refusal'],
  ['tool_calls', 'tool_use'],
  ['function_call', 'tool_use'],
]);

/** A forced function ends with `stop` at OpenAI, and so may a refusal. */
function stopReasonFrom({ message, finishReason }: FirstChoice, refusal: string | null): string {
  if (refusal !== null) return 'refusal';
  return stopReasons.get(finishReason) ?? (toolCallsOf(message).length > 0 ? 'tool_use' : 'end_turn');
}

/** Anthropic counts cached and written input apart, OpenAI within. */
function usageFrom(usage: Usage | null): object {
  const { input, cached, written, output, reasoning } = tokensOf(usage ?? noUsage);
  return {
    input_tokens: Math.max(0, input - cached - written),
    cache_creation: null,
    cache_creation_input_tokens: written,
    cache_read_input_tokens: cached,
    inference_geo: null,
    output_tokens: output,
    output_tokens_details: { thinking_tokens: reasoning },
    server_tool_use: null,
    service_tier: 'batch',
    speed: null,
  };
}
