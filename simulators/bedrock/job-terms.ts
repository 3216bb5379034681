import { z } from 'zod';
import type { BatchRecord } from '../batch-record.ts';
import type { Examiner } from './examination.ts';
import { accountId, region } from './limits.ts';
import { examinerOf } from './models.ts';

const s3Uri = z.string().regex(/^s3:\/\/[a-z0-9][.\-a-z0-9]{1,61}[a-z0-9]\/.+$/);

/** The body of CreateModelInvocationJob. Source: the API reference's patterns, read 2026-11. */
export const createJobSchema = z.strictObject({
  jobName: z
    .string()
    .max(63)
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9+\-.]*$/),
  roleArn: z.string().regex(/^arn:aws(-[^:]+)?:iam::\d{12}:role\/.+$/),
  clientRequestToken: z
    .string()
    .max(256)
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9-]*$/)
    .optional(),
  modelId: z.string().min(1).max(2048),
  inputDataConfig: z.strictObject({
    s3InputDataConfig: z.strictObject({
      s3InputFormat: z.literal('JSONL').optional(),
      s3Uri,
      s3BucketOwner: z.string().optional(),
    }),
  }),
  outputDataConfig: z.strictObject({
    s3OutputDataConfig: z.strictObject({
      s3Uri,
      s3EncryptionKeyId: z.string().optional(),
      s3BucketOwner: z.string().optional(),
    }),
  }),
  timeoutDurationInHours: z.int().min(24).max(168).optional(),
  modelInvocationType: z.enum(['InvokeModel', 'Converse']).optional(),
});

/** What a job keeps of its creation, in the record's metadata. */
const jobTermsSchema = z.strictObject({
  jobName: z.string(),
  roleArn: z.string(),
  clientRequestToken: z.string(),
  modelId: z.string(),
  inputUri: z.string(),
  outputUri: z.string(),
  timeoutHours: z.string(),
  invocationType: z.enum(['InvokeModel', 'Converse']),
});
export type JobTerms = z.infer<typeof jobTermsSchema>;

export function termsOf(record: BatchRecord): JobTerms {
  return jobTermsSchema.parse(record.metadata);
}

/** Who judges and answers a job's records; null where there is no such model. */
export function examinerOfJob({ modelId, invocationType }: JobTerms): Examiner | null {
  return examinerOf(modelId, invocationType === 'Converse' ? 'ConverseInBatch' : 'InvokeModel');
}

export function arnOf(jobId: string): string {
  return `arn:aws:bedrock:${region}:${accountId}:model-invocation-job/${jobId}`;
}

/** Where a job leaves a file. */
export function outputPlace(record: BatchRecord, fileName: string): string {
  return `${termsOf(record).outputUri.replace(/\/$/, '')}/${record.id}/${fileName}`;
}

export function inputName(record: BatchRecord): string {
  return termsOf(record).inputUri.split('/').at(-1) ?? '';
}
