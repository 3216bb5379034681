import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  type SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';

/** The executions of the state machine. Each is named after its batch and epoch, so starting it twice starts it once. */
export class Executions {
  readonly #client: SFNClient;
  readonly #stateMachineArn: string;

  constructor(client: SFNClient, stateMachineArn: string) {
    this.#client = client;
    this.#stateMachineArn = stateMachineArn;
  }

  /** @param pauseSeconds how long the machine waits before it repeats a step that failed. */
  async start(batchId: string, epoch: number, pauseSeconds: number): Promise<void> {
    const input = JSON.stringify({ batchId, epoch, pauseSeconds, turn: { events: 0 } });
    const name = `${batchId}-${epoch}`;
    try {
      await this.#client.send(new StartExecutionCommand({ stateMachineArn: this.#stateMachineArn, name, input }));
    } catch (error) {
      if (!(error instanceof ExecutionAlreadyExists)) throw error;
    }
  }

  async isRunning(batchId: string, epoch: number): Promise<boolean> {
    const executionArn = `${this.#stateMachineArn.replace(':stateMachine:', ':execution:')}:${batchId}-${epoch}`;
    try {
      const found = await this.#client.send(new DescribeExecutionCommand({ executionArn }));
      return found.status === 'RUNNING' || found.status === 'PENDING_REDRIVE';
    } catch (error) {
      if (error instanceof ExecutionDoesNotExist) return false;
      throw error;
    }
  }
}
