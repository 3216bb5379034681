import { isAbsent } from '../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../records/json.ts';
import type { ChatBody } from './chat-body.ts';
import { type ChatNumber, type Modality, type ReasoningEffort, reasoningEfforts } from './chat-request.ts';
import type { TranslationNotes } from './translation-notes.ts';
import { invalid } from './untranslatable-error.ts';

/** @returns undefined where the line names no limit. */
export function parseMaxTokens(body: JsonObject, notes: TranslationNotes): number | undefined {
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

export function parseNumber({ body, exact }: ChatBody, name: string, least: number, most: number): ChatNumber | null {
  const value = body[name];
  if (isAbsent(value)) return null;
  if (typeof value !== 'number' || value < least || value > most)
    throw invalid(`body.${name}`, `a number from ${least} to ${most}`);
  return { value, spelled: () => exact(name) };
}

export function parseWholeNumber({ body, exact }: ChatBody, name: string): ChatNumber | null {
  const value = body[name];
  if (isAbsent(value)) return null;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw invalid(`body.${name}`, 'a whole number');
  return { value, spelled: () => exact(name) };
}

export function parseStop(stop: unknown): readonly string[] {
  if (isAbsent(stop)) return [];
  if (typeof stop === 'string') return [stop];
  if (Array.isArray(stop) && stop.every((sequence): sequence is string => typeof sequence === 'string')) return stop;
  throw invalid('body.stop', 'a string or an array of strings');
}

export function parseEffort(value: unknown): ReasoningEffort | null {
  if (isAbsent(value)) return null;
  const effort = reasoningEfforts.find((name) => name === value);
  if (!effort) throw invalid('body.reasoning_effort', reasoningEfforts.map((name) => `'${name}'`).join(', '));
  return effort;
}

const modalities: readonly Modality[] = ['text', 'image', 'audio'];

export function parseModalities(value: unknown): readonly Modality[] {
  if (isAbsent(value)) return [];
  const given: readonly unknown[] = Array.isArray(value) ? value : [value];
  return given.map((name) => {
    const modality = modalities.find((known) => known === name);
    if (!modality) throw invalid('body.modalities', "an array of 'text', 'image' and 'audio'");
    return modality;
  });
}

const predictedKeys: ReadonlySet<string> = new Set(['type', 'text']);

/** OpenAI takes parts as well as one text. */
export function parsePrediction(prediction: unknown, notes: TranslationNotes): string | null {
  if (isAbsent(prediction)) return null;
  const content = isObject(prediction) ? prediction.content : null;
  if (typeof content === 'string') return content;
  const parts = Array.isArray(content) ? content.filter(isObject) : [];
  const texts = parts.map(({ text }) => text);
  if (texts.length === 0 || !texts.every((text) => typeof text === 'string'))
    throw invalid('body.prediction.content', 'a string or an array of texts');
  for (const part of parts) notes.dropOthers(part, predictedKeys, 'body.prediction.content[]');
  return texts.join('');
}

export function parseUser(body: JsonObject, notes: TranslationNotes): { id: string; param: string } | null {
  const name = isAbsent(body.safety_identifier) ? 'user' : 'safety_identifier';
  const id = body[name];
  if (name !== 'user' && !isAbsent(body.user) && body.user !== id)
    notes.drop('body.user', "'safety_identifier' stands for it");
  if (isAbsent(id) || id === '') return null;
  if (typeof id !== 'string') throw invalid(`body.${name}`, 'a string');
  return { id, param: `body.${name}` };
}
