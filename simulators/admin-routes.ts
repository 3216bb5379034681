import { z } from 'zod';
import type { BatchLedger } from './batch-ledger.ts';
import { readCreations, readOpenBatches } from './creation-log.ts';
import type { FaultPlan } from './fault-plan.ts';
import { faultSchema } from './faults.ts';
import { type Exchange, type JsonReply, type Route, readBody } from './http-server.ts';
import { parseJson } from './json.ts';
import type { CreationRecord } from './simulator.ts';

const maxFaultsBytes = 1024 * 1024;

/** Routes by which a test steers a simulator in another process. */
export function adminRoutes(ledger: BatchLedger, faultPlan: FaultPlan, provider: CreationRecord['provider']): Route[] {
  return [
    {
      method: 'GET',
      path: '/__simulator/creations',
      answer: async () => ok(await readCreations(ledger, provider)),
    },
    { method: 'GET', path: '/__simulator/open', answer: async () => ok(await readOpenBatches(ledger)) },
    { method: 'PUT', path: '/__simulator/faults', answer: (exchange) => putFaults(faultPlan, exchange) },
  ];
}

async function putFaults(faultPlan: FaultPlan, exchange: Exchange): Promise<JsonReply> {
  const tooLarge = bad('the faults are too large');
  const body = await readBody(exchange.request, maxFaultsBytes, tooLarge);
  const faults = z.array(faultSchema).safeParse(parseJson(body.toString('utf8')));
  if (!faults.success) return bad(z.prettifyError(faults.error));
  faultPlan.replace(faults.data);
  return ok({ faults: faults.data.length });
}

function ok(body: unknown): JsonReply {
  return { kind: 'json', status: 200, body };
}

function bad(message: string): JsonReply {
  return { kind: 'json', status: 400, body: { error: message } };
}
