import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { composeProse, composeRefusal, cut, type Prose } from '../prose.ts';
import { valueOfSchema } from '../schema-values.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { chooseTools, type OfferedTool, type ToolSituation } from '../tool-choice.ts';
import { triggerIn } from '../triggers.ts';
import { countTokens } from '../usage.ts';
import { type Examiner, examiner, jsonObject, type ModelAnswer, textUsage } from './examination.ts';

// Source: @aws-sdk/client-bedrock-runtime 3.1164 `ConverseRequest`, and the pages on Nova's request.
const text = z.strictObject({ text: z.string().regex(/\S/, 'The text field is blank') });
const bytes = z.strictObject({ bytes: z.base64() });
const image = z.strictObject({
  image: z.strictObject({ format: z.enum(['png', 'jpeg', 'gif', 'webp']), source: bytes }),
});
const document = z.strictObject({
  document: z.strictObject({
    format: z.enum(['pdf', 'csv', 'doc', 'docx', 'xls', 'xlsx', 'html', 'txt', 'md']),
    name: z
      .string()
      .max(200)
      .regex(/^[a-zA-Z0-9()[\]-]+( [a-zA-Z0-9()[\]-]+)*$/),
    source: bytes,
  }),
});
const toolUseId = z.string().regex(/^[a-zA-Z0-9_.:-]{1,64}$/);
const toolName = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/);
const toolUse = z.strictObject({
  toolUse: z.strictObject({ toolUseId, name: toolName, input: jsonObject }),
});
const toolResult = z.strictObject({
  toolResult: z.strictObject({
    toolUseId,
    content: z.array(z.union([text, z.strictObject({ json: jsonObject })])),
    status: z.enum(['success', 'error']).optional(),
  }),
});

const inferenceConfig = z.strictObject({
  maxTokens: z.int().min(1).optional(),
  temperature: z.number().min(0).max(1).optional(),
  topP: z.number().min(0).max(1).optional(),
  stopSequences: z.array(z.string().min(1)).max(2500).optional(),
});

const toolConfig = z.strictObject({
  tools: z
    .array(
      z.strictObject({
        toolSpec: z.strictObject({
          name: toolName,
          description: z.string().min(1).optional(),
          inputSchema: z.strictObject({ json: z.looseObject({ type: z.literal('object') }) }),
        }),
      }),
    )
    .min(1),
  toolChoice: z
    .union([
      z.strictObject({ auto: z.strictObject({}) }),
      z.strictObject({ any: z.strictObject({}) }),
      z.strictObject({ tool: z.strictObject({ name: toolName }) }),
    ])
    .optional(),
});

const textFormat = z.strictObject({
  type: z.literal('json_schema'),
  structure: z.strictObject({
    jsonSchema: z.strictObject({
      schema: z.string(),
      name: z.string().optional(),
      description: z.string().optional(),
    }),
  }),
});

const block = z.union([text, image, document, toolUse, toolResult]);

const converseSchema = z.strictObject({
  messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant']), content: z.array(block).min(1) })).min(1),
  system: z.array(text).min(1).optional(),
  inferenceConfig: inferenceConfig.optional(),
  toolConfig: toolConfig.optional(),
  outputConfig: z.strictObject({ textFormat: textFormat.optional() }).optional(),
});

const novaSchema = converseSchema.omit({ outputConfig: true }).extend({
  schemaVersion: z.literal('messages-v1').optional(),
  inferenceConfig: inferenceConfig
    .extend({
      topK: z.int().min(0).optional(),
      reasoningConfig: z
        .strictObject({
          type: z.enum(['enabled', 'disabled']),
          maxReasoningEffort: z.enum(['low', 'medium', 'high']).optional(),
        })
        .optional(),
    })
    .refine(({ reasoningConfig, maxTokens, temperature, topP }) => {
      const isLimited = maxTokens !== undefined || temperature !== undefined || topP !== undefined;
      return reasoningConfig?.maxReasoningEffort !== 'high' || !isLimited;
    }, 'maxTokens, temperature and topP must be unset with high effort')
    .optional(),
});

type Conversation = z.infer<typeof converseSchema>;
type Block = z.infer<typeof block>;

export const examineConverse: Examiner = examiner(converseSchema, questionOf, answerTo, converseComplaint);

/** In batches, Converse has no tools. */
export const examineConverseInBatch: Examiner = examiner(converseSchema, questionOf, answerTo, (body) =>
  body.toolConfig ? 'toolConfig is not supported for batch inference' : converseComplaint(body),
);

export const examineNova: Examiner = examiner(novaSchema, questionOf, answerTo, (body) =>
  blocksOf(body).some((each) => 'document' in each) ? 'document: extraneous key is not permitted' : complaintOf(body),
);

