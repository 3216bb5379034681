import { isAbsent } from '../../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../../records/json.ts';
import type { ChatDraft } from '../form.ts';
import { type LineNotes, present } from '../notes.ts';
import { conversationFrom } from './conversation.ts';
import { toolsFrom } from './tools.ts';

/** What chat completions call by the same name. */
const shared = [
  'metadata',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
  'service_tier',
  'store',
  'temperature',
  'top_p',
  'user',
] as const;

const translated: ReadonlySet<string> = new Set([
  ...shared,
  'model',
  'input',
  'instructions',
  'include',
  'max_output_tokens',
  'parallel_tool_calls',
  'reasoning',
  'stream',
  'text',
  'tool_choice',
  'tools',
  'top_logprobs',
]);

/** What would be answered by something else without it, and what to do instead. */
const refused = new Map([
  ['previous_response_id', "write the earlier turns into 'input'"],
  ['conversation', "write the earlier turns into 'input'"],
  ['prompt', "write the prompt's text into 'instructions' or 'input'"],
]);

export function chatFromResponses(request: JsonObject, notes: LineNotes): ChatDraft {
  judgeMembers(request, notes);
  const { messages, origins } = conversationFrom(request, notes);
  const { effort } = membersOf(request.reasoning, 'reasoning', ['effort'], notes);
  const { format, verbosity } = membersOf(request.text, 'text', ['format', 'verbosity'], notes);
  const body = present({
    messages,
    ...Object.fromEntries(shared.map((name) => [name, request[name]])),
    max_completion_tokens: request.max_output_tokens,
    reasoning_effort: effort,
    verbosity,
    response_format: responseFormatFrom(format, notes),
    ...toolsFrom(request, notes),
    ...logprobsFrom(request, notes),
  });
  const asksByInclude = isAbsent(request.top_logprobs) || request.top_logprobs === 0;
  return { body, origins, ...(asksByInclude && { places: [[/^logprobs/, 'include']] }) };
}

function judgeMembers(request: JsonObject, notes: LineNotes): void {
  for (const name in request) {
    const value = request[name];
    if (translated.has(name) || isAbsent(value) || isHarmless(name, value)) continue;
    const advice = refused.get(name);
    if (advice !== undefined) throw notes.unsupported(name, advice);
    notes.drop(name);
  }
}

function isHarmless(name: string, value: unknown): boolean {
  return (name === 'background' && value === false) || (name === 'truncation' && value === 'disabled');
}

function membersOf(value: unknown, place: string, names: readonly string[], notes: LineNotes): JsonObject {
  if (isAbsent(value)) return {};
  if (!isObject(value)) throw notes.invalid(place, 'an object');
  notes.dropOthers(value, new Set(names), place);
  return value;
}

const formatKeys: ReadonlySet<string> = new Set(['type', 'name', 'schema', 'strict', 'description']);

function responseFormatFrom(format: unknown, notes: LineNotes): JsonObject | undefined {
  if (isAbsent(format)) return undefined;
  if (!isObject(format)) throw notes.invalid('text.format', 'an object');
  switch (format.type) {
    case 'text':
      return undefined;
    case 'json_object':
      return { type: 'json_object' };
    case 'json_schema': {
      notes.dropOthers(format, formatKeys, 'text.format');
      const { name, schema, strict, description } = format;
      return { type: 'json_schema', json_schema: present({ name, description, schema, strict }) };
    }
    default:
      throw notes.invalid('text.format.type', "'text', 'json_object' or 'json_schema'");
  }
}

const includedLogprobs = 'message.output_text.logprobs';

/** Everything else that can be included belongs to what a chat completion has not. */
function logprobsFrom({ include, top_logprobs }: JsonObject, notes: LineNotes): JsonObject {
  if (!isAbsent(include) && !Array.isArray(include)) throw notes.invalid('include', 'an array of strings');
  const included: unknown[] = include ?? [];
  if (included.some((name) => name !== includedLogprobs))
    notes.drop('include', `only '${includedLogprobs}' can be had from a chat completion`);
  const isWanted = included.includes(includedLogprobs) || (!isAbsent(top_logprobs) && top_logprobs !== 0);
  return isWanted ? { logprobs: true, top_logprobs } : {};
}
