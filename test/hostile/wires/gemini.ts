import { type Call, json, jsonLines, missing, type Reply, type Wire } from '../upstream.ts';
import { type Job, linesOf, questionIn, type Work } from '../work.ts';

/** Source: https://ai.google.dev/api/batch-api and https://ai.google.dev/api/files */
export const gemini: Wire = {
  name: 'gemini',
  account: (url) => ({ kind: 'gemini', baseUrl: url, secret: 'gemini' }),
  model: 'gemini-2.5-flash',
  operationOf: (method, path) => {
    if (path.startsWith('/upload/')) return 'upload';
    if (path.startsWith('/download/')) return 'results';
    if (path.endsWith(':batchGenerateContent')) return 'create';
    if (path.endsWith(':cancel')) return 'cancel';
    return path === '/v1beta/batches' && method === 'GET' ? 'list' : 'retrieve';
  },
  right: (work, call, url) => {
    switch (call.operation) {
      case 'upload':
        return stored(work, call, url);
      case 'create':
        return created(work, call);
      case 'list':
      case 'check':
        return listed(work);
      case 'results':
      case 'retrieve':
      case 'cancel':
      case 'other':
        return looked(work, call);
    }
  },
};

/** In two calls: a start that says where to, and the bytes. */
function stored(work: Work, { headers, body }: Call, url: string): Reply {
  if (headers['x-goog-upload-command'] === 'start')
    return json({}, { 'x-goog-upload-url': `${url}/upload/v1beta/files?upload_id=u1&upload_protocol=resumable` });
  const name = work.keep(body, 'files/');
  const file = { name, displayName: 'lines', mimeType: 'application/jsonl', sizeBytes: String(body.length) };
  return json({ file: { ...file, uri: `${url}/v1beta/${name}`, state: 'ACTIVE', source: 'UPLOADED' } });
}

function created(work: Work, { body, path }: Call): Reply {
  const { batch } = JSON.parse(body.toString('utf8'));
  const inputFile = batch.inputConfig.fileName;
  const lines = linesOf(work.files.get(inputFile) ?? Buffer.alloc(0));
  const said = { ...batch, model: path.split('/').at(-1)?.split(':')[0] };
  const job = work.accept({ lines, said, inputFile }, (hex) => `batches/${hex}`);
  const { output, batchStats, endTime, ...metadata } = operationOf(job).metadata;
  return json({ name: job.id, metadata: { ...metadata, state: 'BATCH_STATE_PENDING' } });
}

function looked(work: Work, { path, operation }: Call): Reply {
  const id = decodeURIComponent(/(?:batches\/|files\/of-)([^/:]+)/.exec(path)?.[1] ?? '');
  const job = work.find(`batches/${id}`);
  if (!job) return missing({ code: 404, message: 'Requested entity was not found.', status: 'NOT_FOUND' });
  if (operation === 'results') return jsonLines(job.lines.map(answered));
  if (operation === 'cancel') job.isCancelled = true;
  return json(operation === 'cancel' ? {} : operationOf(job));
}

/** What is empty is left out. */
function listed(work: Work): Reply {
  const operations = work.listed.map(operationOf);
  return json({ ...(operations.length > 0 && { operations }), ...(work.listNeverEnds && { nextPageToken: 'next' }) });
}

function operationOf({ id, lines, said, createdAtMs, inputFile }: Job) {
  const time = new Date(createdAtMs).toISOString().replace('Z', '045123Z');
  const responsesFile = `files/of-${id.replace('batches/', '')}`;
  return {
    name: id,
    metadata: {
      '@type': 'type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch',
      model: `models/${said.model}`,
      displayName: said.displayName,
      inputConfig: { fileName: inputFile },
      output: { responsesFile },
      createTime: time,
      endTime: time,
      updateTime: time,
      batchStats: { requestCount: String(lines.length), successfulRequestCount: String(lines.length) },
      state: 'BATCH_STATE_SUCCEEDED',
      name: id,
    },
    done: true,
    response: {
      '@type': 'type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatchOutput',
      responsesFile,
    },
  };
}

function answered(line: Record<string, unknown>) {
  const content = { parts: [{ text: `answer to ${questionIn(line)}` }], role: 'model' };
  const response = {
    candidates: [{ content, finishReason: 'STOP', index: 0 }],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 5, totalTokenCount: 15 },
    modelVersion: 'gemini-2.5-flash',
    responseId: 'r1',
  };
  return { key: line.key, response };
}
