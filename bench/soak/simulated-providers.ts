import { mkdir } from 'node:fs/promises';
import { z } from 'zod';
import { type ProviderKind, providerKinds } from '../../lib/providers/config.ts';
import type { Fault } from '../../simulators/faults.ts';
import { Child } from './child-process.ts';

const creationSchema = z.object({
  provider: z.enum(providerKinds),
  providerBatchId: z.string(),
  createdAtMs: z.number(),
  requestIds: z.array(z.string()),
  endedAtMs: z.number().nullable(),
  hasFailed: z.boolean(),
});
export type Creation = z.infer<typeof creationSchema>;

export type FaultsByKind = Partial<Record<ProviderKind, Fault[]>>;

const readySchema = z.object({ urls: z.record(z.enum(providerKinds), z.string()) });
type Ready = z.infer<typeof readySchema>;

/** A provider of every kind in a process of their own, which lives on when a stack is killed and can be killed itself. */
export class SimulatedProviders {
  readonly #dataDir: string;
  readonly #environment: Record<string, string>;
  #child: Child;
  #ready: Ready;

  private constructor(dataDir: string, environment: Record<string, string>, child: Child, ready: Ready) {
    this.#dataDir = dataDir;
    this.#environment = environment;
    this.#child = child;
    this.#ready = ready;
  }

  /** @param environment how they reach S3: Bedrock works there. */
  static async start(dataDir: string, environment: Record<string, string>): Promise<SimulatedProviders> {
    await mkdir(dataDir, { recursive: true });
    const { child, ready } = await launch({ dataDir, ports: {} }, environment);
    return new SimulatedProviders(dataDir, environment, child, ready);
  }

  /** Base URLs by kind; the same after a restart. */
  get urls(): Ready['urls'] {
    return this.#ready.urls;
  }

  async kill(): Promise<void> {
    await this.#child.kill();
  }

  /** On the same ports and the same folder. */
  async restart(): Promise<void> {
    const portOf = (url: string) => Number(new URL(url).port);
    const ports = Object.fromEntries(Object.entries(this.urls).map(([kind, url]) => [kind, portOf(url)]));
    const { child, ready } = await launch({ dataDir: this.#dataDir, ports }, this.#environment);
    this.#child = child;
    this.#ready = ready;
  }

  /** In place of all that there were. */
  async setFaults(faults: FaultsByKind): Promise<void> {
    await Promise.all(providerKinds.map((kind) => this.#call(kind, 'faults', faults[kind] ?? [])));
  }

  /** Every batch that a provider ever accepted. */
  async creations(): Promise<Creation[]> {
    return z.array(creationSchema).parse(await this.#readAll('creations'));
  }

  /** Ids of the batches that may still work on lines. */
  async openBatches(): Promise<string[]> {
    return z.array(z.string()).parse(await this.#readAll('open'));
  }

  async #readAll(what: 'creations' | 'open'): Promise<unknown[]> {
    return (await Promise.all(providerKinds.map((kind) => this.#call(kind, what)))).flat();
  }

  async #call(kind: ProviderKind, what: 'creations' | 'open' | 'faults', faults?: Fault[]): Promise<unknown> {
    const put = faults === undefined ? {} : { method: 'PUT', body: JSON.stringify(faults) };
    const answer = await fetch(new URL(`/__simulator/${what}`, this.urls[kind]), put);
    if (!answer.ok) throw new Error(`The simulator of ${kind} failed: ${await answer.text()}`);
    return answer.json();
  }
}

async function launch(
  settings: { dataDir: string; ports: Record<string, number> },
  environment: Record<string, string>,
): Promise<{ child: Child; ready: Ready }> {
  const ports = Object.entries(settings.ports).map(([kind, port]) => `${kind}=${port}`);
  const args = ['--data-dir', settings.dataDir, '--kinds', providerKinds.join(','), '--ports', ports.join(',')];
  const child = new Child('../../simulators/main.ts', {
    args: [...args, '--min-records', '1', '--output-files', '3'],
    environment,
  });
  const ready = await child.firstMessage((message) => readySchema.safeParse(message).data ?? null);
  return { child, ready };
}
