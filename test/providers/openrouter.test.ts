import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InlineResults } from '../../lib/providers/openrouter/inline-results.ts';
import { openrouter } from '../../lib/providers/openrouter/provider.ts';
import { openRouterSettings } from '../../lib/providers/openrouter/settings.ts';
import { providerOf } from '../../lib/providers/registry.ts';
import { startSimulator } from '../../simulators/simulators.ts';
import { connect, ended, noAbort, resultsOf, sendingOf, tally, temporaryFolder } from './support/connected-provider.ts';
import { lineId, lineOf, openAILine } from './support/lines.ts';

const target = { lineId, model: 'anthropic/claude-sonnet-4.5' };
const messages = [{ role: 'user', content: 'Hello' }];

function lineWith(members: object, url = '/v1/chat/completions') {
  return lineOf(openAILine('mine', { model: 'openrouter/anthropic/claude-sonnet-4.5', messages, ...members }, url));
}

describe('a line for OpenRouter', () => {
  it('keeps the bytes of its body, without what stands with the batch', () => {
    const text =
      '{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{"seed":12345678901234567890, "model":"m","provider":{"only":["x"]},"top_p":1.0}}';
    expect(openrouter.translateRequest(lineOf(text), target)).toEqual({
      ok: true,
      bytes: Buffer.from(`{"custom_id":"${lineId}","body":{"seed":12345678901234567890,"top_p":1.0}}`),
      warnings: [],
    });
  });

  it.each([
    [{}, null],
    [{ provider: null }, null],
    [{ provider: {} }, null],
    [
      { provider: { allow_fallbacks: false, only: ['google-vertex'] } },
      { only: ['google-vertex'], allow_fallbacks: false },
    ],
  ])('says where its batch may run: %j', (members, provider) => {
    expect(openrouter.sharedOf(lineWith(members))).toEqual({ ok: true, shared: provider && { provider } });
  });

  it.each([
    [{ provider: { order: ['x'] } }, 'body.provider.order'],
    [{ provider: { only: 'x' } }, 'body.provider.only'],
    [{ provider: 'x' }, 'body.provider'],
  ])('is refused for other wishes: %j', (members, param) => {
    expect(openrouter.sharedOf(lineWith(members))).toMatchObject({ ok: false, error: { param } });
  });

  it.each([
    [[{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } }], '/v1/chat/completions', 'messages'],
    [[{ type: 'input_audio', input_audio: { data: 'AA', format: 'mp3' } }], '/v1/chat/completions', 'messages'],
    [[{ type: 'file', file: { file_data: 'data:application/pdf;base64,AA' } }], '/v1/chat/completions', 'messages'],
    [[{ type: 'input_image', image_url: 'data:image/png;base64,AA' }], '/v1/responses', 'input'],
  ])('is refused for bytes in the line, which would fail its batch: %j', (content, url, member) => {
    const line = lineWith(
      {
        [member]: [
          { role: 'user', content: 'x' },
          { role: 'user', content },
        ],
      },
      url,
    );
    const translated = providerOf({ kind: 'openrouter' }).translateRequest(line, target);
    expect(translated).toMatchObject({ ok: false, error: { param: `body.${member}[1].content[0]` } });
  });

  it('takes pictures by URL', () => {
    const content = [{ type: 'image_url', image_url: { url: 'https://a.example/a.png' } }];
    expect(openrouter.translateRequest(lineWith({ messages: [{ role: 'user', content }] }), target).ok).toBe(true);
  });
});

it('takes results out of a batch, however its bytes come', () => {
  const values = fc.array(fc.jsonValue(), { maxLength: 5 });
  const batches = fc.record({ id: fc.string(), note: fc.jsonValue(), results: values, error: fc.jsonValue() });
  fc.assert(
    fc.property(batches, fc.nat(3), fc.integer({ min: 1, max: 7 }), (batch, indent, step) => {
      const bytes = Buffer.from(JSON.stringify(batch, null, indent));
      const results = new InlineResults();
      const elements: unknown[] = [];
      for (let at = 0; at < bytes.length; at += step)
        elements.push(...results.push(bytes.subarray(at, at + step)).map((element) => JSON.parse(element.toString())));
      expect(elements).toEqual(JSON.parse(JSON.stringify(batch.results)));
      expect(JSON.parse(results.around())).toEqual(JSON.parse(JSON.stringify({ ...batch, results: [] })));
    }),
  );
});

it('keeps what follows where there are no results', () => {
  const results = new InlineResults();
  expect(results.push(Buffer.from('{"results": null, "a": {"results": [1]}, "b": ["results", [2]]}'))).toEqual([]);
  expect(JSON.parse(results.around())).toEqual({ results: null, a: { results: [1] }, b: ['results', [2]] });
});

it('names endpoint, model and where it may run before the requests, as the API asks', async () => {
  const simulator = await startSimulator.openrouter({ dataDir: temporaryFolder(), apiKey: 'k' });
  const posted: string[] = [];
  const send: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    if (request.method === 'POST') posted.push(await request.clone().text());
    return await fetch(request);
  };
  try {
    const settings = { kind: 'openrouter', secret: 's', baseUrl: simulator.url, provider: { only: ['openai'] } };
    const config = { ...openRouterSettings.parse(settings), createTimeoutSeconds: 10, settleSeconds: 0 };
    const connection = { name: 'o', config, apiKey: async () => 'k', clientOptions: { fetch: send } };
    const client = await openrouter.connect(connection);
    const sending = sendingOf('openrouter', ['Hello']);
    const created = await client.create(sending, null, noAbort);
    const other = { ...sending, shared: { provider: { only: ['azure'], allow_fallbacks: false } } };
    await client.create(other, null, noAbort);
    expect(created).toMatchObject({ outcome: 'created' });
    const start = '{"endpoint":"/v1/chat/completions","model":"openai/gpt-4o-mini","provider":';
    expect(posted.map((body) => body.slice(0, body.indexOf(',"requests"')))).toEqual([
      `${start}{"only":["openai"]}`,
      `${start}{"only":["azure"],"allow_fallbacks":false}`,
    ]);
  } finally {
    await simulator.close();
  }
});

it('says why OpenRouter failed a batch, of which nothing proves that none of it ran', async () => {
  const faults = [{ kind: 'batch_failed', code: 'x', message: 'requests[0]: no such parameter' } as const];
  const connection = await connect('openrouter', { faults });
  const sending = sendingOf('openrouter', ['a', 'b']);
  const created = await connection.client.create(sending, null, noAbort);
  const id = created.outcome === 'created' ? created.providerBatchId : '';
  const batch = await ended(connection, id);
  expect(batch).toMatchObject({
    phase: 'failed',
    resultRefs: [],
    failure: { message: 'requests[0]: no such parameter' },
  });
  // It never says when its work began.
  expect(batch.failure).not.toHaveProperty('isUntouched');
  expect(tally(await resultsOf('openrouter', connection, batch, sending))).toEqual({});
});
