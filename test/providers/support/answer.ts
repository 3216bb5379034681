import fc from 'fast-check';
import type { ProviderKind } from '../../../lib/providers/config.ts';
import { isObject, type JsonObject } from '../../../lib/records/json.ts';
import { wires } from '../../fixtures/providers/every-provider.ts';
import type { Answer } from '../../fixtures/providers/model-answers.ts';
import { canonical, inside, listOf, parseSpelled, spelled } from './meaning.ts';
import { jsonObject, text } from './talk.ts';

const call = fc.record({
  id: fc.stringMatching(/^[a-zA-Z0-9]{9}$/),
  name: fc.stringMatching(/^[a-z][a-z_]{0,12}$/),
  input: jsonObject,
});

/** A request may not hold half of a surrogate pair; a model's answer may. */
const answerText = fc.oneof({ weight: 9, arbitrary: text }, fc.constantFrom('\ud800', 'a\udfff'));

export const answer: fc.Arbitrary<Answer> = fc
  .record({
    text: fc.option(answerText),
    calls: fc.uniqueArray(call, { maxLength: 3, selector: ({ id }) => id }),
    isCut: fc.boolean(),
    tokens: fc
      .record({ input: fc.nat(9_999), cached: fc.nat(99), output: fc.nat(9_999) })
      .map((tokens) => ({ ...tokens, input: tokens.input + tokens.cached })),
  })
  .filter(({ text: said, calls }) => said !== null || calls.length > 0);

export function resultText(kind: ProviderKind, lineId: string, given: Answer, model: string): string {
  return JSON.stringify(wires[kind].resultLine(lineId, given, model));
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

/** The value of a number as `parseSpelled` gives it. */
function numberOf(value: unknown): number {
  return typeof value === 'string' ? Number(value.slice(1)) : 0;
}
