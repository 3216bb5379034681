import { isObject, type JsonObject } from '../records/json.ts';

/** Whether an answer can be used, and why not. */
export type Verdict =
  | { usable: true }
  | { usable: false; code: 'invalid_output' | 'refused' | 'truncated'; message: string };

/** One of the texts that a model wrote: with `n` above 1 there are several. */
interface Choice {
  text: string | null;
  /** What the model said in place of an answer. */
  refusal: string | null;
  isTruncated: boolean;
  hasToolCalls: boolean;
}

/**
 * Says whether an answer can be used as what was asked for. A text that fits can, however the model ended; one that calls tools and
 * writes no text was asked for something else.
 *
 * @param body of a chat completion, a response, a completion, or a message in Anthropic's form.
 * @param problemOf what is wrong with a text, such as `it is no JSON`; null for one that is right.
 */
export function verdictOn(body: unknown, problemOf: (text: string) => string | null): Verdict {
  const choices = isObject(body) ? choicesOf(body) : [];
  if (choices.length === 0) return { usable: false, code: 'invalid_output', message: 'it holds no text' };
  for (const choice of choices) {
    const verdict = verdictOnChoice(choice, problemOf);
    if (!verdict.usable) return verdict;
  }
  return { usable: true };
}

function verdictOnChoice(choice: Choice, problemOf: (text: string) => string | null): Verdict {
  const { text, refusal, isTruncated, hasToolCalls } = choice;
  if (refusal !== null) return { usable: false, code: 'refused', message: `the model refused: ${refusal}` };
  if (text === null && hasToolCalls) return { usable: true };
  const problem = text === null ? 'it holds no text' : problemOf(text);
  if (problem === null) return { usable: true };
  return isTruncated
    ? { usable: false, code: 'truncated', message: `it was cut off at the limit on its length, and ${problem}` }
    : { usable: false, code: 'invalid_output', message: problem };
}

function choicesOf(body: JsonObject): Choice[] {
  if (Array.isArray(body.choices))
    return listOf(body.choices).flatMap((one) => (isObject(one) ? [chatChoice(one)] : []));
  if (Array.isArray(body.content)) return [messageChoice(body)];
  return Array.isArray(body.output) ? [responseChoice(body)] : [];
}

function chatChoice(choice: JsonObject): Choice {
  const message = isObject(choice.message) ? choice.message : {};
  const isFiltered = choice.finish_reason === 'content_filter';
  return {
    text: textIn(message.content) ?? textIn(choice.text),
    refusal: textIn(message.refusal) ?? (isFiltered ? 'its content filter stopped the answer' : null),
    isTruncated: choice.finish_reason === 'length',
    hasToolCalls: listOf(message.tool_calls).length > 0,
  };
}

function messageChoice(message: JsonObject): Choice {
  const blocks = listOf(message.content).filter(isObject);
  const text = joined(blocks);
  return {
    text,
    refusal: message.stop_reason === 'refusal' ? (text ?? 'it says no more') : null,
    isTruncated: message.stop_reason === 'max_tokens',
    hasToolCalls: blocks.some(({ type }) => type === 'tool_use'),
  };
}

function responseChoice(response: JsonObject): Choice {
  const items = listOf(response.output).filter(isObject);
  const parts = items.flatMap((item) => listOf(item.content).filter(isObject));
  const refusal = parts.find(({ type }) => type === 'refusal')?.refusal;
  const { reason } = isObject(response.incomplete_details) ? response.incomplete_details : {};
  return {
    text: joined(parts),
    refusal: textIn(refusal) ?? (reason === 'content_filter' ? 'its content filter stopped the answer' : null),
    isTruncated: response.status === 'incomplete',
    hasToolCalls: items.some(({ type }) => type === 'function_call'),
  };
}

/** The text of a chat completion's first choice, of a response's messages, or of a message in Anthropic's form; null where there is none. */
export function answerText(body: unknown): string | null {
  const [first] = isObject(body) ? choicesOf(body) : [];
  return first?.text ?? null;
}

function joined(parts: readonly JsonObject[]): string | null {
  const texts = parts.flatMap(({ text }) => (typeof text === 'string' ? [text] : []));
  return texts.length === 0 ? null : texts.join('');
}

function textIn(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
