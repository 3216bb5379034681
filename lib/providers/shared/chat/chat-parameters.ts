import { isAbsent } from '../../../lines/foreign-json.ts';
import type { JsonObject } from '../../../records/json.ts';
import type { TranslationNotes } from './translation-notes.ts';
import { invalid } from './untranslatable-error.ts';

/** Parameters of a chat completion that every translation reads alike. */

/** @returns undefined where the line names no limit. */
export function maxTokensFrom(body: JsonObject, notes: TranslationNotes): number | undefined {
  const newer = limitOf(body, 'max_completion_tokens');
  const older = limitOf(body, 'max_tokens');
  if (newer !== undefined && older !== undefined && newer !== older)
    notes.drop('body.max_tokens', "'max_completion_tokens' stands for it");
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
