import type { JsonObject } from '../json.ts';
import { composeProse, composeRefusal, cut, type Prose } from '../prose.ts';
import { valueOfSchema } from '../schema-values.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { chooseTools, type OfferedTool } from '../tool-choice.ts';
import { triggerIn } from '../triggers.ts';
import { countTokens } from '../usage.ts';
import { imageUrlComplaint, parametersComplaint } from './chat-rules.ts';
import { type ErrorBody, invalidRequest } from './error-reply.ts';
import type { Answer, AnswerSeed, Examination } from './examination.ts';
import { refusalOfIssues } from './issue-text.ts';
import { refusalOfTrigger, refuse } from './line-refusals.ts';
import { isReasoningModel, snapshotOf } from './model-snapshots.ts';
import { type ResponsesRequest, responsesRequestSchema } from './responses-request.ts';
import { strictSchemaComplaint } from './strict-schema.ts';

/** /v1/responses */
export function examineResponses(body: JsonObject): Examination {
  const parsed = responsesRequestSchema.safeParse(body);
  if (!parsed.success) return refuse(refusalOfIssues(parsed.error.issues, body));
  const complaint = responsesComplaint(parsed.data);
  if (complaint !== null) return refuse(complaint);
  const refusal = refusalOfTrigger(triggerIn(questionOf(parsed.data)));
  return refusal === null ? { answer: (seed) => answerResponse(parsed.data, seed) } : { refusal };
}

function responsesComplaint(request: ResponsesRequest): ErrorBody | null {
  return samplingComplaint(request) ?? imageComplaint(request) ?? toolComplaint(request) ?? formatComplaint(request);
}

function samplingComplaint(request: ResponsesRequest): ErrorBody | null {
  if (!isReasoningModel(request.model)) {
    if (request.reasoning?.effort == null) return null;
    const message = "Unsupported parameter: 'reasoning.effort' is not supported with this model.";
    return invalidRequest(message, 'reasoning.effort', 'unsupported_parameter');
  }
  const param = (['temperature', 'top_p'] as const).find((name) => request[name] != null && request[name] !== 1);
  if (param === undefined) return null;
  const message = `Unsupported parameter: '${param}' is not supported with this model.`;
  return invalidRequest(message, param, 'unsupported_parameter');
}

function imageComplaint({ input }: ResponsesRequest): ErrorBody | null {
  for (const [position, item] of (typeof input === 'string' ? [] : input).entries()) {
    const content = contentOf(item);
    for (const [part, each] of content.entries()) {
      if (each.type !== 'input_image' || each.image_url == null) continue;
      const complaint = imageUrlComplaint(each.image_url, `input[${position}].content[${part}].image_url`);
      if (complaint !== null) return complaint;
    }
  }
  return null;
}

function toolComplaint(request: ResponsesRequest): ErrorBody | null {
  for (const [position, tool] of (request.tools ?? []).entries()) {
    if (!isFunctionTool(tool)) continue;
    const param = `tools[${position}].parameters`;
    const complaint = parametersComplaint(tool.name, tool.parameters, param);
    if (complaint !== null) return complaint;
    // Strict unless it is switched off: the other way round than in Chat Completions.
    const strictly = tool.strict === false ? null : strictSchemaComplaint(tool.parameters ?? {});
    if (strictly !== null) {
      return invalidRequest(
        `Invalid schema for function '${tool.name}': ${strictly}`,
        param,
        'invalid_function_parameters',
      );
    }
  }
  return null;
}

function formatComplaint(request: ResponsesRequest): ErrorBody | null {
  const format = request.text?.format;
  if (format?.type !== 'json_schema' || format.strict !== true) return null;
  const complaint = strictSchemaComplaint(format.schema);
  if (complaint === null) return null;
  return invalidRequest(
    `Invalid schema for response_format '${format.name}': ${complaint}`,
    'text.format.schema',
    'invalid_json_schema',
  );
}

function answerResponse(request: ResponsesRequest, seed: AnswerSeed): Answer {
  const { random, ids, createdSeconds } = seed;
  const inputTokens = countTokens(JSON.stringify(request.input)) + countTokens(request.instructions ?? '');
  const reasoningTokens = isReasoningModel(request.model) ? 64 * (1 + random.below(4)) : 0;
  const turn = takeTurn(request, random, ids);
  const reasoning = reasoningTokens === 0 ? [] : [{ id: `rs_${ids.hex(48)}`, type: 'reasoning', summary: [] }];
  const outputTokens = reasoningTokens + turn.outputTokens;
  const body = {
    id: `resp_${ids.hex(48)}`,
    object: 'response',
    created_at: createdSeconds,
    status: turn.isCut ? 'incomplete' : 'completed',
    background: false,
    completed_at: turn.isCut ? null : createdSeconds,
    error: null,
    incomplete_details: turn.isCut ? { reason: 'max_output_tokens' } : null,
    ...echoOf(request),
    output: [...reasoning, ...turn.output],
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: reasoningTokens },
      total_tokens: inputTokens + outputTokens,
    },
  };
  return { body, usage: { inputTokens, cachedTokens: 0, outputTokens, reasoningTokens } };
}

