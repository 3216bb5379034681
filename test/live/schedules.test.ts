import OpenAI from 'openai';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { batching, closeBatching } from '../../lib/live/index.ts';
import { models, startProvider } from '../client/provider-at-hand.ts';
import { ask, type Serving, startServing, startUpstream, temporaryFolder, until } from './live-harness.ts';

// What is paid for is counted at the upstream.

const five = ['same', 'same', 'same', 'same', 'same'];
const numbers = (answers: readonly string[]) => new Set(answers.map((answer) => answer.split('#')[1]));

describe('calls of no run', () => {
  it('a single time-out and the repetition of the client pay once', async () => {
    const serving = await startServing();
    serving.upstream.isQuick = false;
    const asked = ask(serving.client({ timeout: 400 }), 'once');
    await until(() => serving.upstream.paid.length === 1 && serving.run.state().waiting === 0);
    serving.upstream.finish();

    await expect(asked).resolves.toBe('once #1');
    expect(serving.upstream.paid).toEqual(['once']);
  });

  it('five equal prompts at once are five samples, also after time-outs', async () => {
    const serving = await startServing();
    serving.upstream.isQuick = false;
    const taken = takenBy(serving);
    const client = new OpenAI({
      ...{ baseURL: serving.url(), apiKey: 'sk-caller', maxRetries: 8 },
      fetch: hangingUp([() => serving.upstream.paid.length === 5]),
    });
    const asked = five.map((prompt) => ask(client, prompt));
    await until(() => taken(1) === 5);
    serving.upstream.finish();

    expect(numbers(await Promise.all(asked)).size).toBe(5);
    expect(serving.upstream.paid).toHaveLength(5);
  });

  it('five equal prompts behind something that notices a hang-up late', async () => {
    const serving = await startServing();
    serving.upstream.isQuick = false;
    const taken = takenBy(serving);
    const deaf = await startDeafProxy(serving.server.url);
    const client = new OpenAI({
      ...{ baseURL: `${deaf}/v1`, apiKey: 'sk-caller', maxRetries: 8 },
      fetch: hangingUp([() => serving.upstream.paid.length === 5, () => taken(1) === 5]),
    });
    const asked = five.map((prompt) => ask(client, prompt));
    await until(() => taken(2) === 5);
    // By then the proxy has told of every hang-up.
    await new Promise((resolve) => setTimeout(resolve, 3_100));
    expect(serving.run.state().waiting).toBe(5);
    serving.upstream.finish();

    expect(numbers(await Promise.all(asked)).size).toBe(5);
    expect(serving.upstream.paid).toHaveLength(5);
  });

  it('an answer that is lost on its way back is given again', async () => {
    const serving = await startServing();
    const proxy = await startDeafProxy(serving.server.url, { losesAnswers: 1 });
    const client = new OpenAI({ baseURL: `${proxy}/v1`, apiKey: 'sk-caller', maxRetries: 2 });

    await expect(ask(client, 'lost')).resolves.toBe('lost #1');
    expect(serving.upstream.paid).toEqual(['lost']);
  });

  it('three samples one after the other are three', async () => {
    const serving = await startServing();
    const answers = [];
    for (let sample = 0; sample < 3; sample += 1) answers.push(await ask(serving.client(), 'again'));

    expect(numbers(answers).size).toBe(3);
    expect(serving.upstream.paid).toHaveLength(3);
  });

  it("nobody gets the answer to another key's equal prompt", async () => {
    const serving = await startServing();
    serving.upstream.isQuick = false;
    const gone = new AbortController();
    const first = ask(serving.client({ apiKey: 'sk-one' }), 'mine', { signal: gone.signal }).catch(() => 'gone');
    await until(() => serving.upstream.paid.length === 1);
    gone.abort();
    await first;
    await until(() => serving.run.state().waiting === 0);
    serving.upstream.finish();
    serving.upstream.isQuick = true;

    await expect(ask(serving.client({ apiKey: 'sk-two' }), 'mine')).resolves.toBe('mine #2');
    expect(serving.upstream.headers.some(({ authorization }) => authorization?.includes('sk-one'))).toBe(false);
  });

  it("holds with a framework's own repetition pay once", async () => {
    const serving = await startServing({ holdSeconds: 0.4 });
    serving.upstream.isQuick = false;
    const client = serving.client({ maxRetries: 0 });
    const statuses = [];
    for (let tries = 0; tries < 3; tries += 1)
      statuses.push(await ask(client, 'held').catch((error: { status?: number }) => error.status));
    serving.upstream.finish();

    expect(statuses).toEqual([503, 503, 503]);
    await expect(ask(client, 'held')).resolves.toBe('held #1');
    expect(serving.upstream.paid).toEqual(['held']);
  });

  it('a batch that is longer than three holds is waited for by nobody and paid once', async () => {
    const serving = await startServing({ holdSeconds: 0.2 });
    serving.upstream.isQuick = false;
    await expect(ask(serving.client({ maxRetries: 0 }), 'long')).rejects.toMatchObject({ status: 503 });
    await expect(ask(serving.client({ maxRetries: 0 }), 'long')).rejects.toMatchObject({ status: 503 });
    serving.upstream.finish();
    await until(() => serving.run.state().unclaimed === 1);

    await expect(ask(serving.client(), 'long')).resolves.toBe('long #1');
    expect(serving.upstream.paid).toEqual(['long']);
  });

  it('a stream that falls back to none is the same request', async () => {
    const serving = await startServing();
    serving.upstream.isQuick = false;
    const gone = new AbortController();
    const messages = [{ role: 'user' as const, content: 'streamed' }];
    const stream = serving
      .client()
      .chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true }, { signal: gone.signal });
    await until(() => serving.upstream.paid.length === 1);
    gone.abort();
    await stream.then(
      (events) => events.controller.abort(),
      () => undefined,
    );
    await until(() => serving.run.state().waiting === 0);
    serving.upstream.finish();

    await expect(ask(serving.client(), 'streamed')).resolves.toBe('streamed #1');
    expect(serving.upstream.paid).toEqual(['streamed']);
  });

  it('a call that is given up within the gather window is not sent', async () => {
    const serving = await startServing({ gatherSeconds: 0.5 });
    const gone = new AbortController();
    const first = ask(serving.client(), 'given up', { signal: gone.signal }).catch(() => 'gone');
    await until(() => serving.run.state().waiting === 1);
    gone.abort();
    await first;
    await until(() => serving.run.state().waiting === 0 && serving.run.state().gathered === 0);
    expect(serving.upstream.paid).toEqual([]);

    await expect(ask(serving.client(), 'given up')).resolves.toBe('given up #1');
    expect(serving.upstream.paid).toEqual(['given up']);
  });

  it('a failure that may pass is sent again when its caller comes back, and is not its answer', async () => {
    const serving = await startServing();
    const { upstream, run } = serving;
    upstream.isQuick = false;
    upstream.failures.set('busy', [429]);
    const gone = new AbortController();
    const first = ask(serving.client(), 'busy', { signal: gone.signal }).catch(() => 'gone');
    await until(() => upstream.paid.length === 1);
    gone.abort();
    await first;
    await until(() => run.state().waiting === 0);
    upstream.finish();
    await until(() => run.state().batches.length === 0);
    expect(upstream.paid).toEqual(['busy']);
    upstream.isQuick = true;

    await expect(ask(serving.client(), 'busy')).resolves.toBe('busy #2');
  });

  it('40 questions four at a time are each paid once', async () => {
    const serving = await startServing();
    const questions = Array.from({ length: 40 }, (_, index) => `question ${index}`);
    const client = serving.client();
    const left = [...questions];
    const answers: string[] = [];
    const worker = async () => {
      for (let prompt = left.shift(); prompt !== undefined; prompt = left.shift())
        answers.push(await ask(client, prompt));
    };
    await Promise.all([worker(), worker(), worker(), worker()]);

    expect(answers).toHaveLength(40);
    expect(serving.upstream.paid.toSorted()).toEqual(questions.toSorted());
    expect(serving.run.pace).toContain('4 calls in flight');
    const messages = [{ role: 'user' as const, content: 'one more' }];
    const { response } = await client.chat.completions.create({ model: 'gpt-4o-mini', messages }).withResponse();
    expect(response.headers.get('x-batchdrop-pace')).toContain('4 calls in flight');
  });

  it('a server that dies between an answer and its note gives it again, and pays nothing', async () => {
    const serving = await startServing();
    const delivered = serving.run.release.bind(serving.run);
    serving.run.release = () => undefined;
    await expect(ask(serving.client(), 'noted late')).resolves.toBe('noted late #1');
    serving.run.release = delivered;
    await serving.stop();
    await serving.start();

    await expect(ask(serving.client(), 'noted late')).resolves.toBe('noted late #1');
    expect(serving.upstream.paid).toEqual(['noted late']);
  });
});

