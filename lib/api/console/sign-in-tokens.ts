import { randomBytes } from 'node:crypto';
import { sha256 } from '../../records/digest.ts';

/** Long enough to walk over to a browser, and no longer. */
export const signInSeconds = 600;

/** Each printed link is one; nobody prints more within ten minutes. */
const maxTokens = 100;

interface SignIn {
  apiKey: string;
  expiresAtMs: number;
}

/** Tokens that stand in a link to the console. Each is traded for an API key once, within ten minutes; they are in memory only. */
export class SignInTokens {
  readonly #byDigest = new Map<string, SignIn>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** @returns a token that stands for the key. */
  issue(apiKey: string): string {
    this.#forgetExpired();
    const [oldest] = this.#byDigest.keys();
    if (oldest !== undefined && this.#byDigest.size >= maxTokens) this.#byDigest.delete(oldest);
    const token = randomBytes(32).toString('base64url');
    this.#byDigest.set(sha256(token), { apiKey, expiresAtMs: this.#now() + signInSeconds * 1_000 });
    return token;
  }

  /** @returns the key, or null for a token that was traded before, has expired or never was one. */
  trade(token: string): string | null {
    this.#forgetExpired();
    const digest = sha256(token);
    const found = this.#byDigest.get(digest);
    this.#byDigest.delete(digest);
    return found?.apiKey ?? null;
  }

  #forgetExpired(): void {
    for (const [digest, { expiresAtMs }] of this.#byDigest)
      if (expiresAtMs <= this.#now()) this.#byDigest.delete(digest);
  }
}
