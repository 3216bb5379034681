import { isAbsent } from '../../../../lines/foreign-json.ts';
import { isObject, type JsonObject } from '../../../../records/json.ts';
import type { ChatDraft } from '../form.ts';
import { type LineNotes, present } from '../notes.ts';
import { mayBeStrict } from '../strict-schema.ts';
import { conversationFrom } from './conversation.ts';
import { reasoningEffortFrom } from './reasoning.ts';
import { toolsFrom } from './tools.ts';

/** What the translation reads; whatever else there is gets a warning. */
const translated: ReadonlySet<string> = new Set([
  'model',
  'max_tokens',
  'messages',
  'metadata',
  'output_config',
  'stop_sequences',
  'stream',
  'system',
  'temperature',
  'thinking',
  'tool_choice',
  'tools',
  'top_p',
]);

/** What would be answered by something else without it, and what to do instead. */
const refused = new Map([
  ['container', 'leave it out'],
  ['context_management', 'leave it out'],
  ['inference_geo', 'where a request is worked on is never left to chance'],
  ['mcp_servers', 'call the tools yourself'],
]);

export function chatFromMessages(params: JsonObject, notes: LineNotes): ChatDraft {
  judgeMembers(params, notes);
  const { messages, origins } = conversationFrom(params, notes);
  const { stop_sequences, temperature, top_p, max_tokens } = params;
  const body = present({
    messages,
    max_completion_tokens: max_tokens,
    ...toolsFrom(params, notes),
    stop: Array.isArray(stop_sequences) && stop_sequences.length === 0 ? null : stop_sequences,
    temperature,
    top_p,
    reasoning_effort: reasoningEffortFrom(params, notes),
    response_format: responseFormatFrom(params.output_config, notes),
    user: userFrom(params.metadata, notes),
  });
  const { thinking } = params;
  const places: ChatDraft['places'] = isAbsent(thinking) ? [[/^reasoning_effort/, 'output_config.effort']] : [];
  return { body, origins, places, asksForNoThinking: isObject(thinking) && thinking.type === 'disabled' };
}

function judgeMembers(params: JsonObject, notes: LineNotes): void {
  for (const name in params) {
    if (translated.has(name) || isAbsent(params[name]) || isHarmless(name, params[name])) continue;
    const advice = refused.get(name);
    if (advice !== undefined) throw notes.unsupported(name, advice);
    notes.drop(name);
  }
}

function isHarmless(name: string, value: unknown): boolean {
  return (name === 'service_tier' && value === 'auto') || (name === 'speed' && value === 'standard');
}

const outputKeys: ReadonlySet<string> = new Set(['effort', 'format']);
const formatKeys: ReadonlySet<string> = new Set(['type', 'schema', 'name']);

function responseFormatFrom(config: unknown, notes: LineNotes): JsonObject | undefined {
  if (isAbsent(config)) return undefined;
  if (!isObject(config)) throw notes.invalid('output_config', 'an object');
  notes.dropOthers(config, outputKeys, 'output_config');
  const { format } = config;
  if (isAbsent(format)) return undefined;
  if (!isObject(format) || format.type !== 'json_schema' || !isObject(format.schema))
    throw notes.invalid('output_config.format', "a 'json_schema' with its schema");
  notes.dropOthers(format, formatKeys, 'output_config.format');
  const strict = mayBeStrict(format.schema);
  if (!strict)
    notes.change(
      'output_config.format.schema',
      'it guides the model, since strict schemas close and require everything',
    );
  return { type: 'json_schema', json_schema: { name: 'answer', schema: format.schema, strict } };
}

const metadataKeys: ReadonlySet<string> = new Set(['user_id']);

function userFrom(metadata: unknown, notes: LineNotes): unknown {
  if (isAbsent(metadata)) return undefined;
  if (!isObject(metadata)) throw notes.invalid('metadata', 'an object');
  notes.dropOthers(metadata, metadataKeys, 'metadata');
  return metadata.user_id === '' ? undefined : metadata.user_id;
}
