import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { Fault } from '../../lib/local/simulators/faults.ts';
import { Child } from './child-process.ts';

const creationSchema = z.object({
  provider: z.enum(['openai', 'anthropic']),
  providerBatchId: z.string(),
  createdAtMs: z.number(),
  requestIds: z.array(z.string()),
  endedAtMs: z.number().nullable(),
});
export type Creation = z.infer<typeof creationSchema>;

const readySchema = z
  .object({ openaiUrl: z.string(), anthropicUrl: z.string() })
  .transform(({ openaiUrl, anthropicUrl }) => ({ openai: openaiUrl, anthropic: anthropicUrl }));
type Urls = z.infer<typeof readySchema>;

/** Both providers in a process of their own, which lives on when a stack is killed and can be killed itself. */
export class SimulatedProviders {
  readonly #folder: string;
  #child: Child;
  /** The same after a restart. */
  readonly urls: Urls;

  private constructor(folder: string, child: Child, urls: Urls) {
    this.#folder = folder;
    this.#child = child;
    this.urls = urls;
  }

  static async start(folder: string): Promise<SimulatedProviders> {
    await mkdir(folder, { recursive: true });
    const { child, urls } = await launch(folder, { openai: '0', anthropic: '0' });
    return new SimulatedProviders(folder, child, urls);
  }

  async kill(): Promise<void> {
    await this.#child.kill();
  }

  /** On the same ports and the same folder. */
  async restart(): Promise<void> {
    const portOf = (url: string) => new URL(url).port;
    const ports = { openai: portOf(this.urls.openai), anthropic: portOf(this.urls.anthropic) };
    this.#child = (await launch(this.#folder, ports)).child;
  }

  async setFaults(faults: { openai: Fault[]; anthropic: Fault[] }): Promise<void> {
    await Promise.all([this.#put(this.urls.openai, faults.openai), this.#put(this.urls.anthropic, faults.anthropic)]);
  }

  /** Every batch that either provider ever accepted. */
  async creations(): Promise<Creation[]> {
    const answers = await Promise.all(this.#origins().map((origin) => readJson(`${origin}/__simulator/creations`)));
    return answers.flatMap((answer) => z.array(creationSchema).parse(answer));
  }

  /** Ids of the batches that may still work on lines. */
  async openBatches(): Promise<string[]> {
    const answers = await Promise.all(this.#origins().map((origin) => readJson(`${origin}/__simulator/open`)));
    return answers.flatMap((answer) => z.array(z.string()).parse(answer));
  }

  /** Whether OpenAI failed a batch as a whole, before any of its lines ran. */
  async hasFailed(providerBatchId: string): Promise<boolean> {
    const url = `${this.urls.openai}/batches/${providerBatchId}`;
    const batch = await readJson(url, { authorization: 'Bearer simulated' });
    return z.object({ status: z.string() }).parse(batch).status === 'failed';
  }

  #origins(): string[] {
    return [this.urls.openai, this.urls.anthropic].map((url) => new URL(url).origin);
  }

  async #put(url: string, faults: Fault[]): Promise<void> {
    const answer = await fetch(`${new URL(url).origin}/__simulator/faults`, {
      method: 'PUT',
      body: JSON.stringify(faults),
    });
    if (!answer.ok) throw new Error(`A simulator did not take its faults: ${await answer.text()}`);
  }
}

async function readJson(url: string, headers: Record<string, string> = {}): Promise<unknown> {
  return (await fetch(url, { headers })).json();
}

async function launch(
  folder: string,
  ports: { openai: string; anthropic: string },
): Promise<{ child: Child; urls: Urls }> {
  const readyFile = join(folder, 'ready.json');
  await rm(readyFile, { force: true });
  const args = ['--data-dir', folder, '--ready-file', readyFile];
  const child = new Child('../../lib/local/simulators/main.ts', {
    args: [...args, '--openai-port', ports.openai, '--anthropic-port', ports.anthropic],
  });
  while (!existsSync(readyFile)) await sleep(20);
  return { child, urls: readySchema.parse(JSON.parse(await readFile(readyFile, 'utf8'))) };
}
