import { exactBody } from '../../lines/exact-body.ts';
import { isAbsent } from '../../lines/foreign-json.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import type { JsonObject } from '../../records/json.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { type Conversation, conversationFrom } from './contents.ts';
import { type GenerationConfig, generationConfigFrom } from './generation-config.ts';
import { generationOf } from './model-generation.ts';
import type { Surface } from './parts.ts';
import {
  type FunctionCallingConfig,
  type FunctionDeclaration,
  functionCallingFrom,
  functionDeclarationsFrom,
} from './tools.ts';

/** The body of generateContent, as far as a chat completion can ask for it; the model stands in the batch. */
export interface GenerateContentRequest {
  systemInstruction?: Exclude<Conversation['systemInstruction'], undefined>;
  contents: Conversation['contents'];
  tools?: [{ functionDeclarations: FunctionDeclaration[] }];
  toolConfig?: { functionCallingConfig: FunctionCallingConfig };
  generationConfig?: GenerationConfig;
}

/**
 * Translates the body of a chat completion.
 *
 * @param notes receives what could not be taken, by parameter.
 * @throws UntranslatableError where the request cannot be expressed, RangeError where it is nested too deeply.
 */
export function generateContentFromChat(
  request: RequestLine,
  model: string,
  surface: Surface,
  notes: TranslationNotes,
): GenerateContentRequest {
  const { body } = request;
  judgeParameters(body, notes);
  const exact = () => exactBody(request);
  const { wantsThoughtSignatures } = generationOf(model);
  const { systemInstruction, contents } = conversationFrom(body.messages, { surface, wantsThoughtSignatures }, notes);
  const functionDeclarations = isAbsent(body.tools) ? [] : functionDeclarationsFrom(exact().tools, notes);
  const hasTools = functionDeclarations.length > 0;
  const functionCallingConfig = functionCallingFrom(body, hasTools, notes);
  const generationConfig = generationConfigFrom(body, exact, model, notes);
  return {
    ...(systemInstruction && { systemInstruction }),
    contents,
    ...(hasTools && { tools: [{ functionDeclarations }] }),
    ...(functionCallingConfig && { toolConfig: { functionCallingConfig } }),
    ...(Object.keys(generationConfig).length > 0 && { generationConfig }),
  };
}

const translated: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'presence_penalty',
  'frequency_penalty',
  'seed',
  'n',
  'stop',
  'stream',
  'logprobs',
  'top_logprobs',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'reasoning_effort',
]);

/** What changes the answer's form, and what to do instead. */
const refused = new Map([
  ['audio', 'ask for text'],
  ['modalities', 'ask for text'],
  ['functions', "use 'tools'"],
  ['function_call', "use 'tool_choice'"],
  ['web_search_options', 'leave it out'],
]);

function judgeParameters(body: JsonObject, notes: TranslationNotes): void {
  for (const name in body) {
    const value = body[name];
    if (translated.has(name) || isAbsent(value) || asksForNothing(name, value)) continue;
    const advice = refused.get(name);
    if (advice !== undefined) throw notes.unsupported(`body.${name}`, advice);
    notes.drop(`body.${name}`);
  }
}

function asksForNothing(name: string, value: unknown): boolean {
  if (name === 'modalities') return Array.isArray(value) && value.every((modality) => modality === 'text');
  if (name === 'store') return value === false;
  if (name === 'service_tier') return value === 'auto' || value === 'default';
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
