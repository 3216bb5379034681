import { readFile } from 'node:fs/promises';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { ListExecutionsCommand, SFNClient } from '@aws-sdk/client-sfn';
import { DynamoDBDocumentClient, paginateScan } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import type { Services } from '../../lib/pipeline/services.ts';
import { type BatchRecord, batchRecordSchema } from '../../lib/records/batch.ts';
import { type ResultName, resultKey, statusKey } from '../../lib/records/object-keys.ts';
import { batchStatuses } from '../../lib/records/openai-batch.ts';
import { type ShardRecord, shardRecordSchema } from '../../lib/records/shard.ts';
import { localStateMachineArn } from '../../local/local-account.ts';
import type { Machine } from './machine.ts';
import type { Creation } from './simulated-providers.ts';

const statusFileSchema = z.object({
  batch_id: z.string().nullable(),
  /** A batch's, or `refused` where the drop became none. */
  status: z.enum([...batchStatuses, 'refused']),
  request_counts: z.object({ total: z.number(), completed: z.number(), failed: z.number() }),
  output: z.string().nullable(),
  errors: z.string().nullable(),
  retry: z.string().nullable(),
  first_error: z.object({ code: z.string(), message: z.string() }).nullable(),
});
export type StatusFile = z.infer<typeof statusFileSchema>;

const eventSchema = z.object({ 'detail-type': z.string(), detail: z.object({ id: z.string() }) });

export interface ExecutionState {
  name: string;
  status: string;
}

/** Everything that a soak left behind, as it stands in the stores and at the providers. */
export class Evidence {
  readonly #machine: Machine;
  readonly #services: Services;

  constructor(machine: Machine, services: Services) {
    this.#machine = machine;
    this.#services = services;
  }

  async batches(): Promise<BatchRecord[]> {
    return (await this.#items('batch')).map((item) => batchRecordSchema.parse(item));
  }

  /** Those of rounds that a batch names; what a run that lost has left is no part of a batch. */
  async shardsOf(batch: BatchRecord): Promise<ShardRecord[]> {
    const rounds = batch.rounds.map((round) => this.#services.records.listShards(batch.id, round.token));
    return (await Promise.all(rounds)).flat().map((shard) => shardRecordSchema.parse(shard));
  }

  /**
   * By the records themselves: dynalite writes its indexes apart from its items, so a kill between the two leaves the
   * index with an entry of a batch that has long ended.
   */
  async unfinished(): Promise<string[]> {
    const ids: string[] = [];
    for await (const id of this.#services.records.unfinishedBatchIds()) {
      const batch = await this.#services.records.findBatch(id);
      if (batch && batch.eventSentAtMs === null) ids.push(id);
    }
    return ids;
  }

  /** Changes with everything that a batch that has not ended gets on; one at its providers gets on by its shards alone. */
  async progress(): Promise<string> {
    const open = (await this.batches()).filter(({ eventSentAtMs }) => eventSentAtMs === null);
    const shards = await Promise.all(open.map((batch) => this.shardsOf(batch)));
    const states = open.map(({ id, status, version }) => [id, status, status === 'in_progress' ? null : version]);
    return JSON.stringify([states, shards.flat().map(({ version }) => version)]);
  }

  async statusOf(inboxKey: string): Promise<StatusFile | null> {
    const found = await this.#services.objects.readText(statusKey(inboxKey));
    return found && statusFileSchema.parse(JSON.parse(found.text));
  }

  /** Lines of a result file; none where there is no such file. */
  async linesOf(batchId: string, name: ResultName): Promise<string[]> {
    const found = await this.#services.objects.readText(resultKey(batchId, name));
    return (found?.text ?? '').split('\n').filter((line) => line !== '');
  }

  async summaryOf(batchId: string): Promise<unknown> {
    const found = await this.#services.objects.readText(resultKey(batchId, 'batch.json'));
    return found && JSON.parse(found.text);
  }

  /** Ids of all events that were ever sent: `<batch id>:<status>`. */
  async events(): Promise<string[]> {
    const text = await readFile(this.#machine.eventsFile, 'utf8').catch(() => '');
    const lines = text.split('\n').filter((line) => line !== '');
    return lines.map((line) => eventSchema.parse(JSON.parse(line)).detail.id);
  }

  /** Since the last start: they live in memory. */
  async executions(): Promise<ExecutionState[]> {
    const listed = await new SFNClient().send(new ListExecutionsCommand({ stateMachineArn: localStateMachineArn }));
    return (listed.executions ?? []).map(({ name = '', status = '' }) => ({ name, status }));
  }

  async creations(): Promise<Creation[]> {
    return this.#machine.providers.creations();
  }

  async #items(kind: 'batch'): Promise<unknown[]> {
    const client = DynamoDBDocumentClient.from(new DynamoDBClient());
    const items: unknown[] = [];
    const pages = paginateScan(
      { client },
      {
        TableName: 'batchdrop',
        FilterExpression: 'sk = :kind',
        ExpressionAttributeValues: { ':kind': kind },
        ConsistentRead: true,
      },
    );
    for await (const page of pages) items.push(...(page.Items ?? []));
    return items;
  }
}
