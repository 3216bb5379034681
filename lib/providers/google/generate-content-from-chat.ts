import type { JsonObject, RequestLine } from '../../core/request-line.ts';
import { isAbsent } from '../anthropic/dropped-parameters.ts';
import { exactBody } from '../exact-body.ts';
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
import { leaveOut, unsupported, type Warnings } from './untranslatable.ts';

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
 * @param warnings receives what could not be taken, by parameter.
 * @throws UntranslatableError where the request cannot be expressed, RangeError where it is nested too deeply.
 */
export function generateContentFromChat(
  request: RequestLine,
  model: string,
  surface: Surface,
  warnings: Warnings,
): GenerateContentRequest {
  const { body } = request;
  judgeParameters(body, warnings);
  const exact = () => exactBody(request);
  const { wantsThoughtSignatures } = generationOf(model);
  const { systemInstruction, contents } = conversationFrom(
    body.messages,
    { surface, wantsThoughtSignatures },
    warnings,
  );
  const functionDeclarations = isAbsent(body.tools) ? [] : functionDeclarationsFrom(exact().tools, warnings);
  const hasTools = functionDeclarations.length > 0;
  const functionCallingConfig = functionCallingFrom(body, hasTools, warnings);
  const generationConfig = generationConfigFrom(body, exact, model, warnings);
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

function judgeParameters(body: JsonObject, warnings: Warnings): void {
  for (const name in body) {
    const value = body[name];
    if (translated.has(name) || isAbsent(value) || asksForNothing(name, value)) continue;
    const advice = refused.get(name);
    if (advice !== undefined) throw unsupported(`body.${name}`, advice);
    leaveOut(`body.${name}`, warnings);
  }
}

function asksForNothing(name: string, value: unknown): boolean {
  if (name === 'modalities') return Array.isArray(value) && value.every((modality) => modality === 'text');
  if (name === 'store') return value === false;
  if (name === 'service_tier') return value === 'auto' || value === 'default';
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
