import { z } from 'zod';
import type { FaultPlan } from './fault-plan.ts';
import { faultSchema } from './faults.ts';
import { type Exchange, type JsonReply, type Route, readBody } from './http-server.ts';
import { parseJson } from './json.ts';
import type { Simulator } from './simulator.ts';

const maxFaultsBytes = 1024 * 1024;

/** Routes by which a test steers a simulator in another process. */
export function adminRoutes(log: Pick<Simulator, 'creations' | 'openBatches'>, faultPlan: FaultPlan): Route[] {
  return [
    {
      method: 'GET',
      path: '/__simulator/creations',
      answer: async () => ok(await log.creations()),
    },
    { method: 'GET', path: '/__simulator/open', answer: async () => ok(await log.openBatches()) },
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
