import {
  InvalidToken,
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  type SFNClient,
  TaskDoesNotExist,
  TaskTimedOut,
} from '@aws-sdk/client-sfn';
import { rememberSecret } from '../records/known-secrets.ts';

/** Answers to tasks of other state machines, each by the token that its machine gave out. */
export class TaskAnswers {
  readonly #client: SFNClient;

  constructor(client: SFNClient) {
    this.#client = client;
  }

  /** @returns false where nobody waits for the answer any more: the task was answered, timed out, or never was. */
  async succeed(taskToken: string, output: object): Promise<boolean> {
    return wasWaiting(taskToken, () =>
      this.#client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) })),
    );
  }

  /** @returns as above. */
  async fail(taskToken: string, error: string, cause: string): Promise<boolean> {
    return wasWaiting(taskToken, () => this.#client.send(new SendTaskFailureCommand({ taskToken, error, cause })));
  }
}

async function wasWaiting(taskToken: string, send: () => Promise<unknown>): Promise<boolean> {
  rememberSecret(taskToken); // an error's text may repeat it
  try {
    await send();
    return true;
  } catch (error) {
    if (error instanceof InvalidToken || error instanceof TaskTimedOut || error instanceof TaskDoesNotExist)
      return false;
    throw error;
  }
}
