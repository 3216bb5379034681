import { messageOf, ProviderAuthenticationError, safeText, TransientError } from '../../../records/errors.ts';
import { rememberSecret } from '../../../records/known-secrets.ts';
import { secretOf } from '../../account.ts';
import type { ConnectionSettings } from '../../contract.ts';
import { failedCall, isKeyRefusal, isOwnError } from './failed-call.ts';

type Operation<Client, Result> = (client: Client) => Promise<Result>;

/** A client for the key of the moment: the key can change while we run. */
export class KeyedClient<Client> {
  readonly #settings: ConnectionSettings;
  readonly #make: (apiKey: string) => Client;
  #current: { apiKey: string; client: Client } | undefined;

  constructor(settings: ConnectionSettings, make: (apiKey: string) => Client) {
    this.#settings = settings;
    this.#make = make;
  }

  /**
   * Makes a call. Where the key is refused, the secret is read once more, and the call repeated if it has changed.
   *
   * @param isRefusal which errors say that it is.
   * @throws ProviderAuthenticationError where there is no other key.
   */
  async call<Result>(operation: Operation<Client, Result>, isRefusal = isKeyRefusal): Promise<Result> {
    const apiKey = await this.#key(false);
    try {
      return await operation(this.#clientFor(apiKey));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return await this.#callAgain(apiKey, operation, isRefusal, error);
    }
  }

  async #callAgain<Result>(
    refusedKey: string,
    operation: Operation<Client, Result>,
    isRefusal: (error: unknown) => boolean,
    refusal: unknown,
  ): Promise<Result> {
    const apiKey = await this.#key(true);
    if (apiKey === refusedKey) throw this.#refused(refusal);
    try {
      return await operation(this.#clientFor(apiKey));
    } catch (error) {
      throw isRefusal(error) ? this.#refused(error) : error;
    }
  }

  /** An error here is not the provider's: nothing was sent. What is read will be hidden wherever a text repeats it. */
  async #key(refresh: boolean): Promise<string> {
    try {
      const apiKey = await this.#settings.apiKey(refresh);
      if (this.#current?.apiKey !== apiKey) rememberSecret(apiKey);
      return apiKey;
    } catch (error) {
      if (isOwnError(error)) throw error;
      throw new TransientError(`${this.#secret()} could not be read: ${safeText(messageOf(error))}`, { cause: error });
    }
  }

  #clientFor(apiKey: string): Client {
    if (apiKey === '' && secretOf(this.#settings.config) !== null)
      throw new ProviderAuthenticationError(`${this.#secret()} is empty. Put the API key into it.`);
    if (this.#current?.apiKey !== apiKey) this.#current = { apiKey, client: this.#make(apiKey) };
    return this.#current.client;
  }

  #refused(cause: unknown): ProviderAuthenticationError {
    const failed = failedCall(cause);
    const status = failed.kind === 'answered' ? ` with HTTP ${failed.status}` : '';
    if (secretOf(this.#settings.config) === null) return this.#refusedWithoutSecret(status, failed.message);
    const message = `Provider ${this.#settings.name} refused its API key${status}. ${this.#secret()} must hold a valid key that may use the batch API; put one in. Batches that run go on by themselves; one that failed for it is to be submitted again.`;
    return new ProviderAuthenticationError(message, { cause: new Error(failed.message) });
  }

  #refusedWithoutSecret(status: string, reason: string): ProviderAuthenticationError {
    const message = `Provider ${this.#settings.name} refused a call${status}. Its entry in the configuration names no secret: name one and put the key there, or check what its identity may do.`;
    return new ProviderAuthenticationError(message, { cause: new Error(reason) });
  }

  #secret(): string {
    return `The secret '${this.#settings.config.secret}' of provider ${this.#settings.name}`;
  }
}
