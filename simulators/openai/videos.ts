import { z } from 'zod';
import type { JsonObject } from '../json.ts';
import { triggerIn } from '../triggers.ts';
import type { AnswerSeed, Examination } from './examination.ts';
import { refusalOfIssues } from './issue-text.ts';
import { refusalOfTrigger, refuse } from './line-refusals.ts';

const videoRequestSchema = z.strictObject({
  model: z.string(),
  prompt: z.string().min(1),
  input_reference: z.strictObject({ image_url: z.string().optional(), file_id: z.string().optional() }).optional(),
  seconds: z.string().optional(),
  size: z.enum(['720x1280', '1280x720', '1024x1792', '1792x1024', '1080x1920', '1920x1080']).optional(),
});
type VideoRequest = z.infer<typeof videoRequestSchema>;

/** /v1/videos */
export function examineVideo(body: JsonObject): Examination {
  const parsed = videoRequestSchema.safeParse(body);
  if (!parsed.success) return refuse(refusalOfIssues(parsed.error.issues, body));
  const refusal = refusalOfTrigger(triggerIn(parsed.data.prompt));
  if (refusal !== null) return { refusal };
  return {
    answer: (seed) => ({
      body: answerVideo(parsed.data, seed),
      usage: { inputTokens: 0, cachedTokens: 0, outputTokens: 0, reasoningTokens: 0 },
    }),
  };
}

function answerVideo(request: VideoRequest, seed: AnswerSeed): JsonObject {
  return {
    id: `video_${seed.ids.hex(48)}`,
    object: 'video',
    created_at: seed.createdSeconds,
    completed_at: seed.createdSeconds,
    expires_at: seed.createdSeconds + 24 * 60 * 60,
    error: null,
    model: request.model,
    progress: 100,
    prompt: request.prompt,
    remixed_from_video_id: null,
    seconds: request.seconds ?? '4',
    size: request.size ?? '720x1280',
    status: 'completed',
  };
}
