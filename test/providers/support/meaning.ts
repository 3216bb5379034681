import { isObject, type JsonObject } from '../../../lib/records/json.ts';
import type { Talk } from './talk.ts';

/**
 * What a request says, read back out of the body that goes to a provider. Texts that follow each other from one side are
 * one; a result names its call by its place, since ids may change; JSON that is not ours is compared to the digit.
 */
export interface Meaning {
  system: string;
  said: Said[];
  tools: string[];
  choice: string;
  maxTokens: string;
  stop: string[];
  schema: string | null;
}

interface Said {
  from: 'user' | 'assistant' | 'tool';
  /** A text, `image type data`, `call name input` or `result place text`. */
  what: string;
  isText: boolean;
}

const stringOrNumber = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

/**
 * Parses JSON with its numbers as they were written, `#1.0`. Texts are put aside while JSON.parse builds the value, since it
 * misreads names with escapes (lib/records/parse-json.ts, which the code under test uses and this does not).
 */
export function parseSpelled(json: string): unknown {
  const aside: string[] = [];
  const numbered = json.replace(stringOrNumber, (token) => {
    aside.push(token.startsWith('"') ? JSON.parse(token) : `#${token}`);
    return `"at ${aside.length - 1}"`;
  });
  return putBack(JSON.parse(numbered), (name) => aside[Number(name.slice(3))] ?? '');
}

function putBack(value: unknown, textOf: (name: string) => string): unknown {
  if (typeof value === 'string') return textOf(value);
  if (Array.isArray(value)) return value.map((item) => putBack(item, textOf));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [textOf(name), putBack(inner, textOf)]));
}

/** JSON in one spelling, whatever the order of members. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return JSON.stringify(value) ?? 'nothing';
  const members = Object.keys(value).toSorted();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
}

export function spelled(value: unknown): string {
  return canonical(parseSpelled(JSON.stringify(value)));
}

/** Gathers what is said, in its order. */
class Conversation {
  readonly said: Said[] = [];
  readonly #callIds: unknown[] = [];

  text(from: Said['from'], text: unknown): void {
    if (text === null || text === undefined || text === '') return;
    const last = this.said.at(-1);
    if (last?.from === from && last.isText) last.what += String(text);
    else this.said.push({ from, what: String(text), isText: true });
  }

  image(mediaType: unknown, data: unknown): void {
    this.said.push({ from: 'user', what: `image ${mediaType} ${data}`, isText: false });
  }

  call(id: unknown, name: unknown, input: unknown): void {
    this.#callIds.push(id);
    this.said.push({ from: 'assistant', what: `call ${name} ${canonical(input)}`, isText: false });
  }

  result(id: unknown, text: unknown): void {
    this.said.push({ from: 'tool', what: `result ${this.#callIds.indexOf(id)} ${text}`, isText: false });
  }
}

export function meaningOfTalk({ system, turns, tools, choice, maxTokens, stop, schema }: Talk): Meaning {
  const conversation = new Conversation();
  for (const turn of turns) {
    if (turn.from === 'user') {
      for (const part of turn.parts)
        if (part.kind === 'text') conversation.text('user', part.text);
        else conversation.image(part.mediaType, part.data);
      continue;
    }
    conversation.text('assistant', turn.text);
    for (const { id, name, input } of turn.calls) conversation.call(id, name, parseSpelled(JSON.stringify(input)));
    for (const { id, result } of turn.calls) conversation.result(id, result);
  }
  return {
    system: system ?? '',
    said: conversation.said,
    tools: tools.map(({ name, description, schema: parameters }) => `${name} ${description} ${spelled(parameters)}`),
    choice: choiceName(choice ?? 'auto'),
    maxTokens: `#${maxTokens}`,
    stop,
    schema: schema && spelled(schema),
  };
}

function choiceName(choice: unknown, name?: unknown): string {
  const named = isObject(choice) ? choice.name : name;
  if (named !== undefined) return `only ${named}`;
  return choice === 'any' ? 'required' : String(choice).toLowerCase();
}

