import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { AwsError, type AwsOperations, awsOperation } from './aws-json-server.ts';

/** How a task was answered. */
export type TaskAnswer = { output: unknown } | { error: string; cause: string };

interface OpenTask {
  token: string;
  answer: Promise<TaskAnswer>;
}

// Source: Step Functions API reference, SendTaskSuccess and SendTaskFailure, read 2026-11.
const tokenSchema = z.string().min(1).max(2_048);
const successSchema = z.object({ taskToken: tokenSchema, output: z.string().max(262_144) });
const failureSchema = z.object({
  taskToken: tokenSchema,
  error: z.string().max(256).optional(),
  cause: z.string().max(32_768).optional(),
});

/** What a token holds here: whose it is, so that the rights of whoever answers can be judged. In AWS nobody can read it. */
const contentSchema = z.tuple([z.string(), z.string()]);

/** Tasks of state machines that wait until somebody answers by their token, as `.waitForTaskToken` has it. */
export class TaskTokens {
  /** Of each token that was given out, until it is answered. */
  readonly #waiting = new Map<string, PromiseWithResolvers<TaskAnswer>>();
  readonly #ended = new Set<string>();

  readonly operations: AwsOperations = {
    'AWSStepFunctions.SendTaskSuccess': awsOperation(successSchema, ({ taskToken, output }) =>
      this.#answer(taskToken, { output: readOutput(output) }),
    ),
    'AWSStepFunctions.SendTaskFailure': awsOperation(failureSchema, ({ taskToken, error = '', cause = '' }) =>
      this.#answer(taskToken, { error, cause }),
    ),
  };

  /** Begins a task that waits. */
  open(stateMachineArn: string): OpenTask {
    const token = Buffer.from(JSON.stringify([stateMachineArn, randomUUID()])).toString('base64');
    const waiting = Promise.withResolvers<TaskAnswer>();
    this.#waiting.set(token, waiting);
    return { token, answer: waiting.promise };
  }

  /** Ends a task's waiting, as its time-out does. */
  timeOut(token: string): void {
    this.#waiting.delete(token);
    this.#ended.add(token);
  }

  #answer(token: string, answer: TaskAnswer): object {
    if (machineOfTask(token) === null) throw new AwsError('InvalidToken', `Invalid Token: '${token}'`);
    const waiting = this.#waiting.get(token);
    if (!waiting && this.#ended.has(token)) throw new AwsError('TaskTimedOut', `Task Timed Out: '${token}'`);
    if (!waiting) throw new AwsError('TaskDoesNotExist', `Task does not exist: '${token}'`);
    this.timeOut(token);
    waiting.resolve(answer);
    return {};
  }
}

/** @returns the ARN of the machine whose task a token is of, or null for what is none. */
export function machineOfTask(token: string): string | null {
  return contentSchema.safeParse(jsonOf(Buffer.from(token, 'base64').toString('utf8'))).data?.[0] ?? null;
}

function readOutput(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AwsError('InvalidOutput', 'Invalid Output: not valid JSON.');
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