describe('passes of a run', () => {
  it('a program that is started again after 44 of 100 answers pays for 100', async () => {
    const serving = await startServing({ maxBatchRequests: 44 });
    const prompts = Array.from({ length: 100 }, (_, index) => `review ${index % 50}`);
    const first = serving.client({ pass: 'one' });
    const early = await Promise.all(prompts.slice(0, 44).map((prompt) => ask(first, prompt)));
    serving.upstream.isQuick = false;
    const gone = new AbortController();
    const rest = prompts.slice(44).map((prompt) => ask(first, prompt, { signal: gone.signal }).catch(() => 'gone'));
    await until(() => serving.upstream.paid.length === 100);
    gone.abort();
    await Promise.all(rest);
    serving.upstream.finish();
    serving.upstream.isQuick = true;

    const second = serving.client({ pass: 'two' });
    const answers = await Promise.all(prompts.map((prompt) => ask(second, prompt)));

    expect(answers.slice(0, 44)).toEqual(early);
    expect(numbers(answers).size).toBe(100);
    expect(serving.upstream.paid).toHaveLength(100);
  });

  it('a pass after a good end asks anew; after a bad one it gets what there was', async () => {
    const serving = await startServing();
    await expect(ask(serving.client({ pass: 'one' }), 'x')).resolves.toBe('x #1');
    await expect(ask(serving.client({ pass: 'two' }), 'x')).resolves.toBe('x #1');
    await until(() => serving.run.state().waiting === 0);
    expect(serving.run.journal.endPass(serving.run.pass('two'), Date.now())).toBe(true);
    await expect(ask(serving.client({ pass: 'three' }), 'x')).resolves.toBe('x #2');
    expect(serving.upstream.paid).toHaveLength(2);
  });

  it('a failure that cost nothing is asked anew by the next pass', async () => {
    const serving = await startServing();
    serving.upstream.failures.set('odd', [400]);
    await expect(ask(serving.client({ pass: 'one' }), 'odd')).rejects.toMatchObject({ status: 400, code: 'refused' });
    await until(() => serving.run.state().waiting === 0);

    await expect(ask(serving.client({ pass: 'two' }), 'odd')).resolves.toBe('odd #2');
  });
});

