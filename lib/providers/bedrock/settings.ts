import { z } from 'zod';
import { accountSchema, type SettingsOf } from '../account.ts';

/** Batch inference on Amazon Bedrock, in the AWS account that Batchdrop runs in: its roles stand for a key. */
export const bedrockSettings = accountSchema.extend({
  kind: z.literal('bedrock'),
  secret: z.undefined({ error: 'Bedrock takes no key: leave it out' }).optional(),
  /** Where its jobs run, which must be where the bucket is. Without it the stack's own region. */
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region looks like us-east-1')
    .optional(),
  /** Where single calls go, such as a VPC endpoint of bedrock-runtime; without it `baseUrl`. */
  runtimeBaseUrl: z.url().optional(),
  /** Role by which Bedrock reads and writes the bucket. Without it the one that the stack makes. */
  roleArn: z
    .string()
    .regex(/^arn:aws[a-z-]*:iam::\d{12}:role\/.+$/, 'the ARN of an IAM role')
    .optional(),
  /** Hours after which Bedrock ends a job with what is done. Without it Bedrock's own default. */
  timeoutHours: z.number().int().min(24).max(168).optional(),
});

export type BedrockSettings = SettingsOf<typeof bedrockSettings>;
