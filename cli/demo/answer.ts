import { z } from 'zod';

/** What a result line may hold, in OpenAI's form and in Anthropic's own. */
const resultLineSchema = z.object({
  custom_id: z.string(),
  error: z.object({ code: z.string().nullable(), message: z.string() }).nullish(),
  response: z.object({ body: z.unknown() }).nullish(),
  result: z.object({ message: z.unknown() }).nullish(),
});

const chatSchema = z.object({
  choices: z.tuple(
    [
      z.object({
        message: z.object({
          content: z.string().nullish(),
          tool_calls: z.array(z.object({ function: z.object({ name: z.string(), arguments: z.string() }) })).nullish(),
        }),
      }),
    ],
    z.unknown(),
  ),
});
const embeddingSchema = z.object({
  data: z.tuple([z.object({ embedding: z.array(z.number()) })], z.unknown()),
});
const messageSchema = z.object({
  content: z.array(z.object({ type: z.string(), text: z.string().optional() })),
});

/** @returns the heart of a result line, for a person to read. */
export function describeAnswer(line: string): string {
  const { error, response, result } = resultLineSchema.parse(JSON.parse(line));
  if (error) return `${error.code}: ${error.message}`;
  const body = response?.body ?? result?.message;
  return describeChat(body) ?? describeEmbedding(body) ?? describeMessage(body) ?? JSON.stringify(body);
}

function describeChat(body: unknown): string | null {
  const chat = chatSchema.safeParse(body);
  if (!chat.success) return null;
  const { content, tool_calls: calls } = chat.data.choices[0].message;
  if (calls?.length) return calls.map((call) => `${call.function.name}(${call.function.arguments})`).join(', ');
  return content ?? '';
}

function describeEmbedding(body: unknown): string | null {
  const embeddings = embeddingSchema.safeParse(body);
  if (!embeddings.success) return null;
  const { embedding } = embeddings.data.data[0];
  return `[${embedding.slice(0, 3).join(', ')}, …], ${embedding.length} numbers`;
}

function describeMessage(body: unknown): string | null {
  const message = messageSchema.safeParse(body);
  return message.success ? message.data.content.map((block) => block.text ?? `(${block.type})`).join(' ') : null;
}
