import { join } from 'node:path';
import { secretOf } from '../lib/providers/account.ts';
import type { Config, ProviderConfig, ProviderKind } from '../lib/providers/config.ts';
import { providers } from '../lib/providers/registry.ts';
import { apiKeyPrefix } from '../lib/records/api-key.ts';
import { ConfigurationError } from '../lib/records/errors.ts';
import { environmentName, simulatedKey } from '../lib/store/secrets.ts';
import { type Simulator, startSimulator } from '../simulators/simulators.ts';

/** How the configured providers are reached from here. */
export interface ProviderAccess {
  /** `<NAME>_API_KEY` and `<NAME>_BASE_URL` of the simulated ones. */
  environment: Record<string, string>;
  /** Names of the providers that are simulated. */
  simulated: string[];
  close(): Promise<void>;
}

/** Simulators of another process. */
export type SimulatorUrls = Partial<Record<ProviderKind, string>>;

export interface ProviderChoice {
  /** Used in place of simulators of our own. */
  simulators?: SimulatorUrls | undefined;
  /** Simulates even a provider with a key. */
  simulateAll?: boolean;
}

/** A provider with a key in the environment, or without need of one, is the real one; every other gets a simulator of its own. */
export async function openProviderAccess(
  config: Config,
  dataDir: string,
  choice: ProviderChoice,
): Promise<ProviderAccess> {
  for (const name of Object.keys(config.providers)) assertForeignKey(name);
  const hasKey = (name: string) => Boolean(process.env[`${environmentName(name)}_API_KEY`]);
  // What runs in AWS reads and writes S3, which is simulated here.
  const isReal = ([name, provider]: [string, ProviderConfig]) =>
    !providers[provider.kind].aws && (secretOf(provider) === null || hasKey(name));
  const simulated = Object.entries(config.providers).filter((entry) => choice.simulateAll || !isReal(entry));
  const access = await Promise.all(
    simulated.map(async ([name, provider]) => ({
      name,
      ...(await simulate(name, provider, dataDir, choice.simulators)),
    })),
  );
  return {
    environment: Object.fromEntries(access.flatMap(({ name, url }) => variables(name, url))),
    simulated: simulated.map(([name]) => name),
    close: async () => {
      await Promise.all(access.map(({ simulator }) => simulator?.close()));
    },
  };
}

/** @throws ConfigurationError for a key of Batchdrop, as the variables of an OpenAI client of this stack hold it. */
function assertForeignKey(name: string): void {
  const variable = `${environmentName(name)}_API_KEY`;
  if (!process.env[variable]?.startsWith(apiKeyPrefix)) return;
  const baseUrl = `${environmentName(name)}_BASE_URL`;
  const message = `${variable} holds a key of Batchdrop itself, so this stack would be its own provider and make batches without end. Start it without these variables: env -u ${variable} -u ${baseUrl} npm start`;
  throw new ConfigurationError(message);
}

function variables(name: string, url: string): [string, string][] {
  return [
    [`${environmentName(name)}_API_KEY`, simulatedKey],
    [`${environmentName(name)}_BASE_URL`, url],
  ];
}

interface Simulated {
  url: string;
  /** Null where it runs in another process. */
  simulator: Simulator | null;
}

async function simulate(
  name: string,
  provider: ProviderConfig,
  dataDir: string,
  outside: SimulatorUrls = {},
): Promise<Simulated> {
  const url = outside[provider.kind];
  if (url !== undefined) return { url, simulator: null };
  const simulator = await startSimulator[provider.kind]({
    dataDir: join(dataDir, 'simulators', name),
    ...(provider.kind === 'live' && { api: provider.api }),
  });
  return { url: simulator.url, simulator };
}