it('a target that is down at the start, in the middle and at the end is waited for', async () => {
  const serving = await startServing();
  const { upstream } = serving;
  upstream.isQuick = false;
  upstream.isDown = true;
  const asked = ask(serving.client(), 'patient');
  await until(() => serving.run.state().batches[0]?.problem != null);
  upstream.isDown = false;
  await until(() => upstream.paid.length === 1);
  upstream.isDown = true;
  upstream.finish();
  await until(() => serving.run.state().batches[0]?.problem?.includes('cannot be looked at') === true);
  expect(serving.run.state()).toMatchObject({ waiting: 1, answered: 0 });
  upstream.isDown = false;

  await expect(asked).resolves.toBe('patient #1');
  expect(upstream.paid).toEqual(['patient']);
});

describe('results that cannot be read', () => {
  const prices = { usdOf: { estimate: 0.1, batch: 0.1, single: 0.2 } };

  it('are read once the provider gives them, however often it did not', async () => {
    const serving = await startServing(prices);
    const { upstream, run } = serving;
    upstream.hidesResults = true;
    const asked = ask(serving.client(), 'hidden');
    const readings = vi.spyOn(run.journal, 'note');
    await until(
      () => readings.mock.calls.filter(([, { problem }]) => problem?.includes('could not be read')).length > 6,
    );
    upstream.hidesResults = false;

    await expect(asked).resolves.toBe('hidden #1');
    await until(() => run.state().spentUsd === 0.1);
    expect(upstream.paid).toEqual(['hidden']);
  });

  it('are given up after a while, of unknown cost, and their requests are never sent again', async () => {
    turnClockTo('2026-11-01T10:00:00Z');
    const serving = await startServing(prices);
    const { upstream, run } = serving;
    upstream.hidesResults = true;
    const failed = expect(ask(serving.client({ pass: 'one' }), 'hidden')).rejects;
    await until(() => run.state().batches[0]?.problem?.includes('could not be read') === true);
    vi.setSystemTime('2026-11-01T10:31:00Z');

    await failed.toMatchObject({ status: 502, code: 'results_unavailable' });
    await until(() => run.state().batches.length === 0);
    expect(run.state()).toMatchObject({ spentUsd: null, liveUsd: null });
    await expect(ask(serving.client({ pass: 'two' }), 'hidden')).rejects.toMatchObject({ code: 'results_unavailable' });
    expect(upstream.paid).toEqual(['hidden']);
  });
});

