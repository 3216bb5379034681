import Anthropic from '@anthropic-ai/sdk';
import { GoogleGenAI } from '@google/genai';
import { Mistral } from '@mistralai/mistralai';
import OpenAI from 'openai';
import { expect, it, vi } from 'vitest';
import type { BatchProviderKind } from '../../lib/providers/config.ts';
import type { JsonObject } from '../../lib/records/json.ts';
import { requests as anthropic } from '../fixtures/requests/anthropic.ts';
import { requests as gemini } from '../fixtures/requests/gemini.ts';
import { requests as mistral } from '../fixtures/requests/mistral.ts';
import { requests as openai } from '../fixtures/requests/openai.ts';
import { apiKey, connect } from './support/connected-provider.ts';
import { type RecordingProxy, type SentRequest, startRecordingProxy } from './support/recording-proxy.ts';
import { shown } from './support/request-fixture.ts';

/** Our clients go past the methods of the official SDKs where those hold a whole file in memory, or lose what we need. */

async function proxyFor(kind: BatchProviderKind): Promise<RecordingProxy> {
  const { simulator } = await connect(kind);
  return await startRecordingProxy(simulator.url);
}

/** What was sent, as fixtures show it. Headers are left out: they name the SDK and what it can read. */
function sent(proxy: RecordingProxy, names: Record<string, string>): JsonObject[] {
  const all = new Map(Object.entries(names));
  return proxy.take().map((request) => withoutHeaders(shown(asLines(request), untyped, all)));
}

/** Google's SDK calls the lines of a file JSON. */
function asLines(request: SentRequest): SentRequest {
  const isFile = request.headers['x-goog-upload-offset'] !== undefined;
  return isFile ? { ...request, headers: { ...request.headers, 'content-type': 'application/jsonl' } } : request;
}

function first<Item>(list: readonly Item[]): Item {
  const [item] = list;
  if (item === undefined) throw new Error('an empty list');
  return item;
}

const untyped = { body: () => null, line: () => null };
const patience = 60_000;

function withoutHeaders(shownRequest: object): JsonObject {
  return Object.fromEntries(Object.entries(shownRequest).filter(([name]) => name !== 'headers'));
}

function jsonLines(lines: readonly object[]): string {
  return lines.map((line) => `${JSON.stringify(line)}\n`).join('');
}

it('OpenAI’s SDK sends what we send', async () => {
  const ours = openai['/v1/chat/completions, gpt-4o-mini'];
  const proxy = await proxyFor('openai');
  const sdk = new OpenAI({ apiKey, baseURL: proxy.url });
  const { file: input } = first(ours.upload).form;
  const file = new File([jsonLines(input.lines)], input.fileName, { type: input.type });

  const { id: fileId } = await sdk.files.create({
    file,
    purpose: 'batch',
    expires_after: { anchor: 'created_at', seconds: 2_592_000 },
  });
  const { id } = await sdk.batches.create({ ...first(ours.create).body, input_file_id: fileId });
  await vi.waitFor(async () => expect((await sdk.batches.retrieve(id)).status).toBe('completed'), patience);
  const resultId = (await sdk.batches.retrieve(id)).output_file_id ?? '';
  await sdk.batches.list({ after: id, limit: 10 });
  await sdk.files.content(resultId);
  await sdk.batches.cancel(id, { maxRetries: 0 }).catch(() => null);

  const expected = [ours.upload, ours.create, ours.retrieve, ours.list, ours.results, ours.cancel].flat();
  expect(sent(proxy, { [fileId]: '<input file>', [id]: '<batch>', [resultId]: '<results>' })).toEqual(
    expected.map(withoutHeaders),
  );
});

it('Anthropic’s SDK sends what we send', async () => {
  const ours = anthropic['/v1/chat/completions, claude-opus-4-6'];
  const proxy = await proxyFor('anthropic');
  const sdk = new Anthropic({ apiKey, baseURL: proxy.url, defaultHeaders: { 'anthropic-version': '2023-06-01' } });

  const { id } = await sdk.messages.batches.create(first(ours.create).body);
  await vi.waitFor(
    async () => expect((await sdk.messages.batches.retrieve(id)).processing_status).toBe('ended'),
    patience,
  );
  await sdk.messages.batches.list({ after_id: id, limit: 10 });
  await sdk.messages.batches.results(id);
  await sdk.messages.batches.cancel(id, {}, { maxRetries: 0 }).catch(() => null);

  const expected = [ours.create, ours.retrieve, ours.list, ours.results, ours.cancel].flat();
  expect(sent(proxy, { [id]: '<batch>' })).toEqual(expected.map(withoutHeaders));
});

it('Mistral’s SDK uploads what we upload, visible as is usual', async () => {
  const ours = first(mistral['/v1/chat/completions, mistral-small-latest'].upload);
  const proxy = await proxyFor('mistral');
  const sdk = new Mistral({ apiKey, serverURL: proxy.url });
  const { file } = ours.form;
  const content = new Blob([jsonLines(file.lines)], { type: file.type });

  await sdk.files.upload({ purpose: 'batch', file: { fileName: file.fileName, content } });

  const form = { ...ours.form, file: { ...file, type: 'application/octet-stream' }, visibility: 'workspace' };
  expect(sent(proxy, {})).toEqual([withoutHeaders({ ...ours, form })]);
});

it('Google’s SDK sends what we send, and the size of a file once more', async () => {
  const ours = gemini['/v1/chat/completions, gemini-2.5-flash'];
  const proxy = await proxyFor('gemini');
  const sdk = new GoogleGenAI({ apiKey, apiVersion: 'v1beta', httpOptions: { baseUrl: proxy.url } });
  const file = new Blob([jsonLines(ours.upload.flatMap(({ lines = [] }) => lines))]);

  const { name: src = '' } = await sdk.files.upload({ file, config: first(ours.upload).body?.file ?? {} });
  const { name = '' } = await sdk.batches.create({
    model: 'gemini-2.5-flash',
    src,
    config: { displayName: first(ours.create).body.batch.displayName },
  });
  await vi.waitFor(async () => expect((await sdk.batches.get({ name })).state).toBe('JOB_STATE_SUCCEEDED'), patience);
  await sdk.batches.list({ config: { pageSize: 100 } });
  await sdk.batches.cancel({ name }).catch(() => null);

  const upload = ours.upload.map((call) =>
    call.body ? { ...call, body: { file: { ...call.body.file, sizeBytes: String(file.size) } } } : call,
  );
  const expected = [upload, ours.create, ours.retrieve, ours.list, ours.cancel].flat();
  const names = { [src.slice('files/'.length)]: '<input file>', [name.slice('batches/'.length)]: '<batch>' };
  expect(sent(proxy, names)).toEqual(expected.map(withoutHeaders));
});
