import { join } from 'node:path';
import { adminRoutes } from '../admin-routes.ts';
import { BatchLedger } from '../batch-ledger.ts';
import { creationLog } from '../creation-log.ts';
import { FailedBodies } from '../failed-bodies.ts';
import { FaultPlan } from '../fault-plan.ts';
import { serve } from '../http-server.ts';
import { LiveCalls } from '../live-calls.ts';
import { openAIBatchWork } from '../openai/batch-work.ts';
import { liveRoutes } from '../openai/live-routes.ts';
import { bearerKey } from '../openai/wire-dialect.ts';
import { type LiveSimulator, type SimulatorOptions, timingSchema } from '../simulator.ts';
import { emptyFolder } from '../state-store.ts';
import { batchRoutes } from './batches.ts';
import { errorReply, refused } from './error-reply.ts';
import { ResultPages } from './result-pages.ts';
import { openRouterWire } from './wire.ts';

/** Starts a simulator of OpenRouter's batches and single calls on 127.0.0.1. */
export async function startOpenRouterSimulator(options: SimulatorOptions): Promise<LiveSimulator> {
  const folder = join(options.dataDir, 'openrouter');
  const faultPlan = new FaultPlan(join(folder, 'faults.json'), options.faults);
  const bodies = new FailedBodies(join(folder, 'failed-bodies.json'));
  const ledger = new BatchLedger(join(folder, 'batches'), openAIBatchWork(bodies, openRouterWire));
  const live = new LiveCalls({ faultPlan, logPath: join(folder, 'live-calls.jsonl'), errorReply });
  const log = creationLog(ledger, 'openrouter');
  const server = await serve({
    port: options.port ?? 0,
    routes: [
      ...batchRoutes({
        ledger,
        faultPlan,
        timing: timingSchema.parse(options.timing ?? {}),
        intakeFolder: emptyFolder(join(folder, 'intake')),
        answered: new ResultPages(join(folder, 'answered'), ledger),
      }),
      ...liveRoutes(live, openRouterWire),
      ...adminRoutes(log, faultPlan),
    ],
    answerHeaders: () => ({}),
    finishReply: (reply) => reply,
    admit: ({ request }) => admit(bearerKey(request.headers), options.apiKey),
    unknownRoute: () => errorReply(404),
    internalError: () => errorReply(500),
  });
  return {
    url: server.origin,
    close: async () => {
      await server.close();
      await ledger.close();
    },
    ...log,
    setFaults: (faults) => faultPlan.replace(faults),
    liveCalls: () => live.calls(),
  };
}

function admit(key: string | undefined, apiKey: string | undefined): void {
  if (key === undefined || (apiKey !== undefined && key !== apiKey)) throw refused(401);
}
