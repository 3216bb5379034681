import { type AnthropicError, invalidRequest } from './error-reply.ts';
import {
  firstVersionWithoutSampling,
  isKnownModel,
  refusesForcedTools,
  refusesPrefill,
  refusesTemperature,
  takesLaterSystem,
} from './limits.ts';
import { type ContentBlock, type InputMessage, isCustomTool, type MessageParams } from './message-params.ts';
import { outputSchemaComplaint } from './output-schema.ts';

/** The rules of the Messages API that go beyond the types of single fields. @returns null if all hold. */
export function paramsComplaint(params: MessageParams, apiVersion: string): AnthropicError | null {
  if (!isKnownModel(params.model)) return { type: 'not_found_error', message: `model: ${params.model}` };
  const text =
    batchComplaint(params) ??
    samplingComplaint(params, apiVersion) ??
    thinkingComplaint(params) ??
    toolComplaint(params) ??
    messagesComplaint(params.messages) ??
    modelComplaint(params) ??
    formatComplaint(params);
  return text === null ? null : invalidRequest(text);
}

function batchComplaint(params: MessageParams): string | null {
  return params.stream === true ? 'stream: Streaming is not supported in the Message Batches API.' : null;
}

function samplingComplaint(params: MessageParams, apiVersion: string): string | null {
  const given = (['temperature', 'top_p', 'top_k'] as const).find((name) => params[name] !== undefined);
  if (given !== undefined && apiVersion >= firstVersionWithoutSampling)
    return `${given}: Extra inputs are not permitted`;
  if (params.temperature !== undefined && params.temperature !== 1 && refusesTemperature(params.model)) {
    return `temperature: \`temperature\` may only be set to 1 for ${params.model}.`;
  }
  return null;
}

function thinkingComplaint({
  thinking,
  max_tokens: maxTokens,
  temperature,
  tool_choice: choice,
}: MessageParams): string | null {
  if (thinking?.type !== 'enabled' && thinking?.type !== 'adaptive') return null;
  if (thinking.type === 'enabled' && thinking.budget_tokens >= maxTokens) {
    return '`max_tokens` must be greater than `thinking.budget_tokens`.';
  }
  if (temperature !== undefined && temperature !== 1)
    return '`temperature` may only be set to 1 when thinking is enabled.';
  const isForced = choice?.type === 'any' || choice?.type === 'tool';
  return isForced ? 'Thinking may not be enabled when tool_choice forces tool use.' : null;
}

/** What single models do not take. */
function modelComplaint({ model, messages, tool_choice: choice }: MessageParams): string | null {
  if ((choice?.type === 'any' || choice?.type === 'tool') && refusesForcedTools(model))
    return 'tool_choice: Forced tool use is not supported by this model.';
  if (messages.at(-1)?.role === 'assistant' && refusesPrefill(model))
    return 'This model does not support assistant message prefill. The conversation must end with a user message.';
  const isOutOfPlace = messages.some(
    ({ role }, position) => role === 'system' && !(takesLaterSystem(model) && messages[position - 1]?.role === 'user'),
  );
  return isOutOfPlace ? 'messages: role `system` is not supported here; use the top-level `system` parameter' : null;
}

function toolComplaint({ tools = [], tool_choice: choice }: MessageParams): string | null {
  const names = tools.map((tool) => tool.name);
  const repeated = names.find((name, position) => names.indexOf(name) !== position);
  if (repeated !== undefined) return 'tools: Tool names must be unique.';
  if (choice !== undefined && tools.length === 0)
    return 'tool_choice: tool_choice may only be specified while providing tools.';
  if (choice?.type === 'tool' && !names.includes(choice.name)) {
    return `tool_choice.name: Tool '${choice.name}' not found in provided tools`;
  }
  for (const [position, tool] of tools.entries()) {
    if (!isCustomTool(tool) || tool.strict !== true) continue;
    const complaint = outputSchemaComplaint(tool.input_schema);
    if (complaint !== null) return `tools.${position}.custom.input_schema: ${complaint}`;
  }
  return null;
}

