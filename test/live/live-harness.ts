import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { onTestFinished, vi } from 'vitest';
import { Journal } from '../../lib/live/journal.ts';
import { type GatherOptions, LiveRun } from '../../lib/live/live-run.ts';
import { type LiveServer, type ServeOptions, serveLive } from '../../lib/live/server.ts';
import { LiveTarget } from '../../lib/live/target.ts';
import { Upstream } from './upstream.ts';

export const quick: GatherOptions = { gatherSeconds: 0.1, pollIntervalSeconds: 0.05 };
const patience = { timeout: 60_000, interval: 20 };

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'live-calls-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

export async function startUpstream(): Promise<Upstream> {
  const upstream = new Upstream();
  await upstream.start();
  onTestFinished(() => upstream.close());
  return upstream;
}

type ServingOptions = Partial<ServeOptions> &
  GatherOptions & {
    maxCostUsd?: number;
    createTimeoutSeconds?: number;
    /** What every request is estimated at, and costs. */
    usdOf?: { estimate: number; batch: number; single: number };
  };

/** A server, its run and its journal, which can be killed and started again. */
export class Serving {
  readonly folder: string;
  readonly upstream: Upstream;
  run!: LiveRun;
  server!: LiveServer;
  readonly #options: ServingOptions;

  constructor(folder: string, upstream: Upstream, options: ServingOptions) {
    this.folder = folder;
    this.upstream = upstream;
    this.#options = options;
  }

  get target(): LiveTarget {
    const { createTimeoutSeconds = 120 } = this.#options;
    const times = { createTimeoutSeconds, settleSeconds: 0.1 };
    const { usdOf } = this.#options;
    const pricing = usdOf && {
      atMost: () => ({ batchUsd: usdOf.estimate, singleUsd: usdOf.single }),
      priceOf: () => ({ batchUsd: usdOf.batch, singleUsd: usdOf.single }),
    };
    const at = { provider: 'openai', apiKey: 'sk-server', apiBase: this.upstream.url };
    return new LiveTarget({ ...at, ...times }, pricing && { pricing });
  }

  async start(): Promise<void> {
    const { gatherSeconds, pollIntervalSeconds, maxAttempts, maxBatchRequests } = { ...quick, ...this.#options };
    const gather = {
      ...(gatherSeconds && { gatherSeconds }),
      ...(pollIntervalSeconds && { pollIntervalSeconds }),
      ...(maxAttempts && { maxAttempts }),
      ...(maxBatchRequests && { maxBatchRequests }),
    };
    const journal = Journal.open(this.folder, { pid: process.pid, url: null }, Date.now());
    this.run = new LiveRun({ name: 'test', journal, maxCostUsd: this.#options.maxCostUsd, ...gather });
    const { target } = this;
    this.run.attach(target);
    this.server = await serveLive({ run: this.run, target, port: 0, ...this.#options });
  }

  /** As after a kill: no caller hears of it in order, and nothing more is written. */
  async stop(): Promise<void> {
    await this.server.close();
    await this.run.close();
  }

  /** @param pass the base URL of that pass; without it that of no run. */
  url(pass?: string): string {
    return pass === undefined ? `${this.server.url}/v1` : `${this.server.url}/run/test.${pass}/v1`;
  }

  client(options: { pass?: string; apiKey?: string; timeout?: number; maxRetries?: number } = {}): OpenAI {
    const { pass, apiKey = 'sk-caller', ...rest } = options;
    return new OpenAI({ baseURL: this.url(pass), apiKey, maxRetries: 2, ...rest });
  }
}

export async function startServing(options: ServingOptions = {}): Promise<Serving> {
  const serving = new Serving(temporaryFolder(), await startUpstream(), options);
  await serving.start();
  onTestFinished(() => serving.stop().catch(() => undefined));
  return serving;
}

export async function ask(client: OpenAI, prompt: string, more: { signal?: AbortSignal } = {}): Promise<string> {
  const answer = await client.chat.completions.create(
    { model: 'gpt-4o-mini', messages: [{ role: 'user', content: prompt }] },
    more,
  );
  return answer.choices[0]?.message.content ?? '';
}

/** Waits for a condition, however slow the machine is. */
export async function until(condition: () => boolean): Promise<void> {
  await vi.waitUntil(condition, patience);
}
