import { join } from 'node:path';
import { adminRoutes } from '../admin-routes.ts';
import { BatchLedger } from '../batch-ledger.ts';
import { creationLog } from '../creation-log.ts';
import { FailedBodies } from '../failed-bodies.ts';
import { FaultPlan } from '../fault-plan.ts';
import { type Exchange, type JsonReply, RefusedCall, serve } from '../http-server.ts';
import { isJsonObject } from '../json.ts';
import { LiveCalls } from '../live-calls.ts';
import { type LiveSimulator, type SimulatorOptions, timingSchema } from '../simulator.ts';
import { emptyFolder } from '../state-store.ts';
import { uniqueBase62 } from '../unique-id.ts';
import { anthropicBatchWork } from './batch-work.ts';
import { batchRoutes } from './batches.ts';
import { errorOfStatus, errorReply, invalidRequest } from './error-reply.ts';
import { liveRoutes } from './live-routes.ts';

const requestIdHeader = 'request-id';

/** Starts a simulator of Anthropic's Message Batches API on 127.0.0.1. */
export async function startAnthropicSimulator(options: SimulatorOptions): Promise<LiveSimulator> {
  const folder = join(options.dataDir, 'anthropic');
  const faultPlan = new FaultPlan(join(folder, 'faults.json'), options.faults);
  const bodies = new FailedBodies(join(folder, 'struck-bodies.json'));
  const ledger = new BatchLedger(join(folder, 'batches'), anthropicBatchWork(bodies));
  const intakeFolder = emptyFolder(join(folder, 'intake'));
  const live = new LiveCalls({
    faultPlan,
    logPath: join(folder, 'live-calls.jsonl'),
    errorReply: (status) => errorReply(status, errorOfStatus(status)),
  });
  const log = creationLog(ledger, 'anthropic');
  const service = await serve({
    port: options.port ?? 0,
    routes: [
      ...batchRoutes({ ledger, faultPlan, timing: timingSchema.parse(options.timing ?? {}), intakeFolder }),
      ...liveRoutes(live),
      ...adminRoutes(log, faultPlan),
    ],
    answerHeaders: () => ({ [requestIdHeader]: uniqueBase62('req_011C', 20) }),
    finishReply: withRequestId,
    admit: (exchange) => admit(exchange, options.apiKey),
    unknownRoute: () => errorReply(404, errorOfStatus(404)),
    internalError: () => errorReply(500, errorOfStatus(500)),
  });
  return {
    url: service.origin,
    close: async () => {
      await service.close();
      await ledger.close();
    },
    ...log,
    setFaults: (faults) => faultPlan.replace(faults),
    liveCalls: () => live.calls(),
  };
}

/** An error's body repeats the id that is in the header. */
function withRequestId(reply: JsonReply, answerHeaders: Record<string, string>): JsonReply {
  if (!isJsonObject(reply.body) || reply.body.type !== 'error') return reply;
  return { ...reply, body: { ...reply.body, request_id: answerHeaders[requestIdHeader] } };
}

/** The key comes in either header: current SDKs send a bearer token, older ones `x-api-key`. */
function admit({ request }: Exchange, apiKey: string | undefined): void {
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  const key = bearer ?? request.headers['x-api-key'];
  if (key === undefined || key === '') {
    const message = 'x-api-key header is required';
    throw new RefusedCall(errorReply(401, { type: 'authentication_error', message }));
  }
  if (apiKey !== undefined && key !== apiKey) throw new RefusedCall(errorReply(401, errorOfStatus(401)));
  const version = request.headers['anthropic-version'];
  if (version === undefined) {
    throw new RefusedCall(errorReply(400, invalidRequest('anthropic-version: header is required')));
  }
  if (!/^\d{4}-\d{2}-\d{2}$/.test(String(version))) {
    const message = `anthropic-version: "${String(version)}" is not a valid version`;
    throw new RefusedCall(errorReply(400, invalidRequest(message)));
  }
}
