import type { RequestLine } from '../../lines/request-line.ts';
import type { RequestTarget } from '../contract.ts';
import type { ChatAbilities, ChatRequest } from '../shared/chat/chat-request.ts';
import { parseChat } from '../shared/chat/parse-request.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { ModelRules } from '../shared/model-rules.ts';
import { conversationFrom, type GoogleConversation } from './contents.ts';
import { type GeminiRules, geminiModels } from './gemini-models.ts';
import { type GenerationConfig, generationConfigFrom } from './generation-config.ts';
import type { Surface } from './parts.ts';
import {
  type FunctionCallingConfig,
  type FunctionDeclaration,
  functionCallingFrom,
  functionDeclarationsFrom,
} from './tools.ts';

/** The body of generateContent, as far as a chat completion can ask for it; the model stands in the batch. */
export interface GenerateContentRequest {
  systemInstruction?: Exclude<GoogleConversation['systemInstruction'], undefined>;
  contents: GoogleConversation['contents'];
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
  { model, modelRules = 'enforce' }: Pick<RequestTarget, 'model' | 'modelRules'>,
  surface: Surface,
  notes: TranslationNotes,
): GenerateContentRequest {
  const chat = parseChat(request, googleAbilities, notes);
  const rules: GeminiRules = new ModelRules(model, geminiModels.find(model), modelRules, notes);
  const { wantsThoughtSignatures, answersWith } = rules.row;
  if (answersWith === 'speech')
    rules.refuse('answersWith', 'body.model', 'answers with speech only', 'use a model that answers with text');
  noteEnd(chat.messages, notes);
  if (surface === 'gemini' && !rules.row.takesUrls) judgeUrls(chat.messages, rules);
  const { systemInstruction, contents } = conversationFrom(chat.messages, { surface, wantsThoughtSignatures }, notes);
  const functionDeclarations = functionDeclarationsFrom(chat.tools, notes);
  const hasTools = functionDeclarations.length > 0;
  const functionCallingConfig = functionCallingFrom(chat, notes);
  const generationConfig = generationConfigFrom(chat, rules, notes);
  return {
    ...(systemInstruction && { systemInstruction }),
    contents,
    ...(hasTools && { tools: [{ functionDeclarations }] }),
    ...(functionCallingConfig && { toolConfig: { functionCallingConfig } }),
    ...(Object.keys(generationConfig).length > 0 && { generationConfig }),
  };
}

/** A conversation that ends with the assistant. */
function noteEnd(messages: ChatRequest['messages'], notes: TranslationNotes): void {
  const last = messages.at(-1);
  if (last?.role === 'assistant' && last.calls.length === 0)
    notes.change(last.param, 'the model goes on with it, where a chat completion answers it');
}

function judgeUrls(messages: ChatRequest['messages'], rules: GeminiRules): void {
  for (const { content } of messages)
    for (const part of typeof content === 'string' ? [] : (content ?? []))
      if (part.type === 'image' && /^https?:\/\//i.test(part.url))
        rules.refuse(
          'takesUrls',
          `${part.param}.image_url.url`,
          'is shown no images by URL',
          'send the image as a data URL',
        );
}

const googleAbilities: ChatAbilities = {
  parameters: new Set([
    'presence_penalty',
    'frequency_penalty',
    'seed',
    'n',
    'stop',
    'logprobs',
    'modalities',
    'top_logprobs',
    'tools',
    'tool_choice',
    'parallel_tool_calls',
    'response_format',
    'reasoning_effort',
  ]),
  members: new Set(['call.extra_content']),
};
