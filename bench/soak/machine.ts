import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { demoAccount } from '../../cli/demo/demo-account.ts';
import { type ProviderKind, providerKinds } from '../../lib/providers/config.ts';
import { environmentName } from '../../lib/store/secrets.ts';
import { localBedrockRoleArn, localCredentials, localRegion, localStateMachineArn } from '../../local/local-account.ts';
import { SeededRandom } from '../../simulators/seeded-random.ts';
import type { AwsCall } from './aws-call.ts';
import { Child } from './child-process.ts';
import { drawDelay, drawFault, nameOfFault } from './drawn-faults.ts';
import { type DrawnFault, EndpointProxy } from './endpoint-proxy.ts';
import { type FaultRates, noFaults } from './fault-rates.ts';
import { createTimeoutSeconds, settleSeconds } from './provider-faults.ts';
import { SimulatedProviders } from './simulated-providers.ts';
import type { Tally } from './tally.ts';

/** The three local endpoints, as one party sees them. */
interface Endpoints {
  s3: EndpointProxy;
  dynamodb: EndpointProxy;
  /** Step Functions and EventBridge. */
  services: EndpointProxy;
}

const readySchema = z.object({
  endpoints: z.object({ s3: z.string(), dynamodb: z.string(), stepFunctions: z.string() }),
});
const troubleSchema = z.object({ trouble: z.string() });

const quick = { createTimeoutSeconds, settleSeconds };

/** Small shards, so that files split; and one account whose shards are as large as they come. */
const accounts = {
  ...everyKind(),
  team: { kind: 'openai', secret: 'c', limits: { maxRequests: 4 }, concurrency: 3, ...quick },
  bulk: { kind: 'openai', secret: 'd', ...quick },
} as const;
const config = {
  providers: accounts,
  tenants: ['blue'],
  polling: { minSeconds: 1, maxSeconds: 3 },
};

/** Batches of the account `team` that may be open at a time. */
export const teamConcurrency = accounts.team.concurrency;

/** How the deaths that nobody meant are called in the tally. */
export const diedByItself = { stack: 'stack DIED BY ITSELF', staleWorker: 'stale worker DIED BY ITSELF' } as const;

/**
 * All processes of a soak: the stack and a stale worker beside it, the providers, and between them and AWS's endpoints the
 * proxies that live here, where nothing is killed.
 */
export class Machine {
  readonly #folder: string;
  readonly #tally: Tally;
  readonly #random: SeededRandom;
  readonly providers: SimulatedProviders;
  /** What the soak itself sees: never struck. */
  readonly clear: Endpoints;
  readonly #struck: Endpoints;
  readonly #late: Endpoints;
  readonly #rates: { now: FaultRates };
  #stack: Child | null = null;
  #clockAheadMs = 0;
  #staleWorker: Child | null = null;
  #starts = 0;

  private constructor(
    folder: string,
    tally: Tally,
    random: SeededRandom,
    providers: SimulatedProviders,
    endpoints: { clear: Endpoints; struck: Endpoints; late: Endpoints },
    rates: { now: FaultRates },
  ) {
    this.#folder = folder;
    this.#tally = tally;
    this.#random = random;
    this.providers = providers;
    this.clear = endpoints.clear;
    this.#struck = endpoints.struck;
    this.#late = endpoints.late;
    this.#rates = rates;
  }

  static async start(folder: string, seed: number, tally: Tally): Promise<Machine> {
    await writeFile(join(folder, 'config.json'), JSON.stringify(config, null, 2));
    const random = new SeededRandom(`fault rates ${seed}`);
    const rates = { now: noFaults };
    const noted = (decide: (call: AwsCall) => DrawnFault) => (call: AwsCall) => {
      const fault = decide(call);
      const name = nameOfFault(call, fault);
      if (name !== null) tally.add(name);
      return fault;
    };
    const endpoints = {
      clear: await startEndpoints(() => ({ kind: 'pass' })),
      struck: await startEndpoints(noted((call) => drawFault(rates.now, call, random))),
      late: await startEndpoints(noted((call) => drawDelay(call, random))),
    };
    const aws = awsEnvironment(endpoints.clear);
    // S3 is away while the stack is dead: Bedrock's would not be.
    const providers = await SimulatedProviders.start(join(folder, 'providers'), { ...aws, AWS_MAX_ATTEMPTS: '12' });
    const machine = new Machine(folder, tally, random, providers, endpoints, rates);
    await machine.startStack();
    return machine;
  }

