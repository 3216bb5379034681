import { readFileSync } from 'node:fs';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Node } from 'constructs';
import { z } from 'zod';
import { type Config, parseConfig } from '../lib/providers/config.ts';
import { ConfigurationError, messageOf } from '../lib/records/errors.ts';
import { describeIssues } from '../lib/records/options.ts';

/**
 * How long a batch may need its work objects: the longest deadline that an option can set (2,400 hours), rounded up,
 * and a week. Lower it where no batch is allowed so long.
 */
const longestBatchDays = 100 + 7;

/** Days that a batch of the longest default deadline (10 attempts of 24 hours) needs its work objects. */
const shortestWorkDays = 11;

const flag = z.union([z.boolean(), z.stringbool()]);
const days = z.coerce.number().int().positive();
const retentionDays = new Set(Object.values(RetentionDays).filter((value) => typeof value === 'number'));

/** What `cdk.json` or `cdk -c name=value` says about a deployment. */
const settingsSchema = z
  .object({
    /** The configuration of providers, tenants and defaults. */
    config: z.string().min(1).default('batchdrop.config.json'),
    /** Also the first part of every name; another one makes a deployment of its own. */
    stackName: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9-]{0,39}$/, 'letters, digits and -, at most 40')
      .default('Batchdrop'),
    /** A bucket that exists, in place of one of the stack's own. Its EventBridge notifications must be on. */
    bucketName: z.string().min(3).optional(),
    /** The event bus for our own events; without it the account's default bus. It must exist. */
    eventBusName: z.string().min(1).default('default'),
    /** Gets the alarms, after confirming the subscription. */
    alarmEmail: z.email().optional(),
    /** `destroy` lets `cdk destroy` delete bucket, table and keys too. */
    removalPolicy: z.enum(['retain', 'destroy']).default('retain'),
    /** False where the providers' secrets exist already, made by hand or left by an earlier stack. */
    createSecrets: flag.default(true),
    /** After how many days results and status files go; without it never. */
    resultsExpireDays: days.optional(),
    /** After how many days the files of running batches go. */
    workExpireDays: days.min(shortestWorkDays).default(longestBatchDays),
    logRetentionDays: days
      .refine((value) => retentionDays.has(value), { message: `one of ${[...retentionDays].join(', ')}` })
      .default(30),
    /** Where the alarms' links lead: this repository's docs/runbook.md. */
    runbookUrl: z.string().min(1).default('docs/runbook.md'),
    /** Requests that the API takes in a second, of all clients together; more are answered 429. */
    apiRequestsPerSecond: z.coerce.number().positive().default(50),
    /** Requests that it takes at once. */
    apiBurst: z.coerce.number().int().positive().default(100),
    /** A name of your own for the API, with its certificate in the stack's region. */
    apiDomainName: z.string().min(1).optional(),
    apiCertificateArn: z
      .string()
      .regex(/^arn:[a-z-]+:acm:/, 'the ARN of an ACM certificate')
      .optional(),
  })
  .refine((given) => (given.apiDomainName === undefined) === (given.apiCertificateArn === undefined), {
    message: 'apiDomainName and apiCertificateArn need each other',
  });

export type Settings = z.infer<typeof settingsSchema>;

/**
 * @param node of the app, whose context has the settings.
 * @throws ConfigurationError that names every wrong setting.
 */
export function readSettings(node: Node): Settings {
  const entries = Object.keys(settingsSchema.shape).map((name) => [name, node.tryGetContext(name)]);
  const result = settingsSchema.safeParse(Object.fromEntries(entries));
  if (result.success) return result.data;
  throw new ConfigurationError(`cdk.json, or an option -c: ${describeIssues(result.error)}`);
}

export interface ConfigFile {
  text: string;
  config: Config;
}

/** @throws ConfigurationError that names the file and what is wrong with it. */
export function readConfigFile(path: string): ConfigFile {
  const text = readText(path);
  return { text, config: parseConfig(text, path) };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const message = `${path} cannot be read (${messageOf(cause)}). Copy batchdrop.config.json, or name yours: -c config=<file>.`;
    throw new ConfigurationError(message, { cause });
  }
}
