import { z } from 'zod';

const textChunk = z.strictObject({ type: z.literal('text'), text: z.string() });
const imageChunk = z.strictObject({
  type: z.literal('image_url'),
  image_url: z.union([
    z.string(),
    z.strictObject({ url: z.string(), detail: z.enum(['low', 'auto', 'high']).nullish() }),
  ]),
});
const documentChunk = z.strictObject({
  type: z.literal('document_url'),
  document_url: z.string(),
  document_name: z.string().nullish(),
});
const referenceChunk = z.strictObject({
  type: z.literal('reference'),
  reference_ids: z.array(z.union([z.int(), z.string()])),
});
const fileChunk = z.strictObject({ type: z.literal('file'), file_id: z.string() });
const audioChunk = z.strictObject({ type: z.literal('input_audio'), input_audio: z.string() });
const thinkChunk = z.strictObject({
  type: z.literal('thinking'),
  thinking: z.array(z.union([textChunk, referenceChunk])),
  signature: z.string().nullish(),
  closed: z.boolean().optional(),
});
const chunk = z.discriminatedUnion('type', [
  textChunk,
  imageChunk,
  documentChunk,
  referenceChunk,
  fileChunk,
  audioChunk,
  thinkChunk,
]);
const content = z.union([z.string(), z.array(chunk)]);

/** As Mistral's own error 3280 says it. */
const toolCallId = z.string().regex(/^[a-zA-Z0-9]{9}$/);

const toolCall = z.strictObject({
  id: toolCallId.optional(),
  type: z.literal('function').optional(),
  function: z.strictObject({
    name: z.string(),
    arguments: z.union([z.string(), z.record(z.string(), z.unknown())]),
  }),
  index: z.int().optional(),
});

const message = z.discriminatedUnion('role', [
  z.strictObject({
    role: z.literal('system'),
    content: z.union([z.string(), z.array(z.discriminatedUnion('type', [textChunk, thinkChunk]))]),
  }),
  z.strictObject({ role: z.literal('user'), content: content.nullable() }),
  z.strictObject({
    role: z.literal('assistant'),
    content: content.nullish(),
    tool_calls: z.array(toolCall).nullish(),
    prefix: z.boolean().optional(),
  }),
  z.strictObject({
    role: z.literal('tool'),
    content: content.nullable(),
    tool_call_id: toolCallId.nullish(),
    name: z.string().nullish(),
  }),
]);

const tool = z.strictObject({
  type: z.literal('function').optional(),
  function: z.strictObject({
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/),
    description: z.string().optional(),
    strict: z.boolean().optional(),
    parameters: z.record(z.string(), z.unknown()),
  }),
});

const responseFormat = z.strictObject({
  type: z.enum(['text', 'json_object', 'json_schema']),
  json_schema: z
    .strictObject({
      name: z.string(),
      description: z.string().nullish(),
      schema: z.record(z.string(), z.unknown()),
      strict: z.boolean().optional(),
    })
    .nullish(),
});

/** The body of a chat request without its model. Source: @mistralai/mistralai 2.7 `ChatCompletionRequest$Outbound`. */
export const chatRequestSchema = z.strictObject({
  messages: z.array(message).min(1),
  temperature: z.number().min(0).max(1.5).nullish(),
  top_p: z.number().min(0).max(1).nullish(),
  max_tokens: z.int().min(0).nullish(),
  stream: z.literal(false).optional(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  random_seed: z.int().min(0).nullish(),
  metadata: z.record(z.string(), z.unknown()).nullish(),
  response_format: responseFormat.optional(),
  tools: z.array(tool).nullish(),
  tool_choice: z
    .union([
      z.enum(['auto', 'none', 'any', 'required']),
      z.strictObject({ type: z.literal('function').optional(), function: z.strictObject({ name: z.string() }) }),
    ])
    .optional(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  n: z.int().min(1).nullish(),
  prediction: z.strictObject({ type: z.literal('content'), content: z.string() }).optional(),
  parallel_tool_calls: z.boolean().optional(),
  reasoning_effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']).nullish(),
  prompt_mode: z.enum(['reasoning']).nullish(),
  guardrails: z.array(z.record(z.string(), z.unknown())).nullish(),
  prompt_cache_key: z.string().nullish(),
  service_tier: z.enum(['auto', 'standard_only']).nullish(),
  safe_prompt: z.boolean().optional(),
});
export type ChatRequest = z.infer<typeof chatRequestSchema>;
