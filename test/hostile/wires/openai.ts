import { type Call, json, jsonLines, missing, type Reply, type Wire } from '../upstream.ts';
import { fileInForm, type Job, linesOf, questionIn, type Work } from '../work.ts';

/** Source: https://platform.openai.com/docs/api-reference/batch and traffic that others recorded. */
export const openai: Wire = {
  name: 'openai',
  account: (url) => ({ kind: 'openai', baseUrl: `${url}/v1`, secret: 'openai' }),
  model: 'gpt-5-mini',
  operationOf: (method, path) => {
    if (path === '/v1/files') return method === 'POST' ? 'upload' : 'other';
    if (path.startsWith('/v1/files/')) return path.endsWith('/content') ? 'results' : 'other';
    if (path === '/v1/batches') return method === 'POST' ? 'create' : 'list';
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
        return listed(work);
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
  const id = work.keep(file, 'file-');
  const fields = { object: 'file', id, purpose: 'batch', filename: 'lines.jsonl', bytes: file.length };
  return json({ ...fields, created_at: seconds(Date.now()), status: 'processed', status_details: null });
}

function created(work: Work, { body }: Call): Reply {
  const said = JSON.parse(body.toString('utf8'));
  const lines = linesOf(work.files.get(said.input_file_id) ?? Buffer.alloc(0));
  const job = work.accept({ lines, said, inputFile: said.input_file_id }, (hex) => `batch_${hex}`);
  return json({ ...batchOf(job), status: 'validating', output_file_id: null, completed_at: null });
}

function looked(work: Work, { path, operation }: Call): Reply {
  const job = work.find(decodeURIComponent(path.split('/')[3] ?? ''));
  if (!job) return missing({ message: 'No batch found with that id.', type: 'invalid_request_error', code: null });
  if (operation === 'cancel') job.isCancelled = true;
  return json(batchOf(job));
}

function listed(work: Work): Reply {
  const data = work.listed.map(batchOf);
  const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
  return json({ object: 'list', data, ...ends, has_more: work.listNeverEnds });
}

function content(work: Work, fileId: string): Reply {
  const job = work.find(fileId.replace(/^file-of-/, ''));
  if (!job) return missing({ message: `No such File object: ${fileId}`, type: 'invalid_request_error', code: null });
  return jsonLines(job.lines.map(answered));
}

function batchOf({ id, lines, said, inputFile, createdAtMs }: Job) {
  const at = seconds(createdAtMs);
  const count = lines.length;
  return {
    id,
    object: 'batch',
    endpoint: said.endpoint,
    errors: null,
    input_file_id: inputFile,
    completion_window: '24h',
    status: 'completed',
    output_file_id: `file-of-${id}`,
    error_file_id: null,
    created_at: at,
    in_progress_at: at,
    expires_at: at + 86_400,
    finalizing_at: at,
    completed_at: at,
    failed_at: null,
    expired_at: null,
    cancelling_at: null,
    cancelled_at: null,
    request_counts: { total: count, completed: count, failed: 0 },
    metadata: said.metadata ?? null,
  };
}

function answered(line: Record<string, unknown>) {
  const message = { role: 'assistant', content: `answer to ${questionIn(line)}`, refusal: null, annotations: [] };
  const body = {
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1_764_000_000,
    model: 'gpt-5-mini-2025-08-07',
    choices: [{ index: 0, message, logprobs: null, finish_reason: 'stop' }],
    usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
    system_fingerprint: null,
  };
  const response = { status_code: 200, request_id: 'req_1', body };
  return { id: 'batch_req_1', custom_id: line.custom_id, response, error: null };
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1_000);
}
