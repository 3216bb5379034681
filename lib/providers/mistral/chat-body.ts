import { isAbsent } from '../../lines/foreign-json.ts';
import type { JsonObject } from '../../records/json.ts';
import { maxTokensFrom } from '../shared/chat/chat-parameters.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import { messagesFrom } from './messages.ts';
import { responseFormatFrom, toolChoiceFrom, toolsFrom } from './tools.ts';

/**
 * A chat completion's body -> Mistral's. Source: @mistralai/mistralai 2.7 `ChatCompletionRequest`.
 *
 * @param body the request's body, to be looked at.
 * @param exact the same with its numbers as they were written, to be sent on.
 * @throws UntranslatableError where the request cannot be expressed.
 */
export function chatBodyFrom(body: JsonObject, exact: JsonObject, notes: TranslationNotes): JsonObject {
  const translated: JsonObject = {};
  const maxTokens = maxTokensFrom(body, notes);
  for (const name in body) if (!isAbsent(body[name])) judge(name, body[name], exact[name], translated, notes);
  return {
    messages: messagesFrom(body.messages, exact.messages, notes),
    ...translated,
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
  };
}

/** Same name, same meaning; and Mistral's own, which OpenAI does not have. */
const passed: ReadonlySet<string> = new Set([
  'top_p',
  'stop',
  'n',
  'presence_penalty',
  'frequency_penalty',
  'parallel_tool_calls',
  'prompt_cache_key',
  'metadata',
  'safe_prompt',
  'prompt_mode',
  'guardrails',
]);

/** Translated elsewhere, or said by the job; a batch streams nothing. */
const apart: ReadonlySet<string> = new Set(['model', 'messages', 'max_tokens', 'max_completion_tokens', 'stream']);

/** What changes the answer's form, and values of it that ask for nothing. */
const refused = new Map<string, { harmless: readonly unknown[]; advice: string }>([
  ['logprobs', { harmless: [false], advice: 'remove it' }],
  ['top_logprobs', { harmless: [0], advice: 'remove it' }],
  ['audio', { harmless: [], advice: 'ask for text' }],
  ['functions', { harmless: [], advice: "use 'tools'" }],
  ['function_call', { harmless: [], advice: "use 'tool_choice'" }],
]);

/** Values that ask for what happens anyway. */
const harmlessByName = new Map<string, readonly unknown[]>([
  ['store', [false]],
  ['service_tier', ['auto', 'default', 'flex']],
]);

function judge(name: string, value: unknown, exact: unknown, body: JsonObject, notes: TranslationNotes): void {
  if (apart.has(name)) return;
  const translate = translations.get(name);
  if (passed.has(name)) body[name] = exact;
  else if (translate) translate(value, exact, body, notes);
  else judgeForeign(name, value, notes);
}

function judgeForeign(name: string, value: unknown, notes: TranslationNotes): void {
  const refusal = refused.get(name);
  if (!refusal) {
    if (!harmlessByName.get(name)?.includes(value)) notes.drop(`body.${name}`);
  } else if (!refusal.harmless.includes(value)) throw notes.unsupported(`body.${name}`, refusal.advice);
}

type Translate = (value: unknown, exact: unknown, body: JsonObject, notes: TranslationNotes) => void;

const translateByName: Record<string, Translate> = {
  temperature: (value, exact, body, notes) => {
    body.temperature = typeof value === 'number' && value > maxTemperature ? hottest(notes) : exact;
  },
  seed: (value, exact, body, notes) => {
    if (typeof value === 'number' && value < 0) notes.drop('body.seed', "Mistral's seeds are not negative");
    else {
      if ('random_seed' in body) dropOwnSeed(notes);
      body.random_seed = exact;
    }
  },
  random_seed: (_value, exact, body, notes) => {
    if ('random_seed' in body) dropOwnSeed(notes);
    else body.random_seed = exact;
  },
  modalities: (value, _exact, _body, notes) => {
    const isTextOnly = Array.isArray(value) && value.every((modality) => modality === 'text');
    if (!isTextOnly) throw notes.unsupported('body.modalities', 'ask for text');
  },
  reasoning_effort: (value, _exact, body, notes) => {
    if (value === 'max') notes.change('body.reasoning_effort', "Mistral's highest is xhigh");
    body.reasoning_effort = value === 'max' ? 'xhigh' : value;
  },
  prediction: (value, _exact, body) => {
    body.prediction = { type: 'content', content: predictedText(value) };
  },
  tools: (value, exact, body, notes) => {
    body.tools = toolsFrom(value, exact, notes);
  },
  tool_choice: (value, _exact, body, notes) => {
    body.tool_choice = toolChoiceFrom(value, notes);
  },
  response_format: (value, exact, body, notes) => {
    body.response_format = responseFormatFrom(value, exact, notes);
  },
};

/** As a map, since a body may have a member called `__proto__`. */
const translations = new Map(Object.entries(translateByName));

function dropOwnSeed(notes: TranslationNotes): void {
  notes.drop('body.random_seed', "'seed' stands beside it");
}

/** Unconfirmed: from Mistral's API reference of 2025; the SDK's types name no bound. */
const maxTemperature = 1.5;

function hottest(notes: TranslationNotes): number {
  notes.change('body.temperature', `Mistral's highest is ${maxTemperature}`);
  return maxTemperature;
}

/** OpenAI takes parts, Mistral one text. */
function predictedText(prediction: unknown): string {
  const content = typeof prediction === 'object' && prediction && 'content' in prediction ? prediction.content : null;
  if (typeof content === 'string') return content;
  const texts = Array.isArray(content) ? content.map((part: { text?: unknown } | null) => part?.text) : [];
  if (texts.length > 0 && texts.every((text) => typeof text === 'string')) return texts.join('');
  throw invalid('body.prediction.content', 'a string or an array of texts');
}
