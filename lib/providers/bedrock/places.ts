import { workPrefix } from '../../records/object-keys.ts';

/** Where a sending's lines lie: with its batch's work, which expires. */
export function inputKey(batchId: string, prefix: string): string {
  return `${workPrefix(batchId)}bedrock/${prefix}.jsonl`;
}

export function inputUri(bucket: string, key: string): string {
  return `s3://${bucket}/${key}`;
}

/** A folder of its own beside the lines; Bedrock makes one in it for the job. */
export function outputUri(input: string): string {
  return `${input.replace(/\.jsonl$/, '')}/`;
}

/**
 * The file that answers a job's input. Source:
 * https://docs.aws.amazon.com/bedrock/latest/userguide/batch-inference-results.html, read 2026-11.
 */
export function resultUri(jobArn: string, input: string, output: string): string {
  return `${output.replace(/\/$/, '')}/${nameIn(jobArn)}/${nameIn(input)}.out`;
}

export function objectAt(uri: string): { bucket: string; key: string } {
  const [, bucket = '', key = ''] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri) ?? [];
  return { bucket, key };
}

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
