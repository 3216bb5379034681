import type { Operation } from './operations.ts';

/** What a path counts. */
const numbers: Record<string, string> = { round: '0', shard: '0', line: '1' };

/** What a call sends beside its path, as curl's arguments. */
const sent: Record<string, string> = {
  createFile: '-F purpose=batch -F file=@requests.jsonl',
  createUpload: json({ filename: 'requests.jsonl', purpose: 'batch', bytes: 1234, mime_type: 'application/jsonl' }),
  addUploadPart: '-F data=@requests.jsonl',
  completeUpload: json({ part_ids: ['$PART_ID'] }),
  createBatch: json({
    input_file_id: '$FILE_ID',
    endpoint: '/v1/chat/completions',
    completion_window: '24h',
    metadata: { team: 'search' },
    max_cost_usd: 50,
  }),
};

/** What an answer gives the next calls. */
const kept: Record<string, string> = {
  createFile: 'FILE_ID',
  createUpload: 'UPLOAD_ID',
  addUploadPart: 'PART_ID',
  createBatch: 'BATCH_ID',
};

/**
 * A call of an operation as a shell runs it: BATCHDROP_URL and BATCHDROP_API_KEY say where to, and ids come from the calls
 * before. Nothing else of it is made up.
 */
export function exampleCall({ id, method, path, isOpen }: Operation): string {
  const address = path.replaceAll(/\{(\w+)\}/g, (_whole, name: string) => numbers[name] ?? `$${name.toUpperCase()}`);
  const call = [
    `curl -sSL${method === 'get' || sent[id] ? '' : ` -X ${method.toUpperCase()}`} "$BATCHDROP_URL${address}"`,
    ...(isOpen ? [] : ['-H "Authorization: Bearer $BATCHDROP_API_KEY"']),
    ...(sent[id] ? [sent[id]] : []),
  ].join(' \\\n  ');
  const variable = kept[id];
  return variable === undefined ? call : `${variable}=$(${call} | jq -r .id)`;
}

/** In double quotes, so that the shell puts the ids in. */
function json(body: object): string {
  return `-H 'Content-Type: application/json' -d "${JSON.stringify(body).replaceAll('"', '\\"')}"`;
}
