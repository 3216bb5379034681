import type { JsonObject } from '../../../records/json.ts';

/**
 * A chat completion's request, parsed once. Nodes keep their place in the line (`param`), and numbers their spelling: what goes on
 * to a provider goes as it was written. Source: https://platform.openai.com/docs/api-reference/chat/create
 */
export interface ChatRequest {
  messages: readonly ChatMessage[];
  tools: readonly ChatTool[];
  toolChoice: ToolChoice | null;
  /** `parallel_tool_calls`. */
  isParallel: boolean | null;
  format: AnswerFormat | null;
  /** The line's limit on output tokens, under either of its names. */
  maxTokens: number | undefined;
  temperature: ChatNumber | null;
  topP: ChatNumber | null;
  presencePenalty: ChatNumber | null;
  frequencyPenalty: ChatNumber | null;
  /** A whole number. */
  seed: ChatNumber | null;
  /** How many answers are wanted: a whole number. */
  n: ChatNumber | null;
  stop: readonly string[];
  effort: ReasoningEffort | null;
  logprobs: boolean;
  topLogprobs: ChatNumber | null;
  modalities: readonly Modality[];
  /** What the answer is expected to be. */
  prediction: string | null;
  /** Whose request it is: `safety_identifier`, else `user`. */
  user: { id: string; param: string } | null;
  /** Parameters that only this provider has, and those that it calls and means alike: as they were written, by name. */
  own: ReadonlyMap<string, unknown>;
}

/** A number, and how the customer wrote it. */
export interface ChatNumber {
  value: number;
  /** For JSON.stringify. */
  spelled(): unknown;
}

export type ChatMessage = SystemMessage | UserMessage | AssistantMessage | ToolMessage;

export interface SystemMessage {
  role: 'system';
  param: string;
  content: string | readonly SpokenPart[];
}

export interface UserMessage {
  role: 'user';
  param: string;
  content: string | readonly InputPart[];
}

export interface AssistantMessage {
  role: 'assistant';
  param: string;
  /** What was said, or refused; null where nothing was. */
  content: string | readonly SpokenPart[] | null;
  calls: readonly ToolCall[];
  /** Mistral's own: the answer goes on with it. */
  prefix: boolean | null;
}

export interface ToolMessage {
  role: 'tool';
  param: string;
  callId: string;
  content: string | readonly SpokenPart[];
  /** Mistral's own: the function's name. */
  name: string | null;
}

/** The texts of a role that may say nothing else. */
export type SpokenPart = TextPart | OwnPart;

export type InputPart = TextPart | ImagePart | AudioPart | FilePart | OwnPart;

/** A text, or a refusal. */
export interface TextPart {
  type: 'text';
  param: string;
  text: string;
}

export interface ImagePart {
  type: 'image';
  param: string;
  url: string;
  /** Of those that the provider knows; null for the usual one. */
  detail: string | null;
}

export interface AudioPart {
  type: 'audio';
  param: string;
  base64: string;
  format: unknown;
}

export interface FilePart {
  type: 'file';
  param: string;
  /** A data URL, or a PDF in base64; null for a file that is kept elsewhere. */
  data: string | null;
  id: string | null;
  /** Empty where it is not named. */
  name: string;
}

/** A part in the provider's own form, as it was written. */
export interface OwnPart {
  type: 'own';
  param: string;
  value: JsonObject;
}

export interface ToolCall {
  param: string;
  id: string;
  name: string;
  /** JSON as the model wrote it; `{}` for none. */
  argumentsJson: string;
  /** The arguments parsed, with their numbers as the model wrote them. */
  readArguments(): JsonObject;
  /** The signature of the thought behind it. */
  thoughtSignature: string | null;
}

export type ChatTool = FunctionTool | OwnTool;

export interface FunctionTool {
  type: 'function';
  param: string;
  name: string;
  description: string | null;
  /** Null for a function without parameters. */
  parameters: JsonObject | null;
  strict: boolean | null;
}

/** One of the provider's own, as it was written. */
export interface OwnTool {
  type: 'own';
  param: string;
  value: JsonObject;
}

export type ToolChoice =
  | { type: 'auto' | 'none' | 'required' }
  | { type: 'function'; name: string }
  | { type: 'allowed'; mode: 'auto' | 'required'; names: readonly string[] };

export type AnswerFormat = { type: 'text' } | { type: 'json_object' } | SchemaFormat;

export interface SchemaFormat {
  type: 'json_schema';
  name: string | null;
  description: string | null;
  strict: boolean | null;
  /** To be looked at. */
  schema: JsonObject;
  /** To be sent on: the same with its numbers as they were written. */
  exactSchema(): JsonObject;
}

// Source: openai 7.55 `ReasoningEffort`.
export const reasoningEfforts = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'] as const;

export type ReasoningEffort = (typeof reasoningEfforts)[number];

export type Modality = 'text' | 'image' | 'audio';

/** What a provider can say of a chat completion. All else is refused, asks for nothing, or is left out with a warning. */
export interface ChatAbilities {
  /** Parameters that it has, by OpenAI's names. */
  parameters: ReadonlySet<string>;
  /** Parameters that go on as they are. */
  own?: ReadonlySet<string>;
  /** Members beyond OpenAI's own that it reads: `assistant.prefix`, `tool.name`, `call.extra_content`. */
  members?: ReadonlySet<string>;
  /** Values of an image's `detail` that it knows. */
  imageDetails?: ReadonlySet<unknown>;
  /** Whether a part of a message is in a form of its own. */
  isOwnPart?(part: JsonObject): boolean;
  /** Whether it has tools of its own. */
  hasOwnTools?: true;
}
