import { randomUUID } from 'node:crypto';
import { Hono } from 'hono';
import type { z } from 'zod';
import { describeIssues } from '../lib/records/options.ts';
import { needsOfCall } from './aws-needs.ts';
import { type LoopbackServer, serveOnLoopback } from './loopback-server.ts';
import { callerOf, firstLacking, type Permissions, refusalText } from './permissions.ts';

/** An error as an AWS service names it; the SDK turns it into the exception of that name. */
export class AwsError extends Error {
  override readonly name: string;

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

/** Answers one operation. What it throws other than AwsError is answered as the service's own failure. */
export type AwsOperation = (input: unknown) => unknown;

/** Operations by their full name, such as `AWSEvents.PutEvents`. */
export type AwsOperations = Record<string, AwsOperation>;

/** @returns an operation that reads its input first; a wrong one is a ValidationException. */
export function awsOperation<Schema extends z.ZodType>(
  schema: Schema,
  run: (input: z.output<Schema>) => unknown,
): AwsOperation {
  return (input) => {
    const parsed = schema.safeParse(input);
    if (!parsed.success) throw new AwsError('ValidationException', describeIssues(parsed.error));
    return run(parsed.data);
  };
}

/**
 * Serves AWS operations over the AWS JSON protocols 1.0 and 1.1, where a header names the operation. Signatures are
 * not verified: any credentials will do unless there are permissions.
 *
 * Source: Smithy, "AWS JSON 1.0 protocol".
 */
export function startAwsJsonServer(operations: AwsOperations, permissions?: Permissions): Promise<LoopbackServer> {
  const app = new Hono();
  app.post('/', async (context) => {
    const target = context.req.header('x-amz-target') ?? '';
    const caller = callerOf(context.req.header('authorization'));
    const assertPermitted = (input: unknown) => {
      if (permissions) assertAllowed(permissions, caller, target, input);
    };
    const answer = await run(operations, target, await context.req.text(), assertPermitted);
    return new Response(JSON.stringify(answer.body), {
      status: answer.status,
      headers: {
        'content-type': context.req.header('content-type') ?? 'application/x-amz-json-1.0',
        'x-amzn-requestid': randomUUID(),
      },
    });
  });
  return serveOnLoopback(app, 0);
}

async function run(
  operations: AwsOperations,
  target: string,
  text: string,
  assertPermitted: (input: unknown) => void,
): Promise<{ status: number; body: unknown }> {
  try {
    const operation = Object.hasOwn(operations, target) ? operations[target] : undefined;
    if (!operation) throw new AwsError('UnknownOperationException', `This local endpoint has no ${target}.`);
    const input = readJson(text);
    assertPermitted(input);
    return { status: 200, body: await operation(input) };
  } catch (error) {
    if (error instanceof AwsError) return { status: 400, body: { __type: error.name, message: error.message } };
    return { status: 500, body: { __type: 'InternalFailure', message: String(error) } };
  }
}

/** @throws AwsError AccessDeniedException where the caller lacks a right. */
export function assertAllowed(permissions: Permissions, caller: string, target: string, input: unknown): void {
  const lacking = firstLacking(permissions, caller, needsOfCall(target, input));
  if (lacking) throw new AwsError('AccessDeniedException', refusalText(caller, lacking));
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AwsError('SerializationException', 'The request is not valid JSON.');
  }
}