  /** What a process needs to know to take part, such as this one to cancel. */
  environment(endpoints: Endpoints): Record<string, string> {
    return {
      ...awsEnvironment(endpoints),
      BATCHDROP_BUCKET: 'batchdrop',
      BATCHDROP_TABLE: 'batchdrop',
      BATCHDROP_STATE_MACHINE_ARN: localStateMachineArn,
      BATCHDROP_CONFIG_FILE: join(this.#folder, 'config.json'),
      BATCHDROP_SECRETS: 'environment',
      BATCHDROP_BEDROCK_ROLE_ARN: localBedrockRoleArn,
      BATCHDROP_LOG_FILE: join(this.#folder, 'soak.log'),
      ...Object.fromEntries(
        Object.entries(accounts).flatMap(([name, { kind }]) => [
          [`${environmentName(name)}_BASE_URL`, this.providers.urls[kind]],
          [`${environmentName(name)}_API_KEY`, 'simulated'],
        ]),
      ),
    };
  }

  /** What the stacks and the stale workers said when they died. */
  get errorFile(): string {
    return join(this.#folder, 'errors.txt');
  }

  get eventsFile(): string {
    return join(this.#folder, 'data', 'events.jsonl');
  }

  setFaultRates(rates: FaultRates): void {
    this.#rates.now = rates;
    this.#stack?.send(rates);
  }

  async startStack(): Promise<void> {
    this.#starts += 1;
    const { s3, dynamodb, services } = this.#struck;
    const settings = {
      dataDir: join(this.#folder, 'data'),
      configFile: join(this.#folder, 'config.json'),
      seed: this.#random.below(2 ** 31),
      clockAheadMs: this.#clockAheadMs,
      simulators: this.providers.urls,
      proxies: { s3: s3.url, dynamodb: dynamodb.url, services: services.url },
    };
    const stack = new Child('./stack-process.ts', {
      args: [JSON.stringify(settings)],
      onMessage: (message) => this.#note(message),
      onDeath: () => this.#stackDied(),
      errorFile: this.errorFile,
    });
    const endpoints = await stack.firstMessage((message) => readySchema.safeParse(message).data?.endpoints ?? null);
    this.#stack = stack;
    this.#lead(endpoints);
    this.setFaultRates(this.#rates.now);
  }

  async startStackIfDead(): Promise<void> {
    if (!this.#stack) await this.startStack();
  }

  /** The stale worker dies too: to a stack that starts, nothing else runs. */
  async killStack(): Promise<void> {
    await Promise.all([this.#stack?.kill(), this.#staleWorker?.kill()]);
    this.#stack = null;
    this.#staleWorker = null;
    this.#lead(null);
  }

  /** As when a laptop sleeps for so long: what the records wait for has come when it is awake again. */
  async sleepThrough(forMs: number): Promise<void> {
    await this.killStack();
    this.#clockAheadMs += forMs;
    await this.startStack();
  }

  async pauseStack(forMs: number): Promise<void> {
    this.#stack?.signal('SIGSTOP');
    await sleep(forMs);
    this.#stack?.signal('SIGCONT');
  }

  startStaleWorker(): void {
    if (this.#staleWorker || !this.#stack) return;
    this.#staleWorker = new Child('./stale-worker-process.ts', {
      environment: { ...this.environment(this.#late), STALE_WORKER_SEED: String(this.#random.below(2 ** 31)) },
      onMessage: (message) => this.#note(message),
      onDeath: () => this.#tally.add(diedByItself.staleWorker),
      errorFile: this.errorFile,
    });
  }

  async killStaleWorker(): Promise<void> {
    const staleWorker = this.#staleWorker;
    this.#staleWorker = null;
    await staleWorker?.kill();
  }

  get starts(): number {
    return this.#starts;
  }

  async close(): Promise<void> {
    await this.killStack();
    await this.providers.kill();
    for (const { s3, dynamodb, services } of [this.clear, this.#struck, this.#late])
      await Promise.all([s3.close(), dynamodb.close(), services.close()]);
  }

  /** That must not happen. It stays dead until the schedule or the end starts another. */
  #stackDied(): void {
    this.#tally.add(diedByItself.stack);
    this.#stack = null;
    this.#lead(null);
  }

  #note(message: unknown): void {
    const trouble = troubleSchema.safeParse(message);
    if (trouble.success) this.#tally.add(trouble.data.trouble);
  }

  #lead(endpoints: { s3: string; dynamodb: string; stepFunctions: string } | null): void {
    for (const { s3, dynamodb, services } of [this.clear, this.#struck, this.#late]) {
      s3.leadTo(endpoints?.s3 ?? null);
      dynamodb.leadTo(endpoints?.dynamodb ?? null);
      services.leadTo(endpoints?.stepFunctions ?? null);
    }
  }
}

function awsEnvironment({ s3, dynamodb, services }: Endpoints): Record<string, string> {
  return {
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
    AWS_ENDPOINT_URL_SFN: services.url,
    AWS_ENDPOINT_URL_EVENTBRIDGE: services.url,
    AWS_REGION: localRegion,
    AWS_ACCESS_KEY_ID: localCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: localCredentials.secretAccessKey,
  };
}

function everyKind(): Record<ProviderKind, { kind: ProviderKind }> {
  /** At Groq what is left for another round goes one by one. */
  const minRequests: Partial<Record<ProviderKind, number>> = { bedrock: 1, groq: 3 };
  const entries = providerKinds.map((kind, index) => {
    const limits = { maxRequests: 4 + (index % 4), minRequests: minRequests[kind] };
    return [kind, { ...demoAccount(kind).entry, limits, ...quick }];
  });
  return Object.fromEntries(entries);
}

async function startEndpoints(fault: (call: AwsCall) => DrawnFault): Promise<Endpoints> {
  const [s3, dynamodb, services] = await Promise.all([
    EndpointProxy.start({ fault }),
    EndpointProxy.start({ fault }),
    EndpointProxy.start({ fault }),
  ]);
  return { s3, dynamodb, services };
}
