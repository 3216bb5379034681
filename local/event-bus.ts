import { randomUUID } from 'node:crypto';
import { appendFile } from 'node:fs/promises';
import { z } from 'zod';
import { type AwsOperations, awsOperation } from './aws-json-server.ts';

/** An event as a rule's target would get it. */
export interface LocalEvent {
  version: '0';
  id: string;
  'detail-type': string;
  source: string;
  account: string;
  time: string;
  region: string;
  resources: string[];
  detail: unknown;
}

const entrySchema = z.object({
  Source: z.string().optional(),
  DetailType: z.string().optional(),
  Detail: z.string().optional(),
  EventBusName: z.string().optional(),
  Resources: z.array(z.string()).optional(),
  /** Unix seconds. */
  Time: z.number().optional(),
});
type Entry = z.infer<typeof entrySchema>;

/** Entries in one call. Source: EventBridge API reference, PutEvents. */
const maxEntries = 10;
const putEventsSchema = z.object({ Entries: z.array(entrySchema).min(1).max(maxEntries) });

type EntryAnswer = { EventId: string } | { ErrorCode: string; ErrorMessage: string };

/** EventBridge for one machine: each event becomes a line of a file, and goes to whoever subscribed. */
export class LocalEventBus {
  readonly #file: string;
  readonly #subscribers = new Set<(event: LocalEvent) => void>();
  #written: Promise<void> = Promise.resolve();

  /** @param file JSON lines; made if missing, appended to. */
  constructor(file: string) {
    this.#file = file;
  }

  readonly operations: AwsOperations = {
    'AWSEvents.PutEvents': awsOperation(putEventsSchema, ({ Entries }) => this.#putEvents(Entries)),
  };

  /** @returns a function that ends the subscription. */
  onEvent(subscriber: (event: LocalEvent) => void): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  async #putEvents(entries: Entry[]): Promise<{ FailedEntryCount: number; Entries: EntryAnswer[] }> {
    const answers = await Promise.all(entries.map((entry) => this.#put(entry)));
    return { FailedEntryCount: answers.filter((answer) => 'ErrorCode' in answer).length, Entries: answers };
  }

  async #put(entry: Entry): Promise<EntryAnswer> {
    const { Source, DetailType, Detail } = entry;
    if (!Source || !DetailType || !Detail)
      return refusal('InvalidArgument', 'Source, DetailType and Detail are required.');
    const detail = readDetail(Detail);
    if (detail === undefined) return refusal('MalformedDetail', 'Detail is malformed.');
    const event = newEvent(entry, Source, DetailType, detail);
    await this.#append(event);
    for (const subscriber of this.#subscribers) subscriber(event);
    return { EventId: event.id };
  }

  /** One write after the other, so that lines do not mix. */
  #append(event: LocalEvent): Promise<void> {
    const write = () => appendFile(this.#file, `${JSON.stringify(event)}\n`, { mode: 0o600 });
    const written = this.#written.then(write);
    this.#written = written.catch(() => undefined);
    return written;
  }
}

function newEvent(entry: Entry, source: string, detailType: string, detail: unknown): LocalEvent {
  const milliseconds = entry.Time === undefined ? Date.now() : entry.Time * 1_000;
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': detailType,
    source,
    account: '000000000000',
    time: `${new Date(milliseconds).toISOString().slice(0, 19)}Z`,
    region: 'us-east-1',
    resources: entry.Resources ?? [],
    detail,
  };
}

/** @returns undefined where the text is not a JSON object. */
function readDetail(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function refusal(code: string, message: string): EntryAnswer {
  return { ErrorCode: code, ErrorMessage: message };
}
