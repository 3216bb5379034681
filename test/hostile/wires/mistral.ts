import { type Call, json, jsonLines, missing, type Reply, type Wire } from '../upstream.ts';
import { fileInForm, type Job, linesOf, questionIn, type Work } from '../work.ts';

/** Source: https://docs.mistral.ai/api/#tag/batch and the types of @mistralai/mistralai 2.7. */
export const mistral: Wire = {
  name: 'mistral',
  account: (url) => ({ kind: 'mistral', baseUrl: url, secret: 'mistral' }),
  model: 'mistral-small-latest',
  operationOf: (method, path) => {
    if (path === '/v1/files') return 'upload';
    if (path.startsWith('/v1/files/')) return path.endsWith('/content') ? 'results' : 'other';
    if (path === '/v1/batch/jobs') return method === 'POST' ? 'create' : 'list';
    return path.endsWith('/cancel') ? 'cancel' : 'retrieve';
  },
  right: (work, call) => {
    switch (call.operation) {
      case 'upload':
        return stored(work, call);
      case 'create':
        return created(work, call);
      case 'list':
      case 'check':
        return listed(work, call);
      case 'results':
        return content(work, call.path.split('/')[3] ?? '');
      case 'retrieve':
      case 'cancel':
      case 'other':
        return looked(work, call);
    }
  },
};

function stored(work: Work, { body, headers }: Call): Reply {
  const file = fileInForm(body, headers['content-type'] ?? '');
  const id = work.keep(file, '');
  const fields = { id, object: 'file', bytes: file.length, created_at: seconds(Date.now()), filename: 'lines.jsonl' };
  return json({ ...fields, purpose: 'batch', sample_type: 'batch_request', num_lines: 3, source: 'upload' });
}

function created(work: Work, { body }: Call): Reply {
  const said = JSON.parse(body.toString('utf8'));
  const [inputFile] = said.input_files;
  const lines = linesOf(work.files.get(inputFile) ?? Buffer.alloc(0));
  const job = jobOf(work.accept({ lines, said, inputFile }, (hex) => hex));
  const open = { completed_requests: 0, succeeded_requests: 0, completed_at: null, output_file: null };
  return json({ ...job, ...open, status: 'QUEUED' });
}

function looked(work: Work, { path, operation }: Call): Reply {
  const job = work.find(path.split('/')[4] ?? '');
  if (!job) return { ...missing(null), body: Buffer.from('{"detail":"Job not found"}') };
  if (operation === 'cancel') job.isCancelled = true;
  return json(jobOf(job));
}

function listed(work: Work, { query }: Call): Reply {
  const isFirst = Number(query.get('page') ?? 0) === 0 || work.listNeverEnds;
  const data = isFirst ? work.listed.map(jobOf) : [];
  return json({ data, object: 'list', total: work.listNeverEnds ? 1_000_000 : work.listed.length });
}

function content(work: Work, fileId: string): Reply {
  const job = work.find(fileId.replace(/^of-/, ''));
  if (!job) return { ...missing(null), body: Buffer.from('{"detail":"File not found"}') };
  return jsonLines(job.lines.map(answered));
}

function jobOf({ id, lines, said, inputFile, createdAtMs }: Job) {
  const count = lines.length;
  return {
    id,
    object: 'batch',
    input_files: inputFile === null ? [] : [inputFile],
    metadata: said.metadata ?? null,
    endpoint: said.endpoint ?? '/v1/chat/completions',
    model: said.model ?? null,
    agent_id: null,
    output_file: `of-${id}`,
    error_file: null,
    errors: [],
    outputs: null,
    status: 'SUCCESS',
    created_at: seconds(createdAtMs),
    total_requests: count,
    completed_requests: count,
    succeeded_requests: count,
    failed_requests: 0,
    started_at: seconds(createdAtMs),
    completed_at: seconds(createdAtMs),
  };
}

function answered(line: Record<string, unknown>) {
  const message = { role: 'assistant', tool_calls: null, content: `answer to ${questionIn(line)}` };
  const body = {
    id: 'c1',
    object: 'chat.completion',
    created: 1_764_000_000,
    model: 'mistral-small-latest',
    choices: [{ index: 0, finish_reason: 'stop', message }],
    usage: { prompt_tokens: 10, total_tokens: 15, completion_tokens: 5 },
  };
  return { id: 'batch-1', custom_id: line.custom_id, response: { status_code: 200, body }, error: null };
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1_000);
}
