import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApi } from '../../lib/api/app.ts';
import { exampleCall } from '../../lib/api/example-call.ts';
import { operations } from '../../lib/api/operations.ts';
import { chatLine } from '../pipeline/requests.ts';
import { type ApiHarness, jsonlFile, settings, startApi } from './api-harness.ts';
import { checked, publishedOperations } from './published-answers.ts';

let api: ApiHarness;

function fail(id: string): never {
  throw new Error(`There is no operation ${id}.`);
}

beforeAll(async () => {
  api = await startApi();
});

afterAll(() => api.close());

describe('the description of the API', () => {
  it('describes every route, and nothing else', () => {
    const routes = createApi(() => api.harness.services, settings)
      .routes.filter(({ method, path }) => method !== 'ALL' && !['/openapi.json', '/docs'].includes(path))
      .map(({ method, path }) => `${method} ${path.replaceAll(/:\w+(?:\{[^}]*\})?/g, '{}')}`);
    const described = operations.map(
      ({ method, path }) => `${method.toUpperCase()} ${path.replaceAll(/\{\w+\}/g, '{}')}`,
    );
    expect(new Set(routes)).toEqual(new Set(described));
  });

  it('is OpenAPI whose references all lead somewhere', async () => {
    const document = JSON.parse(await (await fetch(`${api.url}/openapi.json`)).text());
    expect(document).toMatchObject({ openapi: '3.1.0', info: { version: '1.2.3' } });
    const names = [...JSON.stringify(document).matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name]) => name);
    expect(names.length).toBeGreaterThan(20);
    for (const name of names) expect(document.components.schemas).toHaveProperty(String(name));
    expect(document.components.schemas.CreateBatchRequest.required).toEqual([
      'endpoint',
      'input_file_id',
      'completion_window',
    ]);
  });

  it('can be browsed, with nothing from elsewhere', async () => {
    const answer = await fetch(`${api.url}/docs`);
    const page = await answer.text();
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    for (const { path } of operations) expect(page).toContain(path);
    expect(page).not.toMatch(/<script|https?:\/\/|<link/);
    for (const [, name] of page.matchAll(/href="#(\w+)"/g)) expect(page).toContain(`</summary><div id="${name}">`);
  });

  it('has calls that run as they stand, each with the ids of those before', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'batchdrop-calls-'));
    writeFileSync(join(folder, 'requests.jsonl'), `${chatLine('a')}\n`);
    const named = [
      'createFile',
      'createBatch',
      'listBatches',
      'retrieveBatch',
      'sumUsage',
      'createUpload',
      'addUploadPart',
    ];
    const calls = named.map((id) => exampleCall(operations.find((operation) => operation.id === id) ?? fail(id)));
    const script = `set -e\n${calls.join('\n')}\ntest "\${BATCH_ID#batch_}" != "$BATCH_ID" -a "\${PART_ID#part_}" != "$PART_ID"`;
    const env = { ...process.env, BATCHDROP_URL: api.url, BATCHDROP_API_KEY: api.key };
    const { stdout } = await promisify(execFile)('bash', ['-c', script.replaceAll('curl -sSL', 'curl -fsSL')], {
      cwd: folder,
      env,
    });
    expect(stdout).toContain('"object":"list"');
    expect(stdout).toContain('"object":"usage"');
    rmSync(folder, { recursive: true });
  });

  it('can be had, and the health be asked, without a key', async () => {
    expect(await (await fetch(`${api.url}/healthz`)).json()).toEqual({ status: 'ok', version: '1.2.3' });
  });
});

it('every answer is what OpenAI publishes', async () => {
  const { client } = api;
  const { id } = await client.files.create({ file: jsonlFile([chatLine('a')]), purpose: 'batch' });
  await client.files.retrieve(id);
  await client.files.list();
  const batch = await client.batches.create({
    input_file_id: id,
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
  });
  await client.batches.retrieve(batch.id);
  await client.batches.list();
  await client.batches.cancel(batch.id);
  await client.files.delete(id);
  const begin = () =>
    client.uploads.create({ filename: 'a.jsonl', purpose: 'batch', bytes: 1, mime_type: 'application/jsonl' });
  const upload = await begin();
  const part = await client.uploads.parts.create(upload.id, { data: new File(['x'], 'x') });
  await client.uploads.complete(upload.id, { part_ids: [part.id] });
  await client.uploads.cancel((await begin()).id);
  await client.files.retrieve(id).catch(() => undefined);
  expect(checked).toEqual(new Set([...publishedOperations, 'error']));
});
