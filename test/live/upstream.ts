import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

interface UpstreamBatch {
  id: string;
  input_file_id: string;
  created_at: number;
  lines: { custom_id: string; url: string; body: { messages?: { content: unknown }[]; [member: string]: unknown } }[];
  isDone: boolean;
  isCancelled?: boolean;
}

/** What the next creations meet: an answer, a connection that breaks after the creation, or before it. */
export type CreateFate = 'created' | 'answer lost' | 'never arrived';

/**
 * A provider that speaks OpenAI's batch API and counts what it is asked to do: every line of every batch is one that is paid
 * for. Its answers are numbered, so that two samples can be told apart.
 */
export class Upstream {
  readonly files = new Map<string, string>();
  readonly batches = new Map<string, UpstreamBatch>();
  /** Prompts in the order in which they were paid for. */
  readonly paid: string[] = [];
  readonly headers: IncomingMessage['headers'][] = [];
  readonly fates: CreateFate[] = [];
  /** Prompts that are answered with this status. */
  readonly failures = new Map<string, number[]>();
  /** Batches that were to be cancelled, and whether they end by that. */
  readonly cancelled: string[] = [];
  cancels = true;
  /** Whether batches end by themselves. */
  isQuick = true;
  isDown = false;
  /** Whether a gateway's page comes in place of results. */
  hidesResults = false;
  url = '';
  readonly #server = createServer((request, response) => {
    void this.#handle(request, response);
  });

  async start(port = 0): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Ends all batches that are there. */
  finish(): void {
    for (const batch of this.batches.values()) batch.isDone = true;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece);
    const body = Buffer.concat(pieces).toString('utf8');
    const [path = ''] = (request.url ?? '').replace(/^\/v1/, '').split('?');
    if (this.isDown) return void response.destroy();
    if (request.url?.startsWith('/v1/')) this.headers.push(request.headers);
    const [, kind, id, content] = path.split('/');
    if (request.method === 'POST' && kind === 'files') return json(response, this.#store(body));
    if (request.method === 'POST' && content === 'cancel') return json(response, this.#cancel(id ?? ''));
    if (request.method === 'POST' && kind === 'batches') return this.#create(response, JSON.parse(body));
    if (kind === 'files' && content === 'content')
      return void response.end(this.hidesResults ? '<html>Sorry</html>' : (this.files.get(id ?? '') ?? ''));
    if (kind === 'batches' && id) return json(response, view(this.batches.get(id)));
    if (kind === 'batches')
      return json(response, { object: 'list', data: [...this.batches.values()].reverse().map(view), has_more: false });
    if (kind === 'models') return json(response, { object: 'list', data: [{ id: 'gpt-4o-mini', object: 'model' }] });
    response.writeHead(404).end('{}');
  }

  #cancel(id: string): object {
    const batch = this.batches.get(id);
    this.cancelled.push(id);
    if (batch && this.cancels) batch.isCancelled = true;
    return view(batch);
  }

  #store(form: string): object {
    const id = `file-${this.files.size + 1}`;
    const lines = form.split(/\r?\n/).filter((line) => line.startsWith('{'));
    this.files.set(id, lines.join('\n'));
    return { id, object: 'file', bytes: form.length, created_at: 1, filename: 'x.jsonl', purpose: 'batch' };
  }

  #create(response: ServerResponse, { input_file_id }: { input_file_id: string }): void {
    const fate = this.fates.shift() ?? 'created';
    if (fate === 'never arrived') return void response.destroy();
    const lines = (this.files.get(input_file_id) ?? '').split('\n').map((line) => JSON.parse(line));
    const id = `batch_${this.batches.size + 1}`;
    const batch = { id, input_file_id, created_at: Math.floor(Date.now() / 1000), lines, isDone: this.isQuick };
    this.batches.set(id, batch);
    this.files.set(`out-${id}`, lines.map((line) => JSON.stringify(this.#answer(line))).join('\n'));
    if (fate === 'answer lost') return void response.destroy();
    json(response, view(batch));
  }

  #answer({ custom_id, url, body }: UpstreamBatch['lines'][number]): object {
    const prompt = textOf(body.messages?.at(-1)?.content ?? body.input ?? '');
    this.paid.push(prompt);
    const request_id = `req_${this.paid.length}`;
    const status = this.failures.get(prompt)?.shift() ?? 200;
    const error = { message: `refused: ${prompt}`, type: 'invalid_request_error', param: null, code: 'refused' };
    const answer = status === 200 ? answerTo(url, prompt, this.paid.length) : { error };
    const response = { status_code: status, request_id, body: answer };
    return { id: `batch_req_${this.paid.length}`, custom_id, response, error: null };
  }
}

/** A prompt, whether it stands as a text or in parts. */
function textOf(content: unknown): string {
  if (!Array.isArray(content)) return String(content);
  return content.map((part: string | { text?: string }) => (typeof part === 'string' ? part : part.text)).join();
}

function answerTo(url: string, prompt: string, number: number): object {
  const usage = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };
  if (url === '/v1/embeddings')
    return { object: 'list', model: 'm', data: [{ object: 'embedding', index: 0, embedding: [number] }], usage };
  const message = { role: 'assistant', content: `${prompt} #${number}`, refusal: null };
  const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }];
  return { id: `chatcmpl-${number}`, object: 'chat.completion', created: 1, model: 'gpt-4o-mini', choices, usage };
}

function view(batch: UpstreamBatch | undefined): object {
  if (!batch) return { error: { message: 'no such batch', code: 'not_found' } };
  const { id, input_file_id, created_at, lines, isCancelled = false } = batch;
  const isDone = batch.isDone && !isCancelled;
  const total = lines.length;
  return {
    id,
    object: 'batch',
    endpoint: lines[0]?.url,
    input_file_id,
    created_at,
    completion_window: '24h',
    status: isCancelled ? 'cancelled' : isDone ? 'completed' : 'in_progress',
    output_file_id: isDone ? `out-${id}` : null,
    request_counts: { total, completed: isDone ? total : 0, failed: 0 },
  };
}

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
