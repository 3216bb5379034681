import { withoutResultNames, withUnorderedBatches, withWrongClock, withWrongCounts } from './answer-faults.ts';
import type { FaultPlan, FaultSubject } from './fault-plan.ts';
import type { CallFault, FaultOfKind, Operation } from './faults.ts';
import { CutConnection, type Exchange, type JsonReply, RefusedCall } from './http-server.ts';
import { keyOf, withMessage } from './refusal-faults.ts';

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
  exchange.fate.changes.push((reply) => faultPlan.remember(operation, reply));
  for (const fault of await faultPlan.takeCallFaults(operation, subject)) apply(fault, exchange, errorReply, faultPlan);
}

function apply(fault: CallFault, exchange: Exchange, errorReply: ErrorReply, faultPlan: FaultPlan): void {
  const { fate } = exchange;
  switch (fault.kind) {
    case 'http_error':
      throw new RefusedCall(refusalOf(fault, exchange, errorReply));
    case 'redirect':
      throw new RefusedCall({ kind: 'json', status: fault.status, body: {}, headers: { location: fault.location } });
    case 'size_limit':
      fate.maxBytes = Math.min(fate.maxBytes, fault.maxBytes);
      return;
    case 'connection_cut':
      if (fault.when === 'before_effect') throw new CutConnection();
      fate.cutInsteadOfAnswering = true;
      return;
    case 'slow_answer':
      fate.answerDelayMs += fault.delayMs;
      return;
    case 'repeated_page':
      for (const name of pageParameters) exchange.url.searchParams.delete(name);
      return;
    case 'wrong_body':
      fate.changes.push((reply) => faultPlan.wrongBody(fault, reply));
      return;
    case 'wrong_counts':
      fate.changes.push((reply) => withWrongCounts(reply, fault.how));
      return;
    case 'unnamed_results':
      fate.changes.push((reply) => withoutResultNames(reply, fault.how));
      return;
    case 'wrong_clock':
      fate.changes.push((reply) => withWrongClock(reply, fault.how));
      return;
    case 'unordered_list':
      fate.changes.push(withUnorderedBatches);
  }
}

/** To be called once an upload, or a creation that carries its lines, has been received. */
export function assertSize({ fate }: Exchange, bytes: number, errorReply: ErrorReply): void {
  if (bytes > fate.maxBytes) throw new RefusedCall(errorReply(413));
}

/** What says, at one service or another, where a page begins. */
const pageParameters = ['after', 'after_id', 'page', 'pageToken', 'pagination_token', 'nextToken'];

function refusalOf(fault: FaultOfKind<'http_error'>, { request }: Exchange, errorReply: ErrorReply): JsonReply {
  const reply = errorReply(fault.status);
  const retryAfter = fault.retryAfter ?? fault.retryAfterSeconds?.toString();
  const added = [
    ...(fault.messageChars === undefined ? [] : ['x'.repeat(fault.messageChars)]),
    ...(fault.echoesKey === undefined ? [] : [keyOf(request.headers, fault.echoesKey)]),
  ];
  return {
    ...reply,
    body: withMessage(reply.body, added),
    headers: { ...reply.headers, ...(retryAfter !== undefined && { 'retry-after': retryAfter }) },
  };
}
