import OpenAI from 'openai';
import type { ApiSettings } from '../../lib/api/api-environment.ts';
import { createApi } from '../../lib/api/app.ts';
import type { Services } from '../../lib/pipeline/services.ts';
import { createApiKey } from '../../lib/service/api-keys.ts';
import { serveOnLoopback } from '../../local/loopback-server.ts';
import { type Harness, type HarnessOptions, startHarness } from '../pipeline/harness.ts';
import { as } from '../policies/caller.ts';
import { checkAnswer } from './published-answers.ts';

export const settings: ApiSettings = {
  version: '1.2.3',
  maxFileBytes: 64 * 1024 * 1024,
  maxContentBytes: 64 * 1024 * 1024,
  maxIdleMs: 60_000,
  mergeBudgetMs: 10_000,
};

export interface ApiHarness {
  harness: Harness;
  url: string;
  key: string;
  client: OpenAI;
  /** A client of another tenant. */
  stranger: OpenAI;
  /** A client of another API over the same stores, with other settings or services. */
  served(changes: Partial<ApiSettings>, services?: Services): Promise<OpenAI>;
  /** Calls the API as nobody's client would. */
  raw(path: string, init?: RequestInit & { duplex?: 'half' }): Promise<Response>;
  close(): Promise<void>;
}

/** The API over real HTTP on the pipeline's harness. Every answer to the clients is checked against what OpenAI publishes. */
export async function startApi(options: HarnessOptions = {}): Promise<ApiHarness> {
  const harness = await startHarness(options);
  const closing: (() => Promise<void>)[] = [];
  const serve = async (changes: Partial<ApiSettings> = {}, services = harness.services) => {
    const api = createApi(() => services, { ...settings, ...changes });
    const server = await serveOnLoopback({ fetch: (...request) => as('api', () => api.fetch(...request)) }, 0);
    closing.push(server.close);
    return server.url;
  };
  const url = await serve();
  const { key } = await createApiKey(harness.services, 'default', 'test');
  const other = await createApiKey(harness.services, 'other', 'test');
  return {
    harness,
    url,
    key,
    client: clientOf(url, key),
    stranger: clientOf(url, other.key),
    served: async (changes, services) => clientOf(await serve(changes, services), key),
    raw: async (path, { headers, ...init } = {}) => {
      const answer = await fetch(url + path, {
        redirect: 'manual',
        ...init,
        headers: { authorization: `Bearer ${key}`, ...(headers as Record<string, string>) },
      });
      await checkAnswer(init.method ?? 'GET', new URL(url + path).pathname, answer);
      return answer;
    },
    close: async () => {
      await Promise.all(closing.map((close) => close()));
      await harness.close();
    },
  };
}

function clientOf(url: string, apiKey: string): OpenAI {
  return new OpenAI({
    apiKey,
    baseURL: `${url}/v1`,
    maxRetries: 0,
    fetch: async (target, init) => {
      const answer = await fetch(target, init);
      if (!answer.redirected)
        await checkAnswer(init?.method?.toUpperCase() ?? 'GET', new URL(String(target)).pathname, answer);
      return answer;
    },
  });
}

export function jsonlFile(lines: readonly string[], name = 'requests.jsonl'): File {
  return new File([`${lines.join('\n')}\n`], name);
}
