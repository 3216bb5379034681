import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { joinedLines } from '../../../lib/lines/joined-lines.ts';
import { splitLines } from '../../../lib/lines/jsonl.ts';
import { type BatchProviderKind, providerConfigSchema } from '../../../lib/providers/config.ts';
import { connectClient } from '../../../lib/providers/connect.ts';
import type {
  AnsweredLine,
  Catalog,
  ConnectionSettings,
  ProviderBatch,
  ProviderClient,
  Sending,
  TranslatedResult,
} from '../../../lib/providers/contract.ts';
import { ownEndpoint } from '../../../lib/providers/own-endpoint.ts';
import { providers } from '../../../lib/providers/registry.ts';
import type { Endpoint } from '../../../lib/records/endpoints.ts';
import { positionOf, providerLineId, sendingPrefix } from '../../../lib/records/ids.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulators/simulators.ts';
import { subjects } from '../../fixtures/providers/every-provider.ts';
import { lineOf, openAILine } from './lines.ts';
import { workplace } from './workplace.ts';

export const apiKey = 'sk-contract-0123456789';

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'provider-contract-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export interface Connection {
  simulator: Simulator;
  client: ProviderClient & Catalog;
}

/** A provider's client against its simulator, which is done as soon as it has read its input. */
export async function connect(
  kind: BatchProviderKind,
  options: Partial<SimulatorOptions> = {},
  config: { createTimeoutSeconds?: number } = {},
): Promise<Connection> {
  const simulator = await startSimulator[kind]({
    apiKey,
    minRecords: 1,
    timing: { validatingMs: 0, inProgressMs: 0, finalizingMs: 0 },
    ...options,
    dataDir: temporaryFolder(),
  });
  onTestFinished(() => simulator.close());
  return { simulator, client: clientFor(kind, simulator.url, async () => apiKey, config) };
}

export function clientFor(
  kind: BatchProviderKind,
  baseUrl: string,
  key: (refresh?: boolean) => Promise<string>,
  config: AccountChanges = {},
): ProviderClient & Catalog {
  return connectClient(providers[kind], settingsFor(kind, baseUrl, key, config));
}

interface AccountChanges {
  createTimeoutSeconds?: number;
  limits?: { minRequests: number };
}

export function settingsFor(
  kind: BatchProviderKind,
  baseUrl: string,
  key: (refresh?: boolean) => Promise<string>,
  config: AccountChanges = {},
): ConnectionSettings {
  return {
    name: `our-${kind}`,
    config: {
      ...providerConfigSchema.parse({ secret: `batchdrop/${kind}`, ...subjects[kind].config, kind, baseUrl }),
      createTimeoutSeconds: 120,
      settleSeconds: 60,
      ...config,
    },
    apiKey: key,
    workplace: workplace(),
  };
}

let sendings = 0;

/** One sending of chat lines with these texts; the customer's ids are `line-0`, `line-1`, ... */
export function sendingOf(kind: BatchProviderKind, texts: readonly string[]): Sending {
  return sendingOfBodies(
    kind,
    texts.map((text) => ({ messages: [{ role: 'user', content: text }], max_tokens: 50 })),
  );
}

/** The same with whole bodies; those without a model get the provider's usual one. */
export function sendingOfBodies(
  kind: BatchProviderKind,
  bodies: readonly object[],
  endpoint: Endpoint = '/v1/chat/completions',
): Sending {
  sendings += 1;
  const prefix = sendingPrefix({ batchId: `batch_${'c0ffee00'.repeat(4)}`, round: 0, shard: sendings, attempt: 1 });
  const token = `token-${sendings}-${randomUUID()}`;
  const lines = bodies.map((body, position) => requestBytes(kind, body, endpoint, providerLineId(prefix, position)));
  return {
    batchId: `batch_${'c0ffee00'.repeat(4)}`,
    prefix,
    token,
    endpoint: ownEndpoint(providers[kind], { endpoint, model: subjects[kind].model }),
    model: subjects[kind].model,
    lineCount: bodies.length,
    lines: (separator) => joinedLines(lines, separator),
    metadata: { batchdrop_batch: `batch_${'c0ffee00'.repeat(4)}`, batchdrop_token: token },
  };
}

function requestBytes(kind: BatchProviderKind, body: object, endpoint: Endpoint, lineId: string): Buffer {
  const line = lineOf(openAILine('x', { model: subjects[kind].model, ...body }, endpoint), endpoint);
  const translated = providers[kind].translateRequest(line, { lineId, model: line.model });
  if (!translated.ok) throw new Error(translated.error.message);
  return translated.bytes;
}

export const noAbort = new AbortController().signal;

/** Uploads and creates. */
export async function submit({ client }: Connection, sending: Sending): Promise<string> {
  const uploaded = await client.upload(sending, noAbort);
  if (uploaded.outcome !== 'uploaded') throw new Error(JSON.stringify(uploaded));
  const created = await client.create(sending, uploaded.providerInputFileId, noAbort);
  if (created.outcome !== 'created') throw new Error(JSON.stringify(created));
  return created.providerBatchId;
}

/** The id of the uploaded input, for a create by hand. */
export async function inputFileOf({ client }: Connection, sending: Sending): Promise<string | null> {
  const uploaded = await client.upload(sending, noAbort);
  if (uploaded.outcome !== 'uploaded') throw new Error(JSON.stringify(uploaded));
  return uploaded.providerInputFileId;
}

/** Looks until the batch has ended; `seen` receives each look. */
export async function ended(
  { client }: Connection,
  providerBatchId: string,
  seen: ProviderBatch[] = [],
): Promise<ProviderBatch> {
  for (;;) {
    const batch = await client.retrieve(providerBatchId, noAbort);
    seen.push(batch);
    if (!['validating', 'in_progress', 'cancelling'].includes(batch.phase)) return batch;
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}

/** All of a batch's result lines, translated, in the order in which they came. */
export async function resultsOf(
  kind: BatchProviderKind,
  { client }: Connection,
  batch: ProviderBatch,
  sending: Sending,
): Promise<TranslatedResult[]> {
  const results: TranslatedResult[] = [];
  for (const ref of batch.resultRefs) {
    for await (const lines of splitLines(client.results(batch, ref, noAbort))) {
      for (const { bytes } of lines) if (bytes) results.push(providers[kind].translateResult(bytes, finder(sending)));
    }
  }
  return results;
}

function finder(sending: Sending): (lineId: string) => AnsweredLine | null {
  return (lineId) => {
    const position = positionOf(lineId, sending.prefix);
    if (position === null) return null;
    const { endpoint, model } = sending;
    return { position, customId: `line-${position}`, format: 'openai', endpoint, model, attempts: 1 };
  };
}

/** How often each kind of result came. */
export function tally(results: readonly TranslatedResult[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind } of results) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

export function positionsOf(results: readonly TranslatedResult[]): number[] {
  return results.flatMap((result) => ('position' in result ? [result.position] : [])).sort((a, b) => a - b);
}
