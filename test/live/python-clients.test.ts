import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type ApiHarness, startApi } from '../api/api-harness.ts';
import { drive } from '../pipeline/drive.ts';
import { startServing, until } from './live-harness.ts';

/** Python's, not packages of ours: `pip install openai anthropic`, for this interpreter. */
const python = process.env.STRICT_CLIENTS_PYTHON ?? 'python3';
const isThere = spawnSync(python, ['-c', 'import openai, anthropic']).status === 0;

async function run(script: string, ...words: string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(python, ['-c', script, ...words], { timeout: 120_000 });
  return JSON.parse(stdout);
}

const manyCalls = `
import asyncio, json, sys
import anthropic, openai

async def main():
    client = openai.AsyncOpenAI(base_url=sys.argv[1] + '/v1', api_key='sk-caller')
    claude = anthropic.AsyncAnthropic(base_url=sys.argv[1], api_key='sk-caller')
    body = lambda prompt: {'model': 'gpt-4o-mini', 'messages': [{'role': 'user', 'content': prompt}]}

    async def chat(prompt):
        return (await client.chat.completions.create(**body(prompt))).choices[0].message.content

    async def streamed(prompt):
        chunks = await client.chat.completions.create(**body(prompt), stream=True)
        return ''.join([chunk.choices[0].delta.content or '' async for chunk in chunks if chunk.choices])

    async def message(prompt):
        return (await claude.messages.create(**body(prompt), max_tokens=50)).content[0].text

    async def streamed_message(prompt):
        async with claude.messages.stream(**body(prompt), max_tokens=50) as stream:
            return await stream.get_final_text()

    calls = [chat(f'call {n}') for n in range(30)]
    calls += [streamed('flow'), message('claude'), streamed_message('claude flow'), chat('bad')]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    print(json.dumps([type(a).__name__ if isinstance(a, Exception) else a.split(' #')[0] for a in answers]))

asyncio.run(main())
`;

const messageBatch = `
import json, sys, anthropic
client = anthropic.Anthropic(base_url=sys.argv[1], api_key=sys.argv[2])
beta = client.beta.messages.batches
request = lambda id, model: {'custom_id': id, 'params': {'model': model, 'max_tokens': 9, 'messages': [{'role': 'user', 'content': id}]}}
step = sys.argv[3]
if step == 'create':
    batch = client.messages.batches.create(requests=[request('a', 'claude-sonnet-4-5'), request('b', 'no-such-model'), request('c', 'gpt-5-mini')])
    try:
        client.messages.batches.create(requests=[])
    except anthropic.BadRequestError as error:
        refusal = error.body['error']['type']
    print(json.dumps({'id': batch.id, 'status': batch.processing_status, 'refusal': refusal, 'sum': sum(batch.request_counts.model_dump().values())}))
elif step == 'cancel':
    own, other = [each.create(requests=[request('x', 'gpt-5-mini')]) for each in (client.messages.batches, beta)]
    canceled = [client.messages.batches.cancel(own.id), beta.cancel(other.id)]
    try:
        beta.delete(other.id)
    except anthropic.BadRequestError as error:
        refusal = error.body['error']['type']
    print(json.dumps({'ids': [own.id, other.id], 'statuses': [each.processing_status for each in canceled], 'refusal': refusal}))
elif step == 'canceled':
    lines = [line.result.type for id in sys.argv[4:] for line in beta.results(id)]
    print(json.dumps([lines, [beta.delete(id).type for id in sys.argv[4:]], [each.id for each in beta.list() if each.id in sys.argv[4:]]]))
else:
    batch = client.messages.batches.retrieve(sys.argv[4])
    assert beta.retrieve(sys.argv[4]).id == batch.id
    assert batch.id in [each.id for each in client.messages.batches.list()]
    lines = lambda results: [[line.custom_id, line.result.type] for line in results]
    results = lines(client.messages.batches.results(batch.id))
    assert lines(beta.results(batch.id)) == results
    deleted = client.messages.batches.delete(batch.id)
    print(json.dumps({'status': batch.processing_status, 'results': results, 'deleted': deleted.type}))
`;

describe.skipIf(!isThere)(`openai and anthropic for Python, where ${python} has them`, { timeout: 180_000 }, () => {
  it('get answers, streams and errors of their own classes from one server', async () => {
    const serving = await startServing({ keepAliveSeconds: 0.05 });
    const { upstream } = serving;
    upstream.isQuick = false;
    upstream.failures.set('bad', [400]);
    const asked = run(manyCalls, serving.server.url);
    await until(() => upstream.paid.length === 34);
    // Each of them meets some interim responses meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 300));
    upstream.finish();

    const calls = Array.from({ length: 30 }, (_, place) => `call ${place}`);
    expect(await asked).toEqual([...calls, 'flow', 'claude', 'claude flow', 'BadRequestError']);
    expect(upstream.paid).toHaveLength(34);
  });

  describe("at the API's message batches", () => {
    let api: ApiHarness;

    beforeAll(async () => {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
      api = await startApi();
    });

    afterAll(async () => {
      await api.close();
      vi.useRealTimers();
    });

    it('create, retrieve, list, read and delete them, stable and beta', async () => {
      const created = (await run(messageBatch, api.url, api.key, 'create')) as { id: string };
      expect(created).toMatchObject({ status: 'in_progress', refusal: 'invalid_request_error', sum: 3 });
      await drive(api.harness, created.id.replace('msgbatch_', 'batch_'));

      expect(await run(messageBatch, api.url, api.key, 'read', created.id)).toEqual({
        status: 'ended',
        results: [
          ['a', 'succeeded'],
          ['b', 'errored'],
          ['c', 'succeeded'],
        ],
        deleted: 'message_batch_deleted',
      });
    });

    it('cancel them, and read that nothing was answered', async () => {
      const { ids, ...canceled } = (await run(messageBatch, api.url, api.key, 'cancel')) as { ids: string[] };
      expect(canceled).toEqual({ statuses: ['canceling', 'canceling'], refusal: 'invalid_request_error' });
      for (const id of ids) await drive(api.harness, id.replace('msgbatch_', 'batch_'));

      expect(await run(messageBatch, api.url, api.key, 'canceled', ...ids)).toEqual([
        ['canceled', 'canceled'],
        ['message_batch_deleted', 'message_batch_deleted'],
        [],
      ]);
    });
  });
});
