import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { environmentName } from '../../lib/store/secrets.ts';
import type { LocalStack } from '../../local/runtime.ts';
import { hint, shellWord } from '../called-as.ts';
import { bytesText } from '../output/quantities.ts';
import { folderBytes } from './data-folder.ts';

/** What a person needs to know once the stack is up. */
export function banner(stack: LocalStack): string {
  const folder = displayPath(stack.dataDir);
  const file = displayPath(exampleFile);
  return [
    ...realProvidersText(stack.real),
    `${styleText('bold', 'Batchdrop is up')}, on this machine only. See it in a browser; the address signs in once, within 10 minutes:`,
    '',
    `  ${styleText('bold', stack.newConsoleUrl())}`,
    '',
    `  HTTP       ${stack.apiUrl}/v1   key ${stack.apiKey}`,
    `  Docs       ${stack.apiUrl}/docs, with calls to copy`,
    `  S3         ${stack.s3Url}   bucket ${stack.bucket}`,
    `  Data       ${folder} (${bytesText(folderBytes(stack.dataDir))})   log ${folder}/batchdrop.log`,
    `  Providers  ${[...stack.real.map(describeReal), ...stack.simulated.map(describeSimulated)].join('\n             ')}`,
    '',
    'Hand over a file from another terminal in this folder, or point the OpenAI SDK here:',
    '',
    `  ${hint('submit', file, '--wait')}`,
    `  export BATCHDROP_URL=${stack.apiUrl} BATCHDROP_API_KEY=${stack.apiKey}`,
    '  client = OpenAI(base_url=os.environ["BATCHDROP_URL"] + "/v1", api_key=os.environ["BATCHDROP_API_KEY"])',
    '',
    'Or drop it into the bucket, then see what came of it:',
    '',
    '  export AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=us-east-1',
    `  aws --endpoint-url ${stack.s3Url} s3 cp ${shellWord(file)} s3://${stack.bucket}/inbox/`,
    `  aws --endpoint-url ${stack.s3Url} s3 cp s3://${stack.bucket}/status/openai-chat.jsonl.json -`,
    '',
    `Another address for a browser: ${hint('console')}`,
    `Ctrl-C stops it; what is under way goes on at the next start. Afresh: ${hint('start', '--reset')}`,
  ].join('\n');
}

/** Of the checkout or of the package. */
const exampleFile = fileURLToPath(new URL('../../examples/openai-chat.jsonl', import.meta.url));

/** A key in the environment makes a provider real, and may stand there for other reasons: this is said first, and seen. */
function realProvidersText(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const keys = names.map((name) => `${environmentName(name)}_API_KEY`).filter((variable) => process.env[variable]);
  const found = keys.length === 0 ? '' : ` ${keys.join(' and ')} ${keys.length === 1 ? 'is' : 'are'} set.`;
  const without =
    keys.length === 0 ? '' : ` Simulated: env ${keys.map((key) => `-u ${key}`).join(' ')} ${hint('start')}`;
  const text = `Requests to ${names.join(', ')} are real and cost money.${found}${without}`;
  return [styleText(['bold', 'yellow'], text), ''];
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