/** @param body parsed by `parseSpelled`, as are those below. */
export function meaningOfChat(body: JsonObject): Meaning {
  const conversation = new Conversation();
  let system = '';
  for (const message of listOf(body.messages)) {
    const { role, content } = message;
    if (role === 'system' || role === 'developer') system += textOf(content);
    else if (role === 'tool') conversation.result(message.tool_call_id, textOf(content));
    else {
      for (const part of partsOf(content)) readChatPart(conversation, role === 'user' ? 'user' : 'assistant', part);
      for (const { id, function: called } of listOf(message.tool_calls))
        conversation.call(id, inside(called).name, parseSpelled(String(inside(called).arguments)));
    }
  }
  const format = inside(inside(body.response_format).json_schema);
  const choice = body.tool_choice ?? 'auto';
  return {
    system,
    said: conversation.said,
    tools: listOf(body.tools).map(({ function: tool }) => {
      const { name, description, parameters } = inside(tool);
      return `${name} ${description} ${canonical(parameters)}`;
    }),
    choice: choiceName(isObject(choice) ? choice.function : choice),
    maxTokens: String(body.max_completion_tokens ?? body.max_tokens),
    stop: [body.stop ?? []].flat().map(String),
    schema: body.response_format === undefined ? null : canonical(format.schema ?? format.schema_definition),
  };
}

function readChatPart(conversation: Conversation, from: 'user' | 'assistant', part: JsonObject): void {
  if (part.type !== 'image_url') {
    conversation.text(from, part.text);
    return;
  }
  const url = isObject(part.image_url) ? part.image_url.url : part.image_url;
  const [, mediaType, data] = /^data:(.*?);base64,(.*)$/.exec(String(url)) ?? [];
  conversation.image(mediaType, data);
}

export function meaningOfMessage(params: JsonObject): Meaning {
  const conversation = new Conversation();
  for (const { role, content } of listOf(params.messages))
    for (const block of partsOf(content)) readBlock(conversation, role === 'user' ? 'user' : 'assistant', block);
  const choice = inside(params.tool_choice);
  const format = inside(inside(params.output_config).format);
  return {
    system: textOf(params.system),
    said: conversation.said,
    tools: listOf(params.tools).map((tool) => `${tool.name} ${tool.description} ${canonical(tool.input_schema)}`),
    choice: choiceName(choice.type ?? 'auto', choice.name),
    maxTokens: String(params.max_tokens),
    stop: [params.stop_sequences ?? []].flat().map(String),
    schema: format.schema === undefined ? null : canonical(format.schema),
  };
}

function readBlock(conversation: Conversation, from: 'user' | 'assistant', block: JsonObject): void {
  const source = inside(block.source);
  if (block.type === 'image') conversation.image(source.media_type, source.data);
  else if (block.type === 'tool_use') conversation.call(block.id, block.name, block.input);
  else if (block.type === 'tool_result') conversation.result(block.tool_use_id, textOf(block.content));
  else conversation.text(from, block.text);
}

export function meaningOfGenerateContent(request: JsonObject): Meaning {
  const conversation = new Conversation();
  for (const { role, parts } of listOf(request.contents))
    for (const part of listOf(parts)) readPart(conversation, role === 'user' ? 'user' : 'assistant', part);
  const [tools = {}] = listOf(request.tools);
  const calling = inside(inside(request.toolConfig).functionCallingConfig);
  const [only] = Array.isArray(calling.allowedFunctionNames) ? calling.allowedFunctionNames : [];
  const config = inside(request.generationConfig);
  return {
    system: textOf(inside(request.systemInstruction).parts),
    said: conversation.said,
    tools: listOf(tools.functionDeclarations).map(
      ({ name, description, parametersJsonSchema }) => `${name} ${description} ${canonical(parametersJsonSchema)}`,
    ),
    choice: choiceName(calling.mode === 'ANY' ? 'required' : (calling.mode ?? 'auto'), only),
    maxTokens: String(config.maxOutputTokens),
    stop: [config.stopSequences ?? []].flat().map(String),
    schema: config.responseJsonSchema === undefined ? null : canonical(config.responseJsonSchema),
  };
}

