import { type IncomingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

// What Lambda's runtime for Node.js does in a function's process: it loads the handler, and then asks the runtime API for one event
// after the other. Source: AWS Lambda developer guide, "Using the Lambda runtime API", read 2026-11.

type Handler = (event: unknown, context: object) => Promise<unknown>;

interface Answer {
  headers: IncomingHttpHeaders;
  body: string;
}

function call(method: 'GET' | 'POST', path: string, body = ''): Promise<Answer> {
  const url = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime${path}`;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method, headers: { 'content-length': Buffer.byteLength(body) } }, async (answer) =>
      resolve({ headers: answer.headers, body: await text(answer) }),
    );
    sent.once('error', reject).end(body);
  });
}

async function loadHandler(): Promise<Handler> {
  const { LAMBDA_TASK_ROOT: folder = '', _HANDLER: named = '' } = process.env;
  const [file, name = ''] = named.split('.');
  const { [name]: handler } = await import(pathToFileURL(join(folder, `${file}.mjs`)).href);
  // Node 24's runtime calls nobody back, and refuses a handler that waits for it.
  if (typeof handler !== 'function' || handler.length > 2) throw new Error(`${named} is no handler of this runtime.`);
  return handler;
}

async function runNext(handler: Handler): Promise<void> {
  const { headers, body } = await call('GET', '/invocation/next');
  const id = String(headers['lambda-runtime-aws-request-id']);
  const endsAtMs = Number(headers['lambda-runtime-deadline-ms']);
  process.env._X_AMZN_TRACE_ID = String(headers['lambda-runtime-trace-id']);
  const context = {
    awsRequestId: id,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => Math.max(0, endsAtMs - Date.now()),
  };
  try {
    const answer = await handler(JSON.parse(body), context);
    await call('POST', `/invocation/${id}/response`, JSON.stringify(answer ?? null));
  } catch (error) {
    await call('POST', `/invocation/${id}/error`, JSON.stringify(described(error)));
  }
}

function described(error: unknown): object {
  if (!(error instanceof Error)) return { errorType: 'Error', errorMessage: String(error), trace: [] };
  return { errorType: error.name, errorMessage: error.message, trace: error.stack?.split('\n') ?? [] };
}

const handler = await loadHandler();
for (;;) await runNext(handler);
