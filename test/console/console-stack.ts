import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServices, type Log } from '../../lib/pipeline/services.ts';
import { createApiKey } from '../../lib/service/api-keys.ts';
import { listenOnLoopback } from '../../local/loopback-server.ts';
import { type LocalStack, startLocalStack } from '../../local/runtime.ts';

/** What a customer or a provider may write, and a page must not do. */
export const hostileText =
  '<img src=x onerror="window.hacked=1"><script>window.hacked=2</script> \u202eevil\u202c {{constructor}} javascript:window.hacked=3';

export interface ConsoleStack {
  stack: LocalStack;
  /** A key of another tenant, who is no operator. */
  strangerKey: string;
  /** Answers what is held open. */
  release(): void;
  close(): Promise<void>;
}

/**
 * A local stack with simulated OpenAI and Anthropic, and an account `own` of this process, whose models say what a test needs: `own-echo`
 * gives back what it was asked, `own-refuse` refuses it with the same words, `own-slow` answers nothing before it is released.
 */
export async function startConsoleStack(): Promise<ConsoleStack> {
  const resources = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'batchdrop-console-'));
  resources.defer(() => rmSync(folder, { recursive: true, force: true }));
  const own = await startOwnProvider();
  resources.defer(own.close);
  const configFile = join(folder, 'config.json');
  const config = {
    providers: {
      openai: { kind: 'openai', secret: 'openai' },
      anthropic: { kind: 'anthropic', secret: 'anthropic' },
      own: { kind: 'live', api: 'openai', baseUrl: `${own.url}/v1`, models: ['own-*'] },
    },
    polling: { minSeconds: 1, maxSeconds: 1 },
  };
  writeFileSync(configFile, JSON.stringify(config));
  for (const name of ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY']) delete process.env[name];
  const stack = await startLocalStack({ dataDir: join(folder, 'data'), configFile });
  resources.defer(() => stack.close());
  const { key } = await createApiKey(createServices(process.env, { log: silent }), 'stranger', 'test');
  return { stack, strangerKey: key, release: own.release, close: () => resources.disposeAsync() };
}

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

interface Chat {
  model: string;
  messages: { content: string }[];
}

async function startOwnProvider() {
  const released = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    void answer(request, response, released.promise);
  });
  const url = await listenOnLoopback(server, 0);
  const close = async () => {
    released.resolve();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url, release: released.resolve, close };
}

async function answer(request: IncomingMessage, response: ServerResponse, released: Promise<void>): Promise<void> {
  const text = await textOf(request);
  // Before a batch is sent its account's key is tried with a list of models.
  if (request.method !== 'POST') return void response.end('{"object": "list", "data": []}');
  const { model, messages } = JSON.parse(text) as Chat;
  const said = messages.map(({ content }) => content).join('\n');
  if (model === 'own-slow') await released;
  response.statusCode = model === 'own-refuse' ? 400 : 200;
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(response.statusCode === 400 ? refusal(said) : completion(model, said)));
}

function refusal(message: string): object {
  return { error: { message, type: 'invalid_request_error', param: null, code: 'invalid_prompt' } };
}

function completion(model: string, content: string): object {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_790_000_000,
    model,
    choices: [
      { index: 0, message: { role: 'assistant', content, refusal: null }, finish_reason: 'stop', logprobs: null },
    ],
    usage: { prompt_tokens: 12, completion_tokens: 34, total_tokens: 46 },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}

/** A request line for a chat completion. */
export function line(customId: string, model: string, content: string): string {
  const body = { model, messages: [{ role: 'user', content }] };
  return `${JSON.stringify({ custom_id: customId, method: 'POST', url: '/v1/chat/completions', body })}\n`;
}
