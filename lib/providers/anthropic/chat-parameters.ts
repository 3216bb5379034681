import type { JsonObject } from '../../core/request-line.ts';
import type { Warning } from '../provider.ts';
import { drop, isAbsent } from './dropped-parameters.ts';
import { invalid, unsupported } from './untranslatable-error.ts';

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
export function judgeParameters(body: JsonObject, warnings: Map<string, Warning>): void {
  for (const name in body) {
    const value = body[name];
    if (translated.has(name) || isAbsent(value)) continue;
    const judgement = judgements.get(name);
    if (judgement?.isHarmless(value)) continue;
    if (judgement?.advice !== undefined) throw unsupported(`body.${name}`, judgement.advice);
    drop(`body.${name}`, warnings);
  }
}

/** @returns undefined where the line names no limit. */
export function maxTokensFrom(body: JsonObject, warnings: Map<string, Warning>): number | undefined {
  const newer = limitOf(body, 'max_completion_tokens');
  const older = limitOf(body, 'max_tokens');
  if (newer !== undefined && older !== undefined && newer !== older)
    drop('body.max_tokens', warnings, "'max_completion_tokens' stands for it");
  return newer ?? older;
}

function limitOf(body: JsonObject, name: string): number | undefined {
  const value = body[name];
  if (isAbsent(value)) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1)
    throw invalid(`body.${name}`, 'a whole number above 0');
  return value;
}

export function stopSequencesFrom(stop: unknown): string[] {
  if (isAbsent(stop)) return [];
  if (typeof stop === 'string') return [stop];
  if (Array.isArray(stop) && stop.every((sequence): sequence is string => typeof sequence === 'string')) return stop;
  throw invalid('body.stop', 'a string or an array of strings');
}

/** Longest metadata.user_id, in characters. Source: https://platform.claude.com/docs/en/api/messages */
const maxUserIdLength = 256;

export function userIdFrom(body: JsonObject, warnings: Map<string, Warning>): string | undefined {
  const name = isAbsent(body.safety_identifier) ? 'user' : 'safety_identifier';
  const value = body[name];
  if (name !== 'user' && !isAbsent(body.user) && body.user !== value)
    drop('body.user', warnings, "'safety_identifier' stands for it");
  if (isAbsent(value) || value === '') return undefined;
  if (typeof value !== 'string') throw invalid(`body.${name}`, 'a string');
  if (value.length <= maxUserIdLength) return value;
  drop(`body.${name}`, warnings, `Anthropic takes at most ${maxUserIdLength} characters`);
  return undefined;
}
