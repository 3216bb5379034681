import { SecretsProvider } from '@aws-lambda-powertools/parameters/secrets';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { secretNameIn } from '../records/deployment-settings.ts';
import { ConfigurationError, messageOf, TransientError } from '../records/errors.ts';
import { type Observe, unobserved } from './observe.ts';

/** The source of the providers' API keys. */
export interface Secrets {
  /**
   * @param refresh bypasses the cache, for when the provider has refused the key.
   * @throws ConfigurationError that names the secret and says what to do; TransientError where it may pass by itself.
   */
  apiKey(providerName: string, secret: string, refresh?: boolean): Promise<string>;
}

/** Five minutes: a changed key is noticed soon, and calls to Secrets Manager cost very little. */
const maxAgeSeconds = 300;

export class SecretsManagerSecrets implements Secrets {
  readonly #provider: SecretsProvider;
  readonly #deployment: string;

  /** @param deployment whose name secrets without a slash are relative to. */
  constructor(client: SecretsManagerClient, deployment: string) {
    this.#provider = new SecretsProvider({ awsSdkV3Client: client });
    this.#deployment = deployment;
  }

  static connect(deployment: string, observe: Observe = unobserved): SecretsManagerSecrets {
    return new SecretsManagerSecrets(observe(new SecretsManagerClient()), deployment);
  }

  async apiKey(providerName: string, secret: string, refresh = false): Promise<string> {
    const name = secretNameIn(this.#deployment, secret);
    const value = await this.#read(providerName, name, refresh);
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
    throw new ConfigurationError(`The secret '${name}' of provider '${providerName}' is empty: put its API key there.`);
  }

  async #read(providerName: string, secret: string, refresh: boolean): Promise<string | Uint8Array | undefined> {
    try {
      return await this.#provider.get(secret, { maxAge: maxAgeSeconds, forceFetch: refresh });
    } catch (cause) {
      const message = `The secret '${secret}' of provider '${providerName}' cannot be read: ${messageOf(cause)}`;
      throw isSetting(cause) ? new ConfigurationError(message, { cause }) : new TransientError(message, { cause });
    }
  }
}

/** What somebody has to put right. All else, such as a service that is throttled or away, passes. */
const settingErrors = new Set(['ResourceNotFoundException', 'AccessDeniedException']);

/** Whether a secret cannot be read because of how it was set up. Powertools wraps the error of the SDK. */
function isSetting(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause)
    if (settingErrors.has(current.name)) return true;
  return false;
}

/** Keys from the environment, for the local runtime: `<NAME>_API_KEY`. */
export class EnvironmentSecrets implements Secrets {
  readonly #environment: NodeJS.ProcessEnv;

  constructor(environment: NodeJS.ProcessEnv) {
    this.#environment = environment;
  }

  async apiKey(providerName: string): Promise<string> {
    const variable = `${environmentName(providerName)}_API_KEY`;
    const value = this.#environment[variable];
    if (value) return value;
    throw new ConfigurationError(`The key of provider '${providerName}' is missing: set ${variable}.`);
  }
}

/** Stands in place of the key of an account that the local stack simulates. */
export const simulatedKey = 'simulated';

/** Turns a provider's name into the spelling of variables: `my-openai` becomes `MY_OPENAI`. */
export function environmentName(providerName: string): string {
  return providerName.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
}
