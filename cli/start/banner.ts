import { relative } from 'node:path';
import { styleText } from 'node:util';
import { environmentName } from '../../lib/store/secrets.ts';
import type { LocalStack } from '../../local/runtime.ts';
import { hint } from '../called-as.ts';

/** What a person needs to know once the stack is up. */
export function banner(stack: LocalStack): string {
  const folder = displayPath(stack.dataDir);
  return [
    `${styleText('bold', 'Batchdrop is up')}, on this machine only.`,
    '',
    `  HTTP       ${stack.apiUrl}/v1   key ${stack.apiKey}`,
    `  S3         ${stack.s3Url}   bucket ${stack.bucket}`,
    `  Data       ${folder}   log ${folder}/batchdrop.log`,
    `  Providers  ${[...stack.real.map(describeReal), ...stack.simulated.map(describeSimulated)].join('\n             ')}`,
    '',
    'Hand over a file from another terminal in this folder, or point the OpenAI SDK here:',
    '',
    `  ${hint('submit', 'examples/openai-chat.jsonl', '--wait')}`,
    `  export OPENAI_BASE_URL=${stack.apiUrl}/v1 OPENAI_API_KEY=${stack.apiKey}`,
    '',
    'Or drop it into the bucket, then see what came of it:',
    '',
    '  export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=us-east-1',
    `  aws --endpoint-url ${stack.s3Url} s3 cp examples/openai-chat.jsonl s3://${stack.bucket}/inbox/`,
    `  aws --endpoint-url ${stack.s3Url} s3 cp s3://${stack.bucket}/status/openai-chat.jsonl.json -`,
    '',
    'Ctrl-C stops it; what is under way goes on at the next start.',
  ].join('\n');
}

/** Relative to the working directory where it is inside. */
function displayPath(path: string): string {
  const inside = relative('', path);
  return inside.startsWith('..') ? path : inside || '.';
}

function describeReal(name: string): string {
  const variable = `${environmentName(name)}_BASE_URL`;
  const baseUrl = process.env[variable];
  return styleText('yellow', `${name}: the real one${baseUrl ? ` at ${baseUrl}` : ''}; its requests cost money`);
}

function describeSimulated(name: string): string {
  return `${name}: simulated (set ${environmentName(name)}_API_KEY for the real one)`;
}
