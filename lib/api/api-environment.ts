import type { Context } from 'hono';
import type { Services } from '../pipeline/services.ts';
import type { ApiKeyRole } from '../records/api-key.ts';
import type { ConsoleFiles } from './console/console-files.ts';
import type { SignInTokens } from './console/sign-in-tokens.ts';

/** What differs between where the API runs. */
export interface ApiSettings {
  version: string;
  /** Largest file that one request may carry. Lambda: 6 MB of event, of which base64 takes a quarter. */
  maxFileBytes: number;
  /** Largest file that one answer carries; a larger one is behind a link. */
  maxContentBytes: number;
  /** A body that brings nothing for so long is given up. */
  maxIdleMs: number;
  /** How long one request may merge a file's parts, within the gateway's 30 s. */
  mergeBudgetMs: number;
  /** What requests wait for, where the API answers before it can work. */
  isOpen?: Promise<void>;
  /** The console's files, read when a browser first asks; without them there is no console. */
  consoleFiles?: () => Promise<ConsoleFiles>;
  /** Where links may sign in to the console, which is on the machine of whoever looks at it. */
  signInTokens?: SignInTokens;
}

/** What middleware leaves for the routes. */
export interface ApiEnvironment {
  Variables: {
    services: Services;
    settings: ApiSettings;
    requestId: string;
    tenant: string;
    apiKeyId: string;
    role: ApiKeyRole;
  };
}

export type ApiContext = Context<ApiEnvironment>;
