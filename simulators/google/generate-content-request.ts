import { z } from 'zod';

/**
 * What Google takes, strictly: a name that it does not know is a 400 there. Source: @google/genai 3.1
 * `GenerateContentParameters` as the SDK writes it on the wire.
 */

const json = z.record(z.string(), z.unknown());
const base64 = z
  .string()
  .min(1)
  .regex(/^[A-Za-z0-9+/_-]+={0,2}$/, 'Base64 decoding failed');
const functionName = z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/, 'Invalid function name');

const partSchema = z.strictObject({
  text: z.string().optional(),
  thought: z.boolean().optional(),
  thoughtSignature: base64.optional(),
  inlineData: z.strictObject({ mimeType: z.string().regex(/^[a-z]+\/[a-z0-9.+-]+$/), data: base64 }).optional(),
  fileData: z.strictObject({ mimeType: z.string().optional(), fileUri: z.string().min(1) }).optional(),
  functionCall: z.strictObject({ id: z.string().optional(), name: functionName, args: json.optional() }).optional(),
  functionResponse: z.strictObject({ id: z.string().optional(), name: functionName, response: json }).optional(),
});
export type WirePart = z.infer<typeof partSchema>;

const contentSchema = z.strictObject({ role: z.enum(['user', 'model']), parts: z.array(partSchema).min(1) });
export type WireContent = z.infer<typeof contentSchema>;

/** Google's own `Schema`. Source: https://ai.google.dev/api/caching#Schema */
const openApiMembers = z.strictObject({
  type: z.enum(['STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT', 'NULL']).optional(),
  format: z.enum(['date-time', 'enum', 'int32', 'int64', 'float', 'double']).optional(),
  title: z.string().optional(),
  description: z.string().optional(),
  nullable: z.boolean().optional(),
  enum: z.array(z.string()).optional(),
  minItems: z.int().optional(),
  maxItems: z.int().optional(),
  get properties() {
    return z.record(z.string(), openApiSchema).optional();
  },
  required: z.array(z.string()).optional(),
  minProperties: z.int().optional(),
  maxProperties: z.int().optional(),
  minLength: z.int().optional(),
  maxLength: z.int().optional(),
  pattern: z.string().optional(),
  default: z.unknown().optional(),
  get anyOf() {
    return z.array(openApiSchema).optional();
  },
  propertyOrdering: z.array(z.string()).optional(),
  get items() {
    return openApiSchema.optional();
  },
  minimum: z.number().optional(),
  maximum: z.number().optional(),
});

/** Sources of what is refused: browser-use/browser-use#3786, anomalyco/opencode#11889. */
const openApiSchema: z.ZodType = openApiMembers.superRefine(({ type, properties, required, items }, context) => {
  const isObject = type === 'OBJECT';
  if (isObject && Object.keys(properties ?? {}).length === 0)
    context.addIssue('properties: should be non-empty for OBJECT type');
  if (!isObject && (properties || required)) context.addIssue('properties: only allowed for OBJECT type');
  if (type === 'ARRAY' && !items) context.addIssue('items: missing field');
});

const generationConfigSchema = z.strictObject({
  maxOutputTokens: z.int().min(1).optional(),
  temperature: z.number().min(0).max(2).optional(),
  topP: z.number().min(0).max(1).optional(),
  topK: z.number().optional(),
  presencePenalty: z.number().min(-2).lt(2.1).optional(),
  frequencyPenalty: z.number().min(-2).lt(2.1).optional(),
  seed: z.int32().optional(),
  candidateCount: z.int().min(1).max(8).optional(),
  stopSequences: z.array(z.string().min(1)).max(5).optional(),
  responseModalities: z.array(z.enum(['TEXT', 'IMAGE', 'AUDIO'])).optional(),
  responseLogprobs: z.boolean().optional(),
  logprobs: z.int().min(0).max(20).optional(),
  responseMimeType: z.enum(['text/plain', 'application/json']).optional(),
  responseSchema: openApiSchema.optional(),
  responseJsonSchema: z.unknown().optional(),
  thinkingConfig: z
    .strictObject({
      includeThoughts: z.boolean().optional(),
      thinkingBudget: z.int().min(-1).max(32_768).optional(),
      thinkingLevel: z.enum(['MINIMAL', 'LOW', 'MEDIUM', 'HIGH']).optional(),
    })
    .optional(),
});

export const generateContentSchema = z.strictObject({
  contents: z.array(contentSchema).min(1),
  /** Vertex takes labels, the Gemini API has none. */
  labels: z.record(z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/), z.string().regex(/^[a-z0-9_-]{0,63}$/)).optional(),
  systemInstruction: z
    .strictObject({ role: z.string().optional(), parts: z.array(z.strictObject({ text: z.string() })).min(1) })
    .optional(),
  tools: z
    .array(
      z.strictObject({
        functionDeclarations: z.array(
          z.strictObject({
            name: functionName,
            description: z.string().optional(),
            parametersJsonSchema: json.optional(),
          }),
        ),
      }),
    )
    .optional(),
  toolConfig: z
    .strictObject({
      functionCallingConfig: z.strictObject({
        mode: z.enum(['AUTO', 'ANY', 'NONE']),
        allowedFunctionNames: z.array(functionName).optional(),
      }),
    })
    .optional(),
  generationConfig: generationConfigSchema.optional(),
});
export type GenerateContent = z.infer<typeof generateContentSchema>;
