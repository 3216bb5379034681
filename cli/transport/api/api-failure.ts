import {
  APIConnectionError,
  APIError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  NotFoundError,
  PermissionDeniedError,
  UnprocessableEntityError,
} from 'openai';
import { ZodError } from 'zod';
import { CommandError, type ExitStatus, exitStatus } from '../../exit-status.ts';

/**
 * Does something at the deployment; what goes wrong there is one sentence.
 *
 * @param url for the sentence.
 */
export async function calling<Result>(url: string, call: () => Promise<Result>): Promise<Result> {
  try {
    return await call();
  } catch (error) {
    throw asCommandError(url, error);
  }
}

/** @returns the error itself where it is not of the call. */
function asCommandError(url: string, error: unknown): unknown {
  if (error instanceof ZodError || error instanceof SyntaxError)
    return new CommandError(exitStatus.unreachable, `What answers at ${url} is no Batchdrop API.`, { cause: error });
  if (!(error instanceof APIError)) return error;
  if (error instanceof APIConnectionError)
    return new CommandError(exitStatus.unreachable, `Nobody answers at ${url}: ${reasonOf(error)}.`, { cause: error });
  if (error instanceof AuthenticationError || error instanceof PermissionDeniedError)
    return new CommandError(
      exitStatus.unreachable,
      `${url} refused the API key: set BATCHDROP_API_KEY to one of \`batchdrop keys create\`.`,
      { cause: error },
    );
  return new CommandError(statusOf(error), ownWords(error) ?? `${url} answered ${error.message}.`, { cause: error });
}

function statusOf(error: unknown): ExitStatus {
  const isCallers =
    error instanceof BadRequestError ||
    error instanceof NotFoundError ||
    error instanceof ConflictError ||
    error instanceof UnprocessableEntityError;
  return isCallers ? exitStatus.invalid : exitStatus.unreachable;
}

/** The message in an error body of OpenAI's form; the SDK puts the number of the status before it. */
function ownWords({ error }: { error: unknown }): string | null {
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : null;
  return typeof message === 'string' && message !== '' ? message : null;
}

/** `connect ECONNREFUSED 127.0.0.1:8700`: what the network said, below what fetch and the SDK made of it. */
function reasonOf(error: Error): string {
  let deepest: Error = error;
  while (deepest.cause instanceof Error) deepest = deepest.cause;
  const [first] = deepest instanceof AggregateError ? deepest.errors : [];
  return (first instanceof Error ? first.message : deepest.message).replace(/\.$/, '');
}
