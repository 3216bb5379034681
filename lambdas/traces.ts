import { Tracer } from '@aws-lambda-powertools/tracer';

/**
 * X-Ray: a segment per run of a step, with its calls to AWS. Off outside Lambda. Results are never put into it, and calls
 * to providers are left alone: tracing would add a header of ours to what they get.
 */
const tracer = new Tracer({ captureHTTPsRequests: false });

/** Makes the calls of an AWS client part of the trace. */
export function tracedClient<Client>(client: Client): Client {
  return tracer.isTracingEnabled() ? tracer.captureAWSv3Client(client) : client;
}

/** Runs a step in a segment that can be found by its batch. */
export async function tracedRun<Answer>(event: unknown, run: () => Promise<Answer>): Promise<Answer> {
  const parent = tracer.isTracingEnabled() ? tracer.getSegment() : undefined;
  if (!parent) return run();
  const segment = parent.addNewSubsegment('step');
  tracer.setSegment(segment);
  tracer.annotateColdStart();
  tracer.addServiceNameAnnotation();
  if (isBatchStep(event)) tracer.putAnnotation('batchId', event.batchId);
  try {
    return await run();
  } catch (error) {
    if (error instanceof Error) tracer.addErrorAsMetadata(error);
    throw error;
  } finally {
    segment.close();
    tracer.setSegment(parent);
  }
}

function isBatchStep(event: unknown): event is { batchId: string } {
  return typeof event === 'object' && event !== null && 'batchId' in event && typeof event.batchId === 'string';
}