describe('a batch that runs after its day', () => {
  it('is cancelled, and what it did not do is too late', async () => {
    turnClockTo('2026-11-01T10:00:00Z');
    const serving = await startServing();
    const { upstream, run } = serving;
    upstream.isQuick = false;
    const failed = expect(ask(serving.client(), 'slow')).rejects;
    await until(() => run.state().batches[0]?.step === 'created');
    vi.setSystemTime('2026-11-02T10:21:00Z');

    await failed.toMatchObject({ status: 504, code: 'batch_expired' });
    expect(upstream.cancelled).toEqual(['batch_1']);
  });

  it('is given up where it does not end even then, and its requests are never sent again', async () => {
    turnClockTo('2026-11-01T10:00:00Z');
    const serving = await startServing({ usdOf: { estimate: 0.1, batch: 0.1, single: 0.2 } });
    const { upstream, run } = serving;
    upstream.isQuick = false;
    upstream.cancels = false;
    const failed = expect(ask(serving.client({ pass: 'one' }), 'endless')).rejects;
    await until(() => run.state().batches[0]?.step === 'created');
    vi.setSystemTime('2026-11-02T10:21:00Z');
    await until(() => upstream.cancelled.length > 0);
    vi.setSystemTime('2026-11-02T10:52:00Z');

    await failed.toMatchObject({ status: 504, code: 'batch_overdue' });
    await until(() => run.state().batches.length === 0);
    expect(run.state()).toMatchObject({ spentUsd: null });
    await expect(ask(serving.client({ pass: 'two' }), 'endless')).rejects.toMatchObject({ code: 'batch_overdue' });
    expect(upstream.paid).toEqual(['endless']);
    expect(upstream.cancelled).toEqual(['batch_1']);
  });
});

describe('a creation whose answer is lost', () => {
  it('is found by its file, and not made again', async () => {
    const serving = await startServing();
    serving.upstream.fates.push('answer lost');

    await expect(ask(serving.client(), 'where')).resolves.toBe('where #1');
    expect(serving.upstream.batches.size).toBe(1);
  });

  it('that never arrived is made again only once it is proven that it came to nothing', async () => {
    const serving = await startServing({ createTimeoutSeconds: 1 });
    serving.upstream.fates.push('never arrived');
    const asked = ask(serving.client(), 'nowhere');
    await until(() => serving.run.state().batches[0]?.problem?.includes('not known yet') === true);
    const [batch] = serving.run.state().batches;
    expect(batch).toMatchObject({ step: 'creating', requests: 1 });
    expect(serving.upstream.paid).toEqual([]);

    await expect(asked).resolves.toBe('nowhere #1');
    expect(serving.upstream.paid).toEqual(['nowhere']);
  });

  it('is given up after a day if nothing could be proven, and what it cost is not known', async () => {
    turnClockTo('2026-11-01T10:00:00Z');
    const serving = await startServing({ maxCostUsd: 5, usdOf: { estimate: 0.1, batch: 0.1, single: 0.2 } });
    const { upstream, run } = serving;
    upstream.fates.push('never arrived');
    const failed = expect(ask(serving.client(), 'who knows')).rejects;
    await until(() => run.state().batches[0]?.problem?.includes('not known yet') === true);
    upstream.isDown = true;
    vi.setSystemTime('2026-11-02T10:01:00Z');

    await failed.toMatchObject({ status: 502, code: 'submission_unconfirmed' });
    await until(() => run.state().batches.length === 0);
    expect(run.state()).toMatchObject({ spentUsd: null });
    await expect(ask(serving.client(), 'more')).rejects.toThrow('what an earlier batch of it cost is not known');
    expect(upstream.batches.size).toBe(0);
  });

  it('is found by our ids in its results where the provider lists no files', async () => {
    const faults = [{ kind: 'slow_answer', operation: 'create', delayMs: 3_000, times: 1 } as const];
    const { at, simulator } = await startProvider('anthropic', { faults });
    onTestFinished(closeBatching);
    const times = { createTimeoutSeconds: 0.5, settleSeconds: 0.3, gatherSeconds: 0.1, pollIntervalSeconds: 0.1 };
    const { fetch: gathered } = batching({ ...at, ...times, run: 'lost', journal: temporaryFolder() });
    const answer = await gathered('https://api.anthropic.com/v1/messages', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: models.anthropic, max_tokens: 10, messages: [{ role: 'user', content: 'x' }] }),
    });

    expect(await answer.json()).toMatchObject({ type: 'message', role: 'assistant' });
    expect(await simulator.creations()).toHaveLength(1);
  });

  it('is found after a restart as well', async () => {
    const serving = await startServing();
    // Done at once, it could be found and answered before the server stops, and then the second call would be another sample.
    serving.upstream.isQuick = false;
    serving.upstream.fates.push('answer lost');
    // On a slow machine it was found, answered and delivered before the stop, and the second call was another sample.
    serving.upstream.isQuick = false;
    const gone = ask(serving.client({ maxRetries: 0 }), 'restarted').catch(() => 'gone');
    await until(() => serving.upstream.batches.size === 1);
    await serving.stop();
    expect(await gone).toBe('gone');
    await serving.start();
    serving.upstream.finish();

    await expect(ask(serving.client(), 'restarted')).resolves.toBe('restarted #1');
    expect(serving.upstream.paid).toEqual(['restarted']);
  });
});

