import { Logger } from '@aws-lambda-powertools/logger';
import { z } from 'zod';
import { createServices, type Overrides, type Services, type StepContext } from '../lib/pipeline/services.ts';
import { noteFailure } from '../lib/pipeline/upkeep/step-failures.ts';
import { messageOf, safeText } from '../lib/records/errors.ts';
import { emittedMetrics } from './emitted-metrics.ts';
import { fileLog } from './log-file.ts';
import { tracedClient, tracedRun } from './traces.ts';

/** The part of Lambda's context that a step uses; the local runtime gives the same. */
export interface FunctionContext {
  awsRequestId: string;
  functionName: string;
  getRemainingTimeInMillis(): number;
  /** Only in the local runtime: aborted when it stops. */
  signal?: AbortSignal;
}

/** Left at the end of a function's time to let go of what is under way. */
const abortMs = 1_000;

/** What the wiring depends on; a local stack that follows another in one process has other endpoints. */
const wiringVariables = /^(BATCHDROP_|AWS_ENDPOINT_URL|AWS_REGION$)|_(API_KEY|BASE_URL)$/;

let wired: { key: string; services: Services } | undefined;

/** The services, made once for a process and its environment. */
export function services(): Services {
  const key = JSON.stringify(Object.entries(process.env).filter(([name]) => wiringVariables.test(name)));
  if (wired?.key !== key) wired = { key, services: createServices(process.env, observability()) };
  return wired.services;
}

/** Locally there is a log file, and nothing that would take metrics or traces. */
function observability(): Overrides {
  const path = process.env.BATCHDROP_LOG_FILE;
  if (path) return { log: fileLog(path) };
  return { log: functionLog(), metrics: emittedMetrics(), observe: tracedClient };
}

function functionLog(): Overrides['log'] {
  const logger = new Logger();
  return {
    info: (message, data = {}) => logger.info(message, data),
    warn: (message, data = {}) => logger.warn(message, data),
    error: (message, data = {}) => logger.error(message, data),
  };
}

/** A handler that parses its event and runs one step. */
export function stepHandler<Schema extends z.ZodType, Answer>(
  schema: Schema,
  run: (services: Services, event: z.output<Schema>, context: StepContext) => Promise<Answer>,
): (event: unknown, context: FunctionContext) => Promise<Answer> {
  return (event, context) =>
    tracedRun(event, () => logged(event, context, () => run(services(), schema.parse(event), stepContext(context))));
}

/** One line at a step's end and one at its failure, each with the batch's id: `batchdrop logs` makes a batch's story of them. */
async function logged<Answer>(event: unknown, context: FunctionContext, run: () => Promise<Answer>): Promise<Answer> {
  const startedMs = performance.now();
  const what = () => ({
    ...stepOf(event),
    step: context.functionName.replace(/^.*-/, ''),
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
  });
  try {
    const answer = await run();
    services().log.info('A step ended.', { ...what(), ...batchOf(answer) });
    return answer;
  } catch (error) {
    const name = error instanceof Error ? error.name : 'unknown';
    services().log.error('A step failed.', { ...what(), name, error: safeText(messageOf(error)) });
    const { batchId, shard, step } = what();
    if (batchId !== undefined) await noteFailure(services(), { step, batchId, shard }, error);
    throw error;
  }
}

const stepSchema = z.object({
  batchId: z.string(),
  epoch: z.number().optional(),
  shard: z.number().optional(),
});

/** Which batch and shard a step is about; a drop's and the clock's name none. */
function stepOf(event: unknown): Partial<z.infer<typeof stepSchema>> {
  return stepSchema.safeParse(event).data ?? {};
}

/** Intake answers with the batch that it made. */
function batchOf(answer: unknown): { batchId?: string } {
  return typeof answer === 'string' ? { batchId: answer } : {};
}

function stepContext(context: FunctionContext): StepContext {
  const timeout = AbortSignal.timeout(Math.max(0, context.getRemainingTimeInMillis() - abortMs));
  return {
    remainingMs: () => context.getRemainingTimeInMillis(),
    signal: context.signal ? AbortSignal.any([timeout, context.signal]) : timeout,
  };
}
