import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { SeededRandom } from '../seeded-random.ts';
import { triggerIn } from '../triggers.ts';
import { imageUrlComplaint } from './chat-rules.ts';
import type { AnswerSeed, Examination } from './examination.ts';
import { refusalOfIssues } from './issue-text.ts';
import { refusalOfTrigger, refuse } from './line-refusals.ts';

const part = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: z.string() }),
  z.strictObject({ type: z.literal('image_url'), image_url: z.strictObject({ url: z.string() }) }),
]);
const moderationRequestSchema = z.strictObject({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string()).min(1), z.array(part).min(1)]),
});
type ModerationRequest = z.infer<typeof moderationRequestSchema>;

/** The words that make a text flagged, by category. */
const wordByCategory: Record<string, RegExp | null> = {
  harassment: /\b(idiot|stupid)\b/i,
  'harassment/threatening': null,
  hate: /\bhate\b/i,
  'hate/threatening': null,
  illicit: /\b(steal|launder)\b/i,
  'illicit/violent': null,
  'self-harm': null,
  'self-harm/instructions': null,
  'self-harm/intent': null,
  sexual: null,
  'sexual/minors': null,
  violence: /\b(kill|murder|attack)\b/i,
  'violence/graphic': null,
};

/** /v1/moderations */
export function examineModeration(body: JsonObject): Examination {
  const parsed = moderationRequestSchema.safeParse(body);
  if (!parsed.success) return refuse(refusalOfIssues(parsed.error.issues, body));
  const { input } = parsed.data;
  for (const [position, each] of (Array.isArray(input) ? input : []).entries()) {
    if (typeof each === 'string' || each.type !== 'image_url') continue;
    const complaint = imageUrlComplaint(each.image_url.url, `input[${position}].image_url.url`);
    if (complaint !== null) return refuse(complaint);
  }
  const texts = textsOf(parsed.data);
  const refusal = refusalOfTrigger(triggerIn(texts.join('\n')));
  if (refusal !== null) return { refusal };
  return {
    answer: (seed) => ({
      body: answerModeration(parsed.data, texts, seed),
      usage: { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 },
    }),
  };
}

/** One text for each result: a list of texts is judged one by one, a list of parts as a whole. */
function textsOf({ input }: ModerationRequest): string[] {
  if (typeof input === 'string') return [input];
  const texts = input.filter((each) => typeof each === 'string');
  if (texts.length === input.length) return texts;
  return [input.flatMap((each) => (typeof each !== 'string' && each.type === 'text' ? [each.text] : [])).join('\n')];
}

function answerModeration(request: ModerationRequest, texts: string[], seed: AnswerSeed): JsonObject {
  return { id: `modr-${seed.ids.base62(29)}`, model: request.model, results: texts.map(judge) };
}

function judge(text: string): JsonObject {
  const random = new SeededRandom(text);
  const flags = Object.entries(wordByCategory).map(([name, word]) => ({ name, isFlagged: word?.test(text) ?? false }));
  return {
    flagged: flags.some((flag) => flag.isFlagged),
    categories: Object.fromEntries(flags.map((flag) => [flag.name, flag.isFlagged])),
    category_scores: Object.fromEntries(
      flags.map((flag) => [flag.name, flag.isFlagged ? 0.9 + random.next() / 10 : random.next() / 1000]),
    ),
    category_applied_input_types: Object.fromEntries(flags.map((flag) => [flag.name, ['text']])),
  };
}
