import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { adminRoutes } from '../admin-routes.ts';
import { BatchLedger } from '../batch-ledger.ts';
import { creationLog } from '../creation-log.ts';
import { FailedBodies } from '../failed-bodies.ts';
import { FaultPlan } from '../fault-plan.ts';
import { type Exchange, RefusedCall, serve } from '../http-server.ts';
import { LiveCalls } from '../live-calls.ts';
import { type LiveSimulator, type SimulatorOptions, timingSchema } from '../simulator.ts';
import { emptyFolder } from '../state-store.ts';
import { bedrockBatchWork } from './batch-work.ts';
import { errorOfStatus, errorReply } from './error-reply.ts';
import { arnOf } from './job-terms.ts';
import { jobRoutes } from './jobs.ts';
import { minRecords } from './limits.ts';
import { liveRoutes } from './live-routes.ts';

/**
 * Starts a simulator of Amazon Bedrock's batch inference, and of its single calls, on 127.0.0.1. It reads and writes S3 where AWS's own variables
 * (`AWS_ENDPOINT_URL_S3`, ...) say. Signatures are not verified, but must be for Bedrock.
 */
export async function startBedrockSimulator(options: SimulatorOptions): Promise<LiveSimulator> {
  const folder = join(options.dataDir, 'bedrock');
  const faultPlan = new FaultPlan(join(folder, 'faults.json'), options.faults);
  const bodies = new FailedBodies(join(folder, 'struck-bodies.json'));
  const work = bedrockBatchWork(bodies, options.minRecords ?? minRecords);
  const ledger = new BatchLedger(join(folder, 'jobs'), work);
  const intakeFolder = emptyFolder(join(folder, 'intake'));
  const live = new LiveCalls({ faultPlan, logPath: join(folder, 'live-calls.jsonl'), errorReply: errorOfStatus });
  const log = creationLog(ledger, 'bedrock', ({ id }) => arnOf(id));
  const service = await serve({
    port: options.port ?? 0,
    routes: [
      ...jobRoutes({ ledger, faultPlan, timing: timingSchema.parse(options.timing ?? {}), intakeFolder }),
      ...liveRoutes(live),
      ...adminRoutes(log, faultPlan),
    ],
    answerHeaders: () => ({ 'x-amzn-requestid': randomUUID() }),
    finishReply: (reply) => reply,
    admit,
    unknownRoute: () => errorReply(404, 'UnknownOperationException', 'There is no such operation.'),
    internalError: () => errorOfStatus(500),
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

function admit({ request }: Exchange): void {
  const isSigned = /^AWS4-HMAC-SHA256 Credential=[^,]+\/bedrock\/aws4_request, /.test(
    request.headers.authorization ?? '',
  );
  if (isSigned) return;
  const message = 'Missing Authentication Token';
  throw new RefusedCall(errorReply(403, 'MissingAuthenticationTokenException', message));
}
