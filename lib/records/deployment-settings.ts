import { z } from 'zod';

/**
 * How long a batch may need its work objects: the longest deadline that an option can set (2,400 hours), rounded up,
 * and a week. Lower it where no batch is allowed so long.
 */
const longestBatchDays = 100 + 7;

/** Days that a batch of the longest default deadline (10 attempts of 24 hours) needs its work objects. */
const shortestWorkDays = 11;

/** Days that CloudWatch Logs can keep a log. Source: CloudWatch Logs API reference, `PutRetentionPolicy`, read 2026-11. */
const logRetentionDays = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

const days = z.number().int().positive();

/** A drop of the last day without a status file counts as one whose event was lost, so status files outlive that day. */
export const shortestStatusDays = 2;

/** How a deployment stands on AWS: the section `deployment` of the configuration file, and what the CDK construct takes. */
export const deploymentSettingsSchema = z
  .strictObject({
    /** Names the stack and is the first part of every name; another one makes a deployment of its own. */
    stackName: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9-]{0,39}$/, 'letters, digits and -, at most 40')
      .default('Batchdrop'),
    /** A bucket that exists, in place of one of the stack's own. Its EventBridge notifications must be on. */
    bucketName: z.string().min(3).optional(),
    /** The key in AWS KMS that the bucket is encrypted with, where it is one of your own: the functions may use it. */
    bucketKmsKeyArn: z
      .string()
      .regex(
        /^arn:[a-z-]+:kms:[^:]+:\d+:key\/.+/,
        'the ARN of a KMS key, arn:aws:kms:...:key/...; an alias is not enough',
      )
      .optional(),
    /** A table that an earlier stack left behind, in place of a new one. */
    tableName: z.string().min(3).optional(),
    /** The event bus for our own events; without it the account's default bus. It must exist. */
    eventBusName: z.string().min(1).default('default'),
    /** Gets the alarms, after confirming the subscription. */
    alarmEmail: z.email().optional(),
    /** `destroy` lets `npm run destroy` delete bucket, table and secrets too. */
    removalPolicy: z.enum(['retain', 'destroy']).default('retain'),
    /** False where the providers' secrets exist already, made by hand or left by an earlier stack. */
    createSecrets: z.boolean().default(true),
    /** After how many days results and status files go; without it never. */
    resultsExpireDays: days.min(shortestStatusDays).optional(),
    /** After how many days the files of running batches go. */
    workExpireDays: days.min(shortestWorkDays).default(longestBatchDays),
    logRetentionDays: z.literal(logRetentionDays, { error: `one of ${logRetentionDays.join(', ')}` }).default(30),
    /** Where the alarms' links lead: this repository's docs/runbook.md. */
    runbookUrl: z.string().min(1).default('docs/runbook.md'),
    /**
     * Runs at a time of each of the six functions that batches call, so that many drops leave the account's other functions room.
     * The account reserves so many for each. Without it there is no bound but the account's.
     */
    maxFunctionConcurrency: z.number().int().positive().optional(),
    /** Requests that the API takes in a second, of all clients together; more are answered 429. */
    apiRequestsPerSecond: z.number().positive().default(50),
    /** Requests that it takes at once. */
    apiBurst: z.number().int().positive().default(100),
    /** A name of your own for the API, with its certificate in the stack's region. */
    apiDomainName: z.string().min(1).optional(),
    apiCertificateArn: z
      .string()
      .regex(/^arn:[a-z-]+:acm:/, 'the ARN of an ACM certificate')
      .optional(),
  })
  .refine((given) => (given.apiDomainName === undefined) === (given.apiCertificateArn === undefined), {
    message: 'apiDomainName and apiCertificateArn need each other',
  })
  .refine((given) => given.bucketKmsKeyArn === undefined || given.bucketName !== undefined, {
    path: ['bucketKmsKeyArn'],
    message: 'belongs to a bucket of your own: name it by bucketName',
  });

export type DeploymentSettings = z.infer<typeof deploymentSettingsSchema>;

/**
 * The name of a secret in Secrets Manager. One without a slash is relative to its deployment, so that two deployments of one
 * account and configuration have secrets of their own: `openai` is `batchdrop/openai` in the stack Batchdrop.
 */
export function secretNameIn(deployment: string, secret: string): string {
  return secret.includes('/') ? secret : `${deployment.toLowerCase()}/${secret}`;
}

/** A deployment's name, which is its state machine's: the stack's, unless a construct was given another. */
export function deploymentNameOf(stateMachineArn: string): string {
  return stateMachineArn.split(':').at(-1) ?? '';
}