/** The settings that a response repeats. */
function echoOf(request: ResponsesRequest): JsonObject {
  return {
    instructions: request.instructions ?? null,
    max_output_tokens: request.max_output_tokens ?? null,
    max_tool_calls: request.max_tool_calls ?? null,
    metadata: request.metadata ?? {},
    model: snapshotOf(request.model),
    parallel_tool_calls: request.parallel_tool_calls ?? true,
    previous_response_id: request.previous_response_id ?? null,
    prompt_cache_key: request.prompt_cache_key ?? null,
    reasoning: { effort: request.reasoning?.effort ?? null, summary: request.reasoning?.summary ?? null },
    safety_identifier: request.safety_identifier ?? null,
    service_tier: 'default',
    store: request.store ?? true,
    temperature: request.temperature ?? 1,
    text: { format: request.text?.format ?? { type: 'text' }, verbosity: request.text?.verbosity ?? 'medium' },
    tool_choice: request.tool_choice ?? 'auto',
    tools: request.tools ?? [],
    top_logprobs: request.top_logprobs ?? 0,
    top_p: request.top_p ?? 1,
    truncation: request.truncation ?? 'disabled',
    user: request.user ?? null,
  };
}

interface ResponseTurn {
  output: JsonObject[];
  outputTokens: number;
  isCut: boolean;
}

function takeTurn(request: ResponsesRequest, random: SeededRandom, ids: SeededRandom): ResponseTurn {
  const question = questionOf(request);
  if (triggerIn(question) === 'decline') {
    const refusal = composeRefusal();
    const output = [wireMessage(ids, 'completed', { type: 'refusal', refusal })];
    return { output, outputTokens: countTokens(refusal), isCut: false };
  }
  const tools = chooseTools({
    tools: offeredTools(request),
    choice: wantedTool(request),
    isParallel: request.parallel_tool_calls !== false,
    question: endsWithToolOutput(request) ? '' : question,
  });
  if (tools.length > 0) {
    const output = tools.map((tool) => wireCall(tool, random, ids, question));
    return { output, outputTokens: countTokens(JSON.stringify(output)), isCut: false };
  }
  const prose = writeText(request, random, question);
  const isCut = prose.ending === 'length';
  const part = { type: 'output_text', annotations: [], logprobs: [], text: prose.text };
  return {
    output: [wireMessage(ids, isCut ? 'incomplete' : 'completed', part)],
    outputTokens: prose.outputTokens,
    isCut,
  };
}

function wireMessage(ids: SeededRandom, status: string, part: JsonObject): JsonObject {
  return { id: `msg_${ids.hex(48)}`, type: 'message', status, content: [part], role: 'assistant' };
}

function wireCall(tool: OfferedTool, random: SeededRandom, ids: SeededRandom, question: string): JsonObject {
  return {
    id: `fc_${ids.hex(48)}`,
    type: 'function_call',
    status: 'completed',
    arguments: JSON.stringify(valueOfSchema(tool.parameters, random, question)),
    call_id: `call_${ids.base62(24)}`,
    name: tool.name,
  };
}

function writeText(request: ResponsesRequest, random: SeededRandom, question: string): Prose {
  const limits = { maxTokens: request.max_output_tokens ?? null, stopSequences: [] };
  switch (request.text?.format?.type) {
    case 'json_schema':
      return cut(JSON.stringify(valueOfSchema(request.text.format.schema, random, question)), limits);
    case 'json_object':
      return cut(JSON.stringify({ answer: composeProse(question, random, limits).text }), limits);
    case 'text':
    case undefined:
      return composeProse(question, random, limits);
  }
}

type Tool = NonNullable<ResponsesRequest['tools']>[number];
type FunctionTool = Extract<Tool, { parameters: unknown }>;

function isFunctionTool(tool: Tool): tool is FunctionTool {
  return tool.type === 'function';
}

function offeredTools(request: ResponsesRequest): OfferedTool[] {
  return (request.tools ?? [])
    .filter(isFunctionTool)
    .map((tool) => ({ name: tool.name, parameters: tool.parameters ?? {} }));
}

function wantedTool(request: ResponsesRequest): 'none' | 'auto' | 'required' | { name: string } {
  const choice = request.tool_choice ?? 'auto';
  if (typeof choice === 'string') return choice;
  return choice.name === undefined ? 'auto' : { name: choice.name };
}

function endsWithToolOutput({ input }: ResponsesRequest): boolean {
  return typeof input !== 'string' && input.at(-1)?.type === 'function_call_output';
}

/** The text of the last message that a user wrote. */
function questionOf({ input }: ResponsesRequest): string {
  if (typeof input === 'string') return input;
  const item = input.findLast((each) => 'role' in each && each.role === 'user');
  return item === undefined
    ? ''
    : contentOf(item)
        .flatMap((part) => (part.type === 'input_text' ? [part.text] : []))
        .join('\n');
}

type InputItem = Exclude<ResponsesRequest['input'], string>[number];
type MessageItem = Extract<InputItem, { role: string }>;

function isMessage(item: InputItem): item is MessageItem {
  return 'role' in item && 'content' in item;
}

/** A message's parts; a plain text counts as one part. */
function contentOf(item: InputItem): Exclude<MessageItem['content'], string> {
  if (!isMessage(item)) return [];
  return typeof item.content === 'string' ? [{ type: 'input_text', text: item.content }] : item.content;
}
