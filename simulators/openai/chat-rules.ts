import { isJsonObject } from '../json.ts';
import type { ChatMessage, ChatRequest } from './chat-request.ts';
import { type ErrorBody, invalidRequest } from './error-reply.ts';
import { isReasoningModel } from './model-snapshots.ts';
import { strictSchemaComplaint } from './strict-schema.ts';

/** The rules of /v1/chat/completions that go beyond the types of single fields. @returns null if all hold. */
export function chatComplaint(request: ChatRequest): ErrorBody | null {
  return (
    modelComplaint(request) ??
    toolCallComplaint(request.messages) ??
    imageComplaint(request.messages) ??
    toolComplaint(request) ??
    formatComplaint(request)
  );
}

function modelComplaint(request: ChatRequest): ErrorBody | null {
  if (request.top_logprobs != null && request.logprobs !== true) {
    return invalidRequest("'top_logprobs' is only allowed when 'logprobs' is true.", 'top_logprobs', 'invalid_value');
  }
  if (request.max_tokens != null && request.max_completion_tokens != null) {
    const message =
      "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported. Use 'max_completion_tokens'.";
    return invalidRequest(message, 'max_tokens', 'invalid_parameter_combination');
  }
  if (!isReasoningModel(request.model)) return null;
  if (request.max_tokens != null) {
    const message =
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
    return invalidRequest(message, 'max_tokens', 'unsupported_parameter');
  }
  for (const [param, usual] of [
    ['temperature', 1],
    ['top_p', 1],
    ['presence_penalty', 0],
    ['frequency_penalty', 0],
  ] as const) {
    const value = request[param];
    if (value == null || value === usual) continue;
    const message = `Unsupported value: '${param}' does not support ${value} with this model. Only the default (${usual}) value is supported.`;
    return invalidRequest(message, param, 'unsupported_value');
  }
  return null;
}

/** Every tool call is answered by the very next messages, and nothing else is. */
function toolCallComplaint(messages: ChatMessage[]): ErrorBody | null {
  let waiting = new Set<string>();
  for (const [position, message] of messages.entries()) {
    if (message.role === 'tool') {
      if (!waiting.delete(message.tool_call_id)) return strayToolMessage(position);
      continue;
    }
    if (waiting.size > 0) return unansweredCalls(waiting, position - 1);
    const calls = message.role === 'assistant' ? (message.tool_calls ?? []) : [];
    waiting = new Set(calls.map((call) => call.id));
  }
  return waiting.size > 0 ? unansweredCalls(waiting, messages.length - 1) : null;
}

function strayToolMessage(position: number): ErrorBody {
  const message =
    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.";
  return invalidRequest(message, `messages.[${position}].role`);
}

function unansweredCalls(waiting: Set<string>, position: number): ErrorBody {
  const ids = [...waiting].join(', ');
  const message = `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${ids}`;
  return invalidRequest(message, `messages.[${position}].role`);
}

const dataImage = /^data:image\/(png|jpeg|jpg|gif|webp);base64,[A-Za-z0-9+/=\s]+$/;

function imageComplaint(messages: ChatMessage[]): ErrorBody | null {
  for (const [position, message] of messages.entries()) {
    if (message.role !== 'user' || typeof message.content === 'string') continue;
    for (const [part, content] of message.content.entries()) {
      if (content.type !== 'image_url') continue;
      const complaint = imageUrlComplaint(
        content.image_url.url,
        `messages[${position}].content[${part}].image_url.url`,
      );
      if (complaint !== null) return complaint;
    }
  }
  return null;
}

export function imageUrlComplaint(url: string, param: string): ErrorBody | null {
  if (url.startsWith('data:')) {
    if (dataImage.test(url)) return null;
    const message =
      "You uploaded an unsupported image. Please make sure your image has of one the following formats: ['png', 'jpeg', 'gif', 'webp'].";
    return invalidRequest(message, param, 'unsupported_image');
  }
  if (URL.canParse(url) && /^https?:/.test(url)) return null;
  const message = `Invalid '${param}'. Expected a valid URL, but got a value with an invalid format.`;
  return invalidRequest(message, param, 'invalid_image_url');
}

function toolComplaint(request: ChatRequest): ErrorBody | null {
  const tools = request.tools ?? [];
  const choice = request.tool_choice;
  if (choice !== undefined && choice !== 'none' && tools.length === 0) {
    return invalidRequest(
      "Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.",
      'tool_choice',
    );
  }
  if (request.parallel_tool_calls !== undefined && tools.length === 0) {
    const message =
      "Invalid value for 'parallel_tool_calls': 'parallel_tool_calls' is only allowed when 'tools' are specified.";
    return invalidRequest(message, 'parallel_tool_calls');
  }
  for (const [position, tool] of tools.entries()) {
    if (tool.type !== 'function') continue;
    const { name, parameters, strict } = tool.function;
    const param = `tools[${position}].function.parameters`;
    const complaint = parametersComplaint(name, parameters, param);
    if (complaint !== null) return complaint;
    const strictly = strict === true ? strictSchemaComplaint(parameters ?? {}) : null;
    if (strictly !== null) {
      return invalidRequest(`Invalid schema for function '${name}': ${strictly}`, param, 'invalid_function_parameters');
    }
  }
  return choiceComplaint(request);
}

export function parametersComplaint(name: string, parameters: unknown, param: string): ErrorBody | null {
  if (!isJsonObject(parameters) || Object.keys(parameters).length === 0 || parameters.type === 'object') return null;
  const given = JSON.stringify(parameters.type ?? 'None').replaceAll('"', "'");
  const message = `Invalid schema for function '${name}': schema must be a JSON Schema of 'type: "object"', got 'type: ${given}'.`;
  return invalidRequest(message, param, 'invalid_function_parameters');
}

function choiceComplaint(request: ChatRequest): ErrorBody | null {
  const choice = request.tool_choice;
  if (typeof choice !== 'object' || choice.type !== 'function') return null;
  const wanted = choice.function.name;
  const isThere = request.tools?.some((tool) => tool.type === 'function' && tool.function.name === wanted);
  if (isThere) return null;
  return invalidRequest(`Tool choice '${wanted}' not found in 'tools' parameter.`, 'tool_choice');
}

function formatComplaint(request: ChatRequest): ErrorBody | null {
  const format = request.response_format;
  if (format?.type === 'json_object' && !/json/i.test(JSON.stringify(request.messages))) {
    const message =
      "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.";
    return invalidRequest(message, 'messages');
  }
  if (format?.type !== 'json_schema' || format.json_schema.strict !== true) return null;
  const complaint = strictSchemaComplaint(format.json_schema.schema ?? {});
  if (complaint === null) return null;
  const message = `Invalid schema for response_format '${format.json_schema.name}': ${complaint}`;
  return invalidRequest(message, 'response_format');
}