it('batching() gives an official client the answers of a batch', async () => {
  const upstream = await startUpstream();
  onTestFinished(closeBatching);
  const options = {
    provider: 'openai',
    apiKey: 'sk-pays',
    apiBase: upstream.url,
    gatherSeconds: 0.1,
    pollIntervalSeconds: 0.05,
  };
  const client = new OpenAI(batching({ ...options, run: 'in-process', journal: temporaryFolder() }));
  upstream.failures.set('bad', [400]);
  const prompts = ['a', 'b', 'a', 'bad'];
  const answers = await Promise.allSettled(prompts.map((prompt) => ask(client, prompt)));

  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
  expect(answers[3]).toMatchObject({ reason: { status: 400, code: 'refused', requestID: 'req_4' } });
  expect(upstream.batches.size).toBe(1);
  expect(upstream.headers.every(({ authorization }) => authorization === 'Bearer sk-pays')).toBe(true);
});

/** Time that goes on only when the test says so; timers run as ever. */
function turnClockTo(time: string): void {
  vi.useFakeTimers({ toFake: ['Date'], now: new Date(time) });
  onTestFinished(() => void vi.useRealTimers());
}

/** How many calls of a retry count the run has taken. */
function takenBy({ run }: Serving): (retryCount: number) => number {
  const calls = vi.spyOn(run, 'take').mock.calls;
  return (retryCount) => calls.filter(([call]) => call.retryCount === retryCount).length;
}

/**
 * The time-outs of a client whose clock is a condition: a call that is its n-th repetition hangs up once the n-th of them holds, and
 * where there is none it waits.
 */
function hangingUp(conditions: readonly (() => boolean)[]): typeof fetch {
  return async (url, init) => {
    const condition = conditions[Number(new Headers(init?.headers).get('x-stainless-retry-count'))];
    if (!condition) return fetch(url, init);
    const timeOut = new AbortController();
    const timer = setInterval(() => condition() && timeOut.abort(), 20);
    return fetch(url, { ...init, signal: timeOut.signal }).finally(() => clearInterval(timer));
  };
}

/** A proxy that tells its server of a hang-up 3 s late, or never, and that can lose answers. */
async function startDeafProxy(target: string, { losesAnswers = 0 } = {}): Promise<string> {
  const { createServer, request: send } = await import('node:http');
  let losses = losesAnswers;
  const server = createServer((incoming, outgoing) => {
    const { port } = new URL(target);
    const headers = { ...incoming.headers, host: `127.0.0.1:${port}`, via: '1.1 proxy' };
    const upstream = send(
      { port, host: '127.0.0.1', path: incoming.url, method: incoming.method, headers },
      (answer) => {
        if (losses > 0) {
          losses -= 1;
          answer.resume();
          answer.once('end', () => outgoing.destroy());
          return;
        }
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    upstream.on('error', () => outgoing.destroy());
    outgoing.once('close', () => setTimeout(() => upstream.destroy(), 3_000).unref());
    incoming.pipe(upstream);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}
