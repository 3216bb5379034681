import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { TransientError } from '../records/errors.ts';
import type { TerminalStatus } from '../records/openai-batch.ts';
import { type Observe, unobserved } from './observe.ts';

/** What a rule on the event bus sees when a batch has ended. */
export interface BatchEvent {
  version: '1';
  /** `<batchId>:<status>`. An event may be delivered twice; a consumer that must act once compares this id. */
  id: string;
  batch: unknown;
  tenant: string;
  input_uri: string;
  output_uri: string | null;
  error_uri: string | null;
  /** The folder of the results table's parts, and why there are none; absent where no table is asked for. */
  table_uri?: string | null;
  table_error?: string | null;
  /** Answers that cannot be used as what their requests or a table's template asked for; absent where none was held against a schema. */
  invalid_outputs?: number;
}

/** The event bus: source `batchdrop`, detail-type `batch.<status>`. */
export class EventBus {
  readonly #client: EventBridgeClient;
  readonly #name: string;

  constructor(client: EventBridgeClient, name: string) {
    this.#client = client;
    this.#name = name;
  }

  static connect(name: string, observe: Observe = unobserved): EventBus {
    return new EventBus(observe(new EventBridgeClient()), name);
  }

  async send(status: TerminalStatus, detail: BatchEvent): Promise<void> {
    const entry = {
      Source: 'batchdrop',
      DetailType: `batch.${status}`,
      Detail: JSON.stringify(detail),
      EventBusName: this.#name,
    };
    const answer = await this.#client.send(new PutEventsCommand({ Entries: [entry] }));
    const refused = answer.Entries?.find((result) => result.ErrorCode !== undefined);
    if (refused)
      throw new TransientError(
        `The event bus refused ${detail.id}: ${refused.ErrorCode} ${refused.ErrorMessage ?? ''}`,
      );
  }
}
