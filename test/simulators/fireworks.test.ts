import { describe, expect, it, onTestFinished } from 'vitest';
import { type LiveSimulator, type SimulatorOptions, startFireworksSimulator } from '../../simulators/simulators.ts';
import { instantTiming, parseLines, temporaryFolder, until } from './started-simulators.ts';

const account = '/v1/accounts/acme';
const model = 'accounts/fireworks/models/llama-v3p1-8b-instruct';

async function start(options: Partial<SimulatorOptions> = {}): Promise<LiveSimulator> {
  const simulator = await startFireworksSimulator({
    timing: instantTiming,
    apiKey: 'fw_right',
    ...options,
    dataDir: options.dataDir ?? temporaryFolder(),
  });
  onTestFinished(() => simulator.close());
  return simulator;
}

// biome-ignore lint/suspicious/noExplicitAny: the tests look into many shapes of bodies
type Body = any;

async function call(simulator: LiveSimulator, method: string, path: string, body?: unknown, key = 'fw_right') {
  const isForm = body instanceof FormData;
  const response = await fetch(new URL(path, simulator.url), {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body !== undefined && !isForm && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: (text === '' ? null : JSON.parse(text)) as Body };
}

function row(customId: string, text: string, more: object = {}): string {
  return JSON.stringify({ custom_id: customId, body: { messages: [{ role: 'user', content: text }], ...more } });
}

async function uploadDataset(simulator: LiveSimulator, datasetId: string, rows: string[]): Promise<void> {
  const dataset = { userUploaded: {}, exampleCount: String(rows.length) };
  expect((await call(simulator, 'POST', `${account}/datasets`, { datasetId, dataset })).body.state).toBe('UPLOADING');
  const form = new FormData();
  form.set('file', new Blob([rows.join('\n')]), 'input.jsonl');
  const uploaded = await call(simulator, 'POST', `${account}/datasets/${datasetId}:upload`, form);
  expect(uploaded.body).toMatchObject({
    object: 'file',
    purpose: 'dataset',
    id: `accounts/acme/datasets/${datasetId}`,
  });
  await until(
    () => call(simulator, 'GET', `${account}/datasets/${datasetId}`),
    ({ body }) => body.state === 'READY',
  );
}

function createJob(simulator: LiveSimulator, jobId: string, datasetId: string, more: object = {}) {
  const job = { model, inputDatasetId: `accounts/acme/datasets/${datasetId}`, ...more };
  return call(simulator, 'POST', `${account}/batchInferenceJobs?batchInferenceJobId=${jobId}`, job);
}

const lasting = ['JOB_STATE_VALIDATING', 'JOB_STATE_RUNNING', 'JOB_STATE_WRITING_RESULTS'];

async function untilOver(simulator: LiveSimulator, jobId: string): Promise<Body> {
  const last = await until(
    () => call(simulator, 'GET', `${account}/batchInferenceJobs/${jobId}`),
    ({ body }) => !lasting.includes(body.state),
  );
  return last.body;
}

async function runJob(simulator: LiveSimulator, rows: string[], id = 'run'): Promise<Body> {
  await uploadDataset(simulator, `${id}-in`, rows);
  expect((await createJob(simulator, `${id}-job`, `${id}-in`)).status).toBe(200);
  return untilOver(simulator, `${id}-job`);
}

/** The output dataset's files by their last name. */
async function download(simulator: LiveSimulator, job: Body): Promise<Record<string, Body[]>> {
  const { body } = await call(simulator, 'GET', `/v1/${job.outputDatasetId}:getDownloadEndpoint`);
  const files = Object.entries<string>(body.filenameToSignedUrls).map(async ([name, url]) => {
    const text = await (await fetch(url)).text();
    return [name.split('/').at(-1), parseLines<Body>(text)] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}

describe('a job', () => {
  it('answers every row of its dataset, failures apart, and counts them', async () => {
    const simulator = await start();
    const rows = [
      row('a', 'Hello?'),
      row('b', 'Hm [[rate-limit]]'),
      row('c', 'Much?', { max_tokens: 900_000, top_k: 3 }),
    ];
    const job = await runJob(simulator, rows);
    expect(job).toMatchObject({
      state: 'JOB_STATE_COMPLETED',
      name: 'accounts/acme/batchInferenceJobs/run-job',
      model,
    });
    expect(job.jobProgress).toMatchObject({
      totalInputRequests: 3,
      totalProcessedRequests: 3,
      successfullyProcessedRequests: 2,
      failedRequests: 1,
      outputRows: 2,
      percent: 100,
    });
    const files = await download(simulator, job);
    expect(files['BIJOutputSet.jsonl']?.map((line) => line.custom_id).toSorted()).toEqual(['a', 'c']);
    expect(files['BIJOutputSet.jsonl']?.[0].response).toMatchObject({ object: 'chat.completion', model });
    expect(files['error-data']).toEqual([
      { custom_id: 'b', error: { code: 'RATE_LIMIT_EXCEEDED', message: expect.any(String) } },
    ]);
    expect(await simulator.creations()).toMatchObject([
      { provider: 'fireworks', providerBatchId: job.name, requestIds: ['a', 'b', 'c'] },
    ]);
  });

  it.each([
    [
      'an unknown role',
      JSON.stringify({ custom_id: 'x', body: { messages: [{ role: 'bananas', content: '' }] } }),
      'bananas',
    ],
    ['no custom_id', JSON.stringify({ body: { messages: [{ role: 'user', content: '' }] } }), 'custom_id'],
    ['a custom_id twice', row('good', 'Again?'), 'not unique'],
    ['no JSON', '{', 'JSON'],
  ])('fails as a whole for %s, and has no output', async (_, bad, said) => {
    const simulator = await start();
    const job = await runJob(simulator, [row('good', 'Hello?'), bad]);
    expect(job).toMatchObject({ state: 'JOB_STATE_FAILED', status: { code: 'INVALID_ARGUMENT' } });
    expect(job.status.message).toContain(said);
    const { status, body } = await call(simulator, 'GET', `/v1/${job.outputDatasetId}:getDownloadEndpoint`);
    expect({ status, body }).toEqual({ status: 404, body: { code: 5, message: 'resource not found', details: [] } });
  });

  it('keeps what was done before it expired', async () => {
    const simulator = await start({ faults: [{ kind: 'partial', fraction: 0.5 }] });
    const job = await runJob(simulator, [row('a', '1?'), row('b', '2?')]);
    expect(job.state).toBe('JOB_STATE_EXPIRED');
    expect((await download(simulator, job))['BIJOutputSet.jsonl']).toHaveLength(1);
  });

  it('is stopped by its deletion, and then gone', async () => {
    const simulator = await start({ faults: [{ kind: 'stuck' }, { kind: 'slow_cancel', delayMs: 300 }] });
    await uploadDataset(simulator, 'in', [row('a', '1?')]);
    await createJob(simulator, 'job', 'in');
    const path = `${account}/batchInferenceJobs/job`;
    expect(await call(simulator, 'DELETE', path)).toEqual({ status: 200, body: {} });
    expect((await call(simulator, 'GET', path)).body.state).toBe('JOB_STATE_DELETING_CLEANING_UP');
    await until(
      () => call(simulator, 'GET', path),
      ({ status }) => status === 404,
    );
    expect((await call(simulator, 'GET', `${account}/batchInferenceJobs`)).body.batchInferenceJobs).toEqual([]);
    expect(await simulator.openBatches()).toEqual([]);
  });

  it('is refused as the service refuses it', async () => {
    const simulator = await start();
    await uploadDataset(simulator, 'in', [row('a', '1?')]);
    expect((await createJob(simulator, 'Not_An_Id', 'in')).status).toBe(400);
    expect((await createJob(simulator, 'job', 'nowhere')).status).toBe(404);
    expect((await createJob(simulator, 'job', 'in', { model: 'llama-v3p1-8b-instruct' })).status).toBe(404);
    expect((await createJob(simulator, 'job', 'in', { input_dataset: 'x' })).status).toBe(400);
    expect((await createJob(simulator, 'job', 'in')).status).toBe(200);
    expect((await createJob(simulator, 'job', 'in')).body).toMatchObject({ code: 6 });
    expect(await simulator.creations()).toHaveLength(1);
  });

  it('is found in the list, oldest first, page by page', async () => {
    const simulator = await start();
    await uploadDataset(simulator, 'in', [row('a', '1?')]);
    for (let job = 0; job < 5; job += 1) await createJob(simulator, `job-${job}`, 'in');
    const path = `${account}/batchInferenceJobs?pageSize=3`;
    const first = (await call(simulator, 'GET', path)).body;
    const second = (await call(simulator, 'GET', `${path}&pageToken=${first.nextPageToken}`)).body;
    const names = [first, second].flatMap((page) =>
      page.batchInferenceJobs.map((job: Body) => job.name.split('/').at(-1)),
    );
    expect(names).toEqual(['job-0', 'job-1', 'job-2', 'job-3', 'job-4']);
    expect(second).toMatchObject({ nextPageToken: '', totalSize: 5 });
    const newest = (await call(simulator, 'GET', `${path}&orderBy=create_time%20desc`)).body;
    expect(newest.batchInferenceJobs[0].name).toMatch(/job-4$/);
  });

  it('and its dataset outlive the process', async () => {
    const dataDir = temporaryFolder();
    const first = await start({ dataDir });
    const job = await runJob(first, [row('a', '1?')]);
    const before = await download(first, job);
    await first.close();
    const second = await start({ dataDir });
    expect(await download(second, await untilOver(second, 'run-job'))).toEqual(before);
    expect((await createJob(second, 'again', 'run-in')).status).toBe(200);
  });
});

describe('a dataset', () => {
  it('says how many rows it has, and has an id of its own', async () => {
    const simulator = await start();
    const create = (body: object) => call(simulator, 'POST', `${account}/datasets`, body);
    expect((await create({ datasetId: 'in', dataset: { userUploaded: {} } })).body.message).toContain('example_count');
    expect((await create({ datasetId: 'in', exampleCount: '1', dataset: { userUploaded: {} } })).status).toBe(400);
    const dataset = { userUploaded: {}, exampleCount: '1' };
    expect((await create({ datasetId: 'in', dataset })).status).toBe(200);
    expect((await create({ datasetId: 'in', dataset })).status).toBe(409);
    expect((await createJob(simulator, 'job', 'in')).body).toMatchObject({ code: 9 });
  });

  it('comes by way of signed URLs too, and is held against what was announced', async () => {
    const simulator = await start();
    const text = row('a', '1?');
    await call(simulator, 'POST', `${account}/datasets`, {
      datasetId: 'in',
      dataset: { userUploaded: {}, exampleCount: '1' },
    });
    const path = `${account}/datasets/in`;
    const announced = { filenameToSize: { 'input.jsonl': String(text.length) } };
    const { body } = await call(simulator, 'POST', `${path}:getUploadEndpoint`, announced);
    expect((await call(simulator, 'POST', `${path}:validateUpload`, {})).body).toMatchObject({ code: 9 });
    const url = body.filenameToSignedUrls['input.jsonl'];
    expect((await fetch(url, { method: 'PUT', body: 'short' })).status).toBe(400);
    expect((await fetch(url.replace('input.jsonl', 'other.jsonl'), { method: 'PUT', body: text })).status).toBe(403);
    expect((await fetch(url, { method: 'PUT', body: text })).status).toBe(200);
    expect(await call(simulator, 'POST', `${path}:validateUpload`, {})).toEqual({ status: 200, body: {} });
    await until(
      () => createJob(simulator, 'job', 'in'),
      ({ status }) => status === 200,
    );
    expect((await untilOver(simulator, 'job')).state).toBe('JOB_STATE_COMPLETED');
  });

  it('is deleted at once', async () => {
    const simulator = await start();
    await uploadDataset(simulator, 'in', [row('a', '1?')]);
    expect((await call(simulator, 'DELETE', `${account}/datasets/in`)).body).toEqual({});
    expect((await call(simulator, 'GET', `${account}/datasets/in`)).status).toBe(404);
  });
});

it('answers a chat completion at once, under the model that the call names', async () => {
  const simulator = await start();
  const body = { model, messages: [{ role: 'user', content: 'Hello?' }] };
  const path = '/inference/v1/chat/completions';
  expect((await call(simulator, 'POST', path, body)).body).toMatchObject({ model, object: 'chat.completion' });
  expect((await call(simulator, 'POST', path, { ...body, model: 'gpt-5' })).body.error.code).toBe('NOT_FOUND');
  expect((await call(simulator, 'POST', path, { ...body, messages: 'Hello?' })).body.error.code).toBe(
    'INVALID_ARGUMENT',
  );
  expect(simulator.liveCalls().map(({ status }) => status)).toEqual([200, 404, 400]);
});

it('refuses a wrong key', async () => {
  const simulator = await start();
  const { status, body } = await call(simulator, 'GET', `${account}/batchInferenceJobs`, undefined, 'fw_wrong');
  expect({ status, code: body.error.code }).toEqual({ status: 403, code: 'UNAUTHORIZED' });
});

it('takes faults: at the upload, the creation, the look, the list and the download', async () => {
  const simulator = await start();
  await uploadDataset(simulator, 'in', [row('a', '1?')]);
  simulator.setFaults([
    { kind: 'http_error', operation: 'create', status: 503, times: 1 },
    { kind: 'http_error', operation: 'list', status: 500, times: 1 },
    { kind: 'not_found_yet', durationMs: 2_500, unlisted: true, times: 1 },
    { kind: 'http_error', operation: 'results', status: 429, times: 1 },
    { kind: 'token_limit', how: 'refused_create', times: 1 },
  ]);
  expect((await createJob(simulator, 'job', 'in')).body.code).toBe(14);
  expect((await createJob(simulator, 'job', 'in')).body.code).toBe(8);
  expect((await createJob(simulator, 'job', 'in')).status).toBe(200);
  expect((await call(simulator, 'GET', `${account}/batchInferenceJobs/job`)).status).toBe(404);
  expect((await call(simulator, 'GET', `${account}/batchInferenceJobs`)).status).toBe(500);
  expect((await call(simulator, 'GET', `${account}/batchInferenceJobs`)).body.totalSize).toBe(0);
  const job = await until(
    async () => (await call(simulator, 'GET', `${account}/batchInferenceJobs/job`)).body,
    (found) => found.state === 'JOB_STATE_COMPLETED',
  );
  const endpoint = await call(simulator, 'GET', `/v1/${job.outputDatasetId}:getDownloadEndpoint`);
  const [url] = Object.values<string>(endpoint.body.filenameToSignedUrls);
  expect((await fetch(url ?? '')).status).toBe(429);
  expect((await fetch(url ?? '')).status).toBe(200);
});
