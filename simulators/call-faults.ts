import type { FaultPlan, FaultSubject } from './fault-plan.ts';
import type { Operation } from './faults.ts';
import { CutConnection, type Exchange, type JsonReply, RefusedCall } from './http-server.ts';

/** The provider's error body for an HTTP status. */
export type ErrorReply = (status: number) => JsonReply;

/**
 * Lets the faults on order strike a call. To be called when the call is understood and has had no effect yet.
 *
 * @param subject the batch that the call is about, or null.
 * @throws RefusedCall or CutConnection if the call shall have no effect.
 */
export async function applyCallFaults(
  faultPlan: FaultPlan,
  exchange: Exchange,
  operation: Operation,
  subject: FaultSubject | null,
  errorReply: ErrorReply,
): Promise<void> {
  for (const fault of await faultPlan.takeCallFaults(operation, subject)) {
    switch (fault.kind) {
      case 'http_error':
        throw new RefusedCall(withRetryAfter(errorReply(fault.status), fault.retryAfterSeconds));
      case 'slow_answer':
        exchange.fate.answerDelayMs += fault.delayMs;
        break;
      case 'connection_cut':
        if (fault.when === 'before_effect') throw new CutConnection();
        exchange.fate.cutInsteadOfAnswering = true;
    }
  }
}

function withRetryAfter(reply: JsonReply, seconds: number | undefined): JsonReply {
  if (seconds === undefined) return reply;
  return { ...reply, headers: { ...reply.headers, 'retry-after': String(seconds) } };
}