function formatComplaint({ output_config: config }: MessageParams): string | null {
  if (config?.format == null) return null;
  const complaint = outputSchemaComplaint(config.format.schema);
  return complaint === null ? null : `output_config.format.schema: ${complaint}`;
}

function messagesComplaint(messages: InputMessage[]): string | null {
  for (const [position, message] of messages.entries()) {
    const complaint =
      contentComplaint(message, position, position === messages.length - 1) ?? blocksComplaint(message, position);
    if (complaint !== null) return complaint;
  }
  return toolResultComplaint(messages);
}

function contentComplaint({ role, content }: InputMessage, position: number, isLast: boolean): string | null {
  const isFinalAssistant = isLast && role === 'assistant';
  if (content.length === 0 && !isFinalAssistant) {
    return `messages.${position}: all messages must have non-empty content except for the optional final assistant message`;
  }
  const lastText = typeof content === 'string' ? content : textOf(content.at(-1));
  if (isFinalAssistant && lastText !== lastText.trimEnd()) {
    return 'messages: final assistant content cannot end with trailing whitespace';
  }
  return null;
}

function blocksComplaint({ role, content }: InputMessage, position: number): string | null {
  for (const [index, block] of (typeof content === 'string' ? [] : content).entries()) {
    const place = `messages.${position}.content.${index}`;
    if (block.type === 'text' && block.text === '') return 'messages: text content blocks must be non-empty';
    if (block.type === 'tool_use' && role !== 'assistant')
      return `${place}: \`tool_use\` blocks can only be in \`assistant\` messages`;
    if (block.type === 'tool_result' && role !== 'user')
      return `${place}: \`tool_result\` blocks can only be in \`user\` messages`;
    if (block.type === 'image') {
      const complaint = imageComplaint(block, place);
      if (complaint !== null) return complaint;
    }
  }
  return null;
}

function imageComplaint({ source }: Extract<ContentBlock, { type: 'image' }>, place: string): string | null {
  switch (source.type) {
    case 'base64':
      return /^[A-Za-z0-9+/\s]+=*\s*$/.test(source.data)
        ? null
        : `${place}.image.source.base64.data: invalid base64 data`;
    case 'url':
      return URL.canParse(source.url) && /^https?:/.test(source.url)
        ? null
        : `${place}.image.source.url.url: Only HTTPS URLs are supported.`;
    case 'file':
      return null;
  }
}

/** Every tool use is answered in the very next message, and nothing else is. */
function toolResultComplaint(messages: InputMessage[]): string | null {
  for (const [position, message] of messages.entries()) {
    const asked = idsOf(messages[position - 1], 'assistant');
    const answered = idsOf(message, 'user');
    const stray = answered.find((id) => !asked.includes(id));
    if (stray !== undefined) {
      return `messages.${position}.content: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${stray}. Each \`tool_result\` block must have a corresponding \`tool_use\` block in the previous message.`;
    }
    const open = asked.filter((id) => !answered.includes(id));
    if (open.length > 0) return unansweredText(position - 1, open);
  }
  const open = idsOf(messages.at(-1), 'assistant');
  return open.length > 0 ? unansweredText(messages.length - 1, open) : null;
}

function unansweredText(position: number, ids: string[]): string {
  return `messages.${position}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`;
}

/** The ids of the tool uses of an assistant's message, or of the tool results of a user's. */
function idsOf(message: InputMessage | undefined, role: InputMessage['role']): string[] {
  if (message === undefined || message.role !== role || typeof message.content === 'string') return [];
  return message.content.flatMap((block) => {
    if (block.type === 'tool_use') return [block.id];
    return block.type === 'tool_result' ? [block.tool_use_id] : [];
  });
}

function textOf(block: ContentBlock | undefined): string {
  return block?.type === 'text' ? block.text : '';
}
