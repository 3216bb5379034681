import { isAbsent } from '../../lines/foreign-json.ts';
import type { JsonObject } from '../../records/json.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';

/** What the translation reads, each in its own file; everything else is refused, harmless, or dropped with a warning. */
const translated: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'stop',
  'stream',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'reasoning_effort',
  'thinking',
  'user',
  'safety_identifier',
]);

interface Judgement {
  /** Whether the value asks for nothing. */
  isHarmless: (value: unknown) => boolean;
  /** What to do instead; without it the parameter is dropped with a warning. */
  advice?: string;
}

const judgements = new Map<string, Judgement>([
  ['n', { isHarmless: is(1), advice: 'write the line as often as you want answers' }],
  ['logprobs', { isHarmless: is(false), advice: 'remove it' }],
  ['top_logprobs', { isHarmless: is(0), advice: 'remove it' }],
  ['audio', { isHarmless: () => false, advice: 'ask for text' }],
  ['modalities', { isHarmless: isTextOnly, advice: 'ask for text' }],
  ['functions', { isHarmless: isEmpty, advice: "use 'tools'" }],
  ['function_call', { isHarmless: () => false, advice: "use 'tool_choice'" }],
  ['store', { isHarmless: is(false) }],
  ['frequency_penalty', { isHarmless: is(0) }],
  ['presence_penalty', { isHarmless: is(0) }],
  ['logit_bias', { isHarmless: isEmpty }],
  ['metadata', { isHarmless: isEmpty }],
  ['service_tier', { isHarmless: is('auto', 'default') }],
]);

function is(...harmless: unknown[]): (value: unknown) => boolean {
  return (value) => harmless.includes(value);
}

function isTextOnly(value: unknown): boolean {
  return Array.isArray(value) && value.every((modality) => modality === 'text');
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** Refuses what changes the answer's form, and warns of the rest that Anthropic does not have. */
export function judgeParameters(body: JsonObject, notes: TranslationNotes): void {
  for (const name in body) {
    const value = body[name];
    if (translated.has(name) || isAbsent(value)) continue;
    const judgement = judgements.get(name);
    if (judgement?.isHarmless(value)) continue;
    if (judgement?.advice !== undefined) throw notes.unsupported(`body.${name}`, judgement.advice);
    notes.drop(`body.${name}`);
  }
}

/** Longest metadata.user_id, in characters. Source: https://platform.claude.com/docs/en/api/messages */
const maxUserIdLength = 256;

export function userIdFrom(body: JsonObject, notes: TranslationNotes): string | undefined {
  const name = isAbsent(body.safety_identifier) ? 'user' : 'safety_identifier';
  const value = body[name];
  if (name !== 'user' && !isAbsent(body.user) && body.user !== value)
    notes.drop('body.user', "'safety_identifier' stands for it");
  if (isAbsent(value) || value === '') return undefined;
  if (typeof value !== 'string') throw invalid(`body.${name}`, 'a string');
  if (value.length <= maxUserIdLength) return value;
  notes.drop(`body.${name}`, `Anthropic takes at most ${maxUserIdLength} characters`);
  return undefined;
}
