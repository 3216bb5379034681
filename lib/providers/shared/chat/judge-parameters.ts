import { isAbsent } from '../../../lines/foreign-json.ts';
import type { JsonObject } from '../../../records/json.ts';
import type { ChatAbilities } from './chat-request.ts';
import type { TranslationNotes } from './translation-notes.ts';

/** Said by the line, or read for every provider; a batch streams nothing. */
const always: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'stream',
]);

interface Judgement {
  /** Values that ask for nothing, besides empty objects and arrays. */
  harmless: readonly unknown[];
  /** Whether an empty object asks for something, too. */
  asksWhenEmpty?: true;
  /** What to do instead; without it the parameter is left out with a warning. */
  advice?: string;
}

/** Parameters that a provider may lack. Those with an advice change the answer, so a line with them is refused there. */
const judgements = new Map<string, Judgement>([
  ['n', { harmless: [1], advice: 'write the line as often as you want answers' }],
  ['logprobs', { harmless: [false], advice: 'remove it' }],
  ['top_logprobs', { harmless: [0], advice: 'remove it' }],
  ['audio', { harmless: [], asksWhenEmpty: true, advice: 'ask for text' }],
  ['modalities', { harmless: [], advice: 'ask for text' }],
  ['functions', { harmless: [], advice: "use 'tools'" }],
  ['function_call', { harmless: ['auto', 'none'], advice: "use 'tool_choice'" }],
  ['web_search_options', { harmless: [], asksWhenEmpty: true, advice: 'leave it out' }],
  ['tools', { harmless: [], advice: 'ask for the answer as text' }],
  ['tool_choice', { harmless: ['auto', 'none'], advice: 'leave it out' }],
  ['parallel_tool_calls', { harmless: [true, false] }],
  ['response_format', { harmless: [], advice: 'say in the prompt what the answer is to look like' }],
  ['store', { harmless: [false] }],
  ['frequency_penalty', { harmless: [0] }],
  ['presence_penalty', { harmless: [0] }],
  ['service_tier', { harmless: ['auto', 'default'] }],
]);

/** Refuses what changes the answer and cannot be said, and warns of the rest that the provider lacks. */
export function judgeParameters(body: JsonObject, { parameters, own }: ChatAbilities, notes: TranslationNotes): void {
  for (const name in body) {
    if (always.has(name) || parameters.has(name) || own?.has(name)) continue;
    const value = body[name];
    if (isAbsent(value)) continue;
    const judgement = judgements.get(name);
    if (asksForNothing(name, value, judgement)) continue;
    if (judgement?.advice !== undefined) throw notes.unsupported(`body.${name}`, judgement.advice);
    notes.drop(`body.${name}`);
  }
}

function asksForNothing(name: string, value: unknown, judgement: Judgement | undefined): boolean {
  if (typeof value !== 'object' || value === null) return judgement?.harmless.includes(value) ?? false;
  if (name === 'modalities') return Array.isArray(value) && value.every((modality) => modality === 'text');
  if (name === 'response_format') return 'type' in value && value.type === 'text';
  return !judgement?.asksWhenEmpty && Object.keys(value).length === 0;
}