function converseComplaint(body: Conversation): string | null {
  const isBare = body.messages.some(
    ({ content }) => content.some((each) => 'document' in each) && !content.some((each) => 'text' in each),
  );
  if (isBare) return 'A message with a document must have a text as well.';
  const names = blocksOf(body).flatMap((each) => ('document' in each ? [each.document.name.toLowerCase()] : []));
  return new Set(names).size < names.length ? 'The messages contain duplicate document names.' : complaintOf(body);
}

function complaintOf({ messages, toolConfig: config }: Conversation): string | null {
  const isAlternating = messages.every(({ role }, index) => role === (index % 2 === 0 ? 'user' : 'assistant'));
  if (!isAlternating) return 'A conversation must start with a user message, and its roles must alternate.';
  const hasCalls = messages.some(({ content }) => content.some((each) => 'toolUse' in each || 'toolResult' in each));
  if (hasCalls && !config)
    return 'The toolConfig field must be defined when using toolUse and toolResult content blocks.';
  return messages.every(({ content }, index) => areAnswered(content, messages[index + 1]?.content))
    ? null
    : 'The number of toolResult blocks exceeds or falls below the number of toolUse blocks of the turn before.';
}

function areAnswered(content: readonly Block[], next: readonly Block[] | undefined): boolean {
  const asked = content.flatMap((each) => ('toolUse' in each ? [each.toolUse.toolUseId] : []));
  const given = (next ?? []).flatMap((each) => ('toolResult' in each ? [each.toolResult.toolUseId] : []));
  return JSON.stringify(asked.toSorted()) === JSON.stringify(given.toSorted());
}

function blocksOf({ messages }: Conversation): Block[] {
  return messages.flatMap(({ content }) => content);
}

function questionOf({ messages }: Conversation): string {
  for (const { role, content } of messages.toReversed()) {
    const texts = content.flatMap((each) => ('text' in each ? [each.text] : []));
    if (role === 'user' && texts.length > 0) return texts.join('\n');
  }
  return '';
}

const stopReasonByEnding = { complete: 'end_turn', length: 'max_tokens', stop_sequence: 'stop_sequence' } as const;

function answerTo(
  body: Conversation,
  question: string,
  { random, ids }: { random: SeededRandom; ids: SeededRandom },
): ModelAnswer {
  const tools = chooseTools({
    tools: (body.toolConfig?.tools ?? []).map(offered),
    choice: wantedTool(body),
    isParallel: true,
    question: body.messages.at(-1)?.content.some((each) => 'toolResult' in each) ? '' : question,
  });
  const prompt = JSON.stringify([body.toolConfig?.tools ?? [], body.system ?? '', body.messages]);
  if (tools.length > 0) {
    const content = tools.map(({ name, parameters }) => ({
      toolUse: { toolUseId: `tooluse_${ids.base62(22)}`, name, input: valueOfSchema(parameters, random, question) },
    }));
    return answerOf(content, 'tool_use', prompt, countTokens(JSON.stringify(content)));
  }
  const prose = proseTo(body, question, random);
  const stopReason = triggerIn(question) === 'decline' ? 'content_filtered' : stopReasonByEnding[prose.ending];
  return answerOf([{ text: prose.text }], stopReason, prompt, prose.outputTokens);
}

function proseTo(body: Conversation, question: string, random: SeededRandom): Prose {
  const { maxTokens = null, stopSequences = [] } = body.inferenceConfig ?? {};
  const limits = { maxTokens, stopSequences };
  if (triggerIn(question) === 'decline') return cut(composeRefusal(), limits);
  const schema = body.outputConfig?.textFormat?.structure.jsonSchema.schema;
  if (schema === undefined) return composeProse(question, random, limits);
  return cut(JSON.stringify(valueOfSchema(JSON.parse(schema), random, question)), limits);
}

function answerOf(content: JsonObject[], stopReason: string, prompt: string, outputTokens: number): ModelAnswer {
  const inputTokens = countTokens(prompt);
  return {
    output: {
      output: { message: { role: 'assistant', content } },
      stopReason,
      usage: { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens },
      metrics: { latencyMs: 1 },
    },
    usage: textUsage(inputTokens, outputTokens),
  };
}

function offered({ toolSpec }: z.infer<typeof toolConfig>['tools'][number]): OfferedTool {
  return { name: toolSpec.name, parameters: toolSpec.inputSchema.json };
}

function wantedTool({ toolConfig: config }: Conversation): ToolSituation['choice'] {
  const choice = config?.toolChoice;
  if (choice && 'tool' in choice) return choice.tool;
  return choice && 'any' in choice ? 'required' : 'auto';
}