function readPart(conversation: Conversation, from: 'user' | 'assistant', part: JsonObject): void {
  const { inlineData, functionCall, functionResponse, text } = part;
  if (isObject(inlineData)) conversation.image(inlineData.mimeType, inlineData.data);
  else if (isObject(functionCall)) conversation.call(functionCall.id, functionCall.name, functionCall.args);
  else if (isObject(functionResponse))
    conversation.result(functionResponse.id, inside(functionResponse.response).output);
  else conversation.text(from, text);
}

/** Converse, and Nova's own body. */
export function meaningOfConverse(request: JsonObject): Meaning {
  const conversation = new Conversation();
  for (const { role, content } of listOf(request.messages))
    for (const block of listOf(content)) readConverseBlock(conversation, role === 'user' ? 'user' : 'assistant', block);
  const { tools, toolChoice } = inside(request.toolConfig);
  const [[choice, chosen] = ['auto', {}]] = Object.entries(inside(toolChoice));
  const config = inside(request.inferenceConfig);
  const format = inside(inside(inside(inside(request.outputConfig).textFormat).structure).jsonSchema);
  return {
    system: textOf(request.system),
    said: conversation.said,
    tools: listOf(tools).map(({ toolSpec }) => {
      const { name, description, inputSchema } = inside(toolSpec);
      return `${name} ${description} ${canonical(inside(inputSchema).json)}`;
    }),
    choice: choiceName(choice, inside(chosen).name),
    maxTokens: String(config.maxTokens),
    stop: [config.stopSequences ?? []].flat().map(String),
    schema: format.schema === undefined ? null : canonical(parseSpelled(String(format.schema))),
  };
}

function readConverseBlock(conversation: Conversation, from: 'user' | 'assistant', block: JsonObject): void {
  const { image, toolUse, toolResult, text } = block;
  if (isObject(image)) conversation.image(`image/${image.format}`, inside(image.source).bytes);
  else if (isObject(toolUse)) conversation.call(toolUse.toolUseId, toolUse.name, toolUse.input);
  else if (isObject(toolResult)) conversation.result(toolResult.toolUseId, textOf(toolResult.content));
  else conversation.text(from, text);
}

const llamaTurn = /<\|start_header_id\|>(\w+)<\|end_header_id\|>\n\n([\s\S]*?)<\|eot_id\|>/g;

/** Where a text has what the model takes for a control, a space stands in it. */
export function meaningOfLlamaPrompt({ prompt, max_gen_len }: JsonObject): Meaning {
  const conversation = new Conversation();
  let system = '';
  for (const [, role, written = ''] of String(prompt).matchAll(llamaTurn)) {
    const text = written.replaceAll('< |', '<|');
    if (role === 'system') system += text;
    else conversation.text(role === 'user' ? 'user' : 'assistant', text);
  }
  return { ...promptMeaning, system, said: conversation.said, maxTokens: String(max_gen_len) };
}

const mistralTurn = /\[INST\] ([\s\S]*?) \[\/INST\](?: ([\s\S]*?)<\/s>)?/g;

export function meaningOfMistralPrompt({ prompt, max_tokens, stop }: JsonObject): Meaning {
  const conversation = new Conversation();
  const asWritten = (text = '') => text.replace(/([[<]) (?=\/?(?:INST\]|s>))/g, '$1');
  for (const [, asked, answered] of String(prompt).matchAll(mistralTurn)) {
    conversation.text('user', asWritten(asked));
    conversation.text('assistant', asWritten(answered));
  }
  const stops = [stop ?? []].flat().map(String);
  return { ...promptMeaning, said: conversation.said, maxTokens: String(max_tokens), stop: stops };
}

/** What a prompt has no place for. */
const promptMeaning = { system: '', tools: [], choice: 'auto', stop: [], schema: null };

export function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

export function inside(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

function partsOf(content: unknown): JsonObject[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content);
}

function textOf(content: unknown): string {
  return partsOf(content)
    .map(({ text }) => text)
    .join('');
}
