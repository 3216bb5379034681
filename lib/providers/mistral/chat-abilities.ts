import { isObject, type JsonObject } from '../../records/json.ts';
import type { ChatAbilities } from '../shared/chat/chat-request.ts';

/** Parts that only Mistral has, and short forms of others. */
const ownTypes: ReadonlySet<unknown> = new Set(['document_url', 'reference', 'thinking']);

function isOwnPart(part: JsonObject): boolean {
  if (ownTypes.has(part.type)) return true;
  if (part.type === 'image_url') return typeof part.image_url === 'string';
  if (part.type === 'input_audio') return typeof part.input_audio === 'string';
  return part.type === 'file' && !isObject(part.file) && typeof part.file_id === 'string';
}

/** Mistral's forms of messages: parts, tools and members of its own, which a line for it may hold, go on as they are. */
export const mistralForms = {
  members: new Set(['assistant.prefix', 'tool.name']),
  imageDetails: new Set(['low', 'auto', 'high']),
  isOwnPart,
  hasOwnTools: true,
} as const satisfies Partial<ChatAbilities>;

export const mistralAbilities: ChatAbilities = {
  ...mistralForms,
  parameters: new Set([
    'stop',
    'n',
    'presence_penalty',
    'frequency_penalty',
    'parallel_tool_calls',
    'seed',
    'reasoning_effort',
    'prediction',
    'tools',
    'tool_choice',
    'response_format',
  ]),
  /** Same name, same meaning; and Mistral's own, which OpenAI does not have. */
  own: new Set(['prompt_cache_key', 'metadata', 'safe_prompt', 'prompt_mode', 'guardrails', 'random_seed']),
};
