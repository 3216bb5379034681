import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { localAccountId, localRegion } from '../../local/local-account.ts';
import { closeServer, type LoopbackServer, listenOnLoopback } from '../../local/loopback-server.ts';
import { callerOf, firstLacking, type Need, type Permissions, refusalText } from '../../local/permissions.ts';

/** Stands before the simulator of Bedrock, which knows no rights, and passes on what its caller may do. */
export async function startBedrockGuard(target: string, permissions: Permissions): Promise<LoopbackServer> {
  const server = createServer((request, response) => {
    pass(request, response, target, permissions).catch(() => response.destroy());
  });
  return { url: await listenOnLoopback(server, 0), close: () => closeServer(server) };
}

async function pass(
  request: IncomingMessage,
  response: ServerResponse,
  target: string,
  permissions: Permissions,
): Promise<void> {
  const { method = 'GET', url = '/', headers } = request;
  const body = await buffer(request);
  const caller = callerOf(headers.authorization);
  const lacking = firstLacking(permissions, caller, needsOf(method, url, body.toString('utf8')));
  if (lacking) {
    response.writeHead(403, { 'content-type': 'application/json', 'x-amzn-errortype': 'AccessDeniedException' });
    response.end(JSON.stringify({ message: refusalText(caller, lacking) }));
    return;
  }
  const { connection: _hop, 'content-length': _counted, 'transfer-encoding': _other, ...kept } = headers;
  const answer = await fetch(target + url, {
    method,
    headers: kept as Record<string, string>,
    ...(body.length > 0 && { body: new Uint8Array(body) }),
  });
  response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer()));
}

/**
 * What a call of Bedrock asks of its caller.
 *
 * Source: Service Authorization Reference, "Amazon Bedrock"; Bedrock user guide, "Create a service role for batch inference", read
 * 2026-11.
 */
function needsOf(method: string, url: string, body: string): Need[] {
  const [, collection = '', name = '', verb = ''] = new URL(url, 'http://bedrock').pathname.split('/');
  const resource = decodeURIComponent(name);
  switch (`${method} ${collection} ${verb}`.trim()) {
    case 'POST model-invocation-job': {
      const { modelId, roleArn } = JSON.parse(body);
      const made = arnOf(`${localAccountId}:model-invocation-job/new`);
      return [
        ...[made, ...modelArns(modelId)].map((arn) => ({ action: 'bedrock:CreateModelInvocationJob', resource: arn })),
        { action: 'iam:PassRole', resource: roleArn, conditions: { 'iam:PassedToService': 'bedrock.amazonaws.com' } },
      ];
    }
    case 'GET model-invocation-jobs':
      return [{ action: 'bedrock:ListModelInvocationJobs', resource: '*' }];
    case 'GET model-invocation-job':
      return [{ action: 'bedrock:GetModelInvocationJob', resource }];
    case 'POST model-invocation-job stop':
      return [{ action: 'bedrock:StopModelInvocationJob', resource }];
    case 'POST model invoke':
    case 'POST model converse':
      return modelArns(resource).map((arn) => ({ action: 'bedrock:InvokeModel', resource: arn }));
    default:
      throw new Error(`What ${method} ${url} needs is not known.`);
  }
}

/** A profile spreads a model's calls over regions, and asks for the model as well. */
function modelArns(modelId: string): string[] {
  const [, model] = /^(?:us|eu|apac|global)\.(.+)/.exec(modelId) ?? [];
  if (model === undefined) return [arnOf(`:foundation-model/${modelId}`)];
  return [arnOf(`${localAccountId}:inference-profile/${modelId}`), arnOf(`:foundation-model/${model}`)];
}

function arnOf(rest: string): string {
  return `arn:aws:bedrock:${localRegion}:${rest}`;
}
