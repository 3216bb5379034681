import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { splitLines } from '../../lib/lines/jsonl.ts';
import { InputSharding } from '../../lib/pipeline/prepare/input-sharding.ts';
import type { Account } from '../../lib/pipeline/services.ts';
import { type ProviderKind, parseConfig } from '../../lib/providers/config.ts';
import { connectAccount } from '../../lib/providers/connect.ts';
import { providers } from '../../lib/providers/registry.ts';
import { parseOptions } from '../../lib/records/options.ts';
import { type ShardRecord, shardRecordSchema } from '../../lib/records/shard.ts';
import type { Objects } from '../../lib/store/objects.ts';
import { type FileObjects, readChunks } from './file-objects.ts';

const batch = { id: `batch_${'be'.repeat(16)}`, options: parseOptions({}) };

export const config = parseConfig(
  JSON.stringify({ providers: { openai: providerAt('openai'), anthropic: providerAt('anthropic') } }),
  'The configuration of the bench',
  'local',
);

/** At the simulator that the environment names, if anything is sent at all. */
function providerAt(kind: ProviderKind) {
  const baseUrl = process.env[`${kind.toUpperCase()}_BASE_URL`];
  return { kind, secret: 'none', ...(baseUrl !== undefined && { baseUrl }) };
}

export function account(name: string): Account {
  const settings = config.providers[name];
  if (!settings) throw new Error(`There is no provider ${name}.`);
  const provider = providers[settings.kind];
  const connection = { name, config: settings, apiKey: async () => 'none' };
  return { name, config: settings, provider, isSimulated: true, ...connectAccount(provider, connection) };
}

/**
 * What Prepare does with an input between reading its record and writing those of the shards.
 *
 * @returns the shards as Submit leaves them: sent once.
 */
export async function prepareShards(objects: FileObjects, inputPath: string): Promise<ShardRecord[]> {
  const validation = newValidation(objects);
  for await (const lines of splitLines(readChunks(inputPath))) await validation.add(lines);
  if (validation.isFailed) throw new Error(JSON.stringify(validation.issues.firstErrors[0]));
  const { shards } = await validation.finish();
  return shards.map((shard) => ({ ...shard, attempts: 1 }));
}

export function newValidation(objects: Objects): InputSharding {
  return new InputSharding({ config, objects, account, now: Date.now }, batch, 'bench');
}

const fileName = 'shards.json';

/** For the next process. */
export function keepShards(folder: string, shards: readonly ShardRecord[]): void {
  writeFileSync(join(folder, fileName), JSON.stringify(shards));
}

export function keptShards(folder: string): ShardRecord[] {
  return z.array(shardRecordSchema).parse(JSON.parse(readFileSync(join(folder, fileName), 'utf8')));
}
