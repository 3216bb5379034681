import { exactBody } from '../../lines/exact-body.ts';
import { countOf, isAbsent, objectOf, textOf } from '../../lines/foreign-json.ts';
import type { RequestLine } from '../../lines/request-line.ts';
import { isObject, type JsonObject } from '../../records/json.ts';
import { usageOf } from '../../records/usage.ts';
import { choicesOf, completionFrom } from '../mistral/completion.ts';
import { messagesFrom } from '../mistral/messages.ts';
import { toolChoiceFrom, toolsFrom } from '../mistral/tools.ts';
import { inlineDataFrom } from '../shared/chat/data-url.ts';
import type { TranslationNotes } from '../shared/chat/translation-notes.ts';
import { invalid } from '../shared/chat/untranslatable-error.ts';
import type { AnswerReader } from './body.ts';
import { judgeParameters, samplingFrom } from './parameters.ts';

const taken = ['tools', 'tool_choice', 'parallel_tool_calls'];

/**
 * The body of Mistral's models that take messages: Mistral's own, with the parameters that AWS names. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-mistral-chat-completion.html, read 2026-11.
 */
export function mistralChatFromChat(request: RequestLine, _model: string, notes: TranslationNotes): JsonObject {
  const { body } = request;
  judgeParameters(body, taken, notes);
  const exact = exactBody(request);
  const { maxTokens, temperature, topP } = samplingFrom(body, exact, notes);
  if (body.parallel_tool_calls === false) notes.drop('body.parallel_tool_calls');
  return {
    messages: messagesFrom(body.messages, exact.messages, notes).map((message, index) =>
      withPlainContent(message, `body.messages[${index}]`, notes),
    ),
    ...toolMembers(body, exact, notes),
    ...(maxTokens !== undefined && { max_tokens: maxTokens }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
  };
}

/** Content is a text; only with images, which some of the models see, it is of parts. */
function withPlainContent(message: JsonObject, param: string, notes: TranslationNotes): JsonObject {
  const { content, prefix: _prefix, name: _name, ...others } = message;
  if (message.prefix === true) notes.drop('body.messages[].prefix');
  if (!Array.isArray(content)) return { ...others, content: content ?? '' };
  const parts = content.filter(isObject);
  parts.forEach((part, index) => {
    requireKnownPart(part, `${param}.content[${index}]`, notes);
  });
  const texts = parts.flatMap(({ text }) => (typeof text === 'string' ? [text] : []));
  return { ...others, content: texts.length === parts.length ? texts.join('\n\n') : parts };
}

function requireKnownPart(part: JsonObject, param: string, notes: TranslationNotes): void {
  if (part.type === 'text') return;
  const url = objectOf(part.image_url)?.url ?? part.image_url;
  if (part.type !== 'image_url') throw notes.unsupported(param, 'send it as text');
  if (typeof url !== 'string' || !inlineDataFrom(url))
    throw notes.unsupported(`${param}.image_url.url`, 'Bedrock takes images as data URLs only');
}

/** It cannot be told which tool to call: of one tool, any is that one. */
function toolMembers(body: JsonObject, exact: JsonObject, notes: TranslationNotes): JsonObject {
  const all = isAbsent(body.tools) ? [] : toolsFrom(body.tools, exact.tools, notes);
  if (all.some(({ type }) => type !== 'function')) throw invalid('body.tools[].type', "'function'");
  const choice = isAbsent(body.tool_choice) ? undefined : toolChoiceFrom(body.tool_choice, notes);
  const chosen = objectOf(objectOf(choice)?.function)?.name;
  const tools = chosen === undefined ? all : all.filter((tool) => objectOf(tool.function)?.name === chosen);
  const isFree = choice === undefined || choice === 'auto' || choice === 'none';
  if (tools.length === 0 && !isFree) throw invalid('body.tools', 'the tools to choose');
  if (tools.length === 0) return {};
  return {
    tools: tools.map((tool) => withoutStrict(tool, notes)),
    ...(choice !== undefined && { tool_choice: isFree ? choice : 'any' }),
  };
}

function withoutStrict(tool: JsonObject, notes: TranslationNotes): JsonObject {
  const { strict, ...definition } = objectOf(tool.function) ?? {};
  if (strict === true) notes.drop('body.tools[].function.strict');
  return { ...tool, function: definition };
}

export const mistralChatReader: AnswerReader = {
  isAnswer: (output) => choicesOf(output).length > 0,
  usageOf: ({ usage }) => {
    const counts = objectOf(usage);
    return counts && usageOf({ input: countOf(counts.prompt_tokens), output: countOf(counts.completion_tokens) });
  },
  bodyOf: (output, { lineId, model, usage }) => {
    const { usage: counts, ...completion } = completionFrom(
      { ...output, choices: choicesOf(output).map(withFinishReason) },
      usage ?? usageOf({ input: 0, output: 0 }),
    );
    return {
      ...completion,
      id: textOf(output.id) ?? `chatcmpl-${lineId}`,
      created: output.created ?? Math.floor(Date.now() / 1000),
      model: textOf(output.model) ?? model,
      ...(usage && { usage: counts }),
    };
  },
};

/** Mistral Large names the reason as AWS does, the later ones as Mistral does. */
function withFinishReason({ stop_reason: stopReason, ...choice }: JsonObject): JsonObject {
  return { finish_reason: stopReason, ...choice };
}
