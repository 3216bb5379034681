import { type Call, json, jsonLines, type Reply, type Wire } from '../upstream.ts';
import { type Job, questionIn, type Work } from '../work.ts';

const path = '/v1/messages/batches';

/** Source: https://platform.claude.com/docs/en/api/creating-message-batches and traffic that others recorded. */
export const anthropic: Wire = {
  name: 'anthropic',
  account: (url) => ({ kind: 'anthropic', baseUrl: url, secret: 'anthropic' }),
  model: 'claude-sonnet-4-5',
  operationOf: (method, called) => {
    if (called === path) return method === 'POST' ? 'create' : 'list';
    if (called.endsWith('/results')) return 'results';
    return called.endsWith('/cancel') ? 'cancel' : 'retrieve';
  },
  right: (work, call, url) => {
    if (call.operation === 'create') return created(work, call);
    if (call.operation === 'list' || call.operation === 'check') return listed(work, url);
    const job = work.find(decodeURIComponent(call.path.split('/')[4] ?? ''));
    const unknown = { type: 'not_found_error', message: 'Not found' };
    if (!job) return { ...json({ type: 'error', error: unknown, request_id: 'req_1' }), status: 404 };
    if (call.operation === 'results') return jsonLines(job.lines.map(answered));
    if (call.operation === 'cancel') job.isCancelled = true;
    return json(batchOf(job, url));
  },
};

function created(work: Work, { body }: Call): Reply {
  const { requests } = JSON.parse(body.toString('utf8'));
  const job = work.accept({ lines: requests, said: {}, inputFile: null }, (hex) => `msgbatch_${hex}`);
  const open = { processing: job.lines.length, succeeded: 0, errored: 0, canceled: 0, expired: 0 };
  const state = { processing_status: 'in_progress', request_counts: open, ended_at: null, results_url: null };
  return json({ ...batchOf(job, ''), ...state });
}

function listed(work: Work, url: string): Reply {
  const data = work.listed.map((job) => batchOf(job, url));
  const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
  return json({ data, has_more: work.listNeverEnds, ...ends });
}

function batchOf({ id, lines, createdAtMs, isCancelled }: Job, url: string) {
  const at = new Date(createdAtMs);
  return {
    id,
    type: 'message_batch',
    processing_status: 'ended',
    request_counts: { processing: 0, succeeded: lines.length, errored: 0, canceled: 0, expired: 0 },
    ended_at: at.toISOString().replace('Z', '311+00:00'),
    created_at: at.toISOString().replace('Z', '311+00:00'),
    expires_at: new Date(createdAtMs + 86_400_000).toISOString(),
    archived_at: null,
    cancel_initiated_at: isCancelled ? at.toISOString() : null,
    results_url: `${url}${path}/${id}/results`,
  };
}

function answered(line: Record<string, unknown>) {
  const message = {
    id: 'msg_1',
    type: 'message',
    role: 'assistant',
    model: 'claude-sonnet-4-5-20250929',
    content: [{ type: 'text', text: `answer to ${questionIn(line)}` }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: { input_tokens: 10, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 5 },
  };
  return { custom_id: line.custom_id, result: { type: 'succeeded', message } };
}
