import {
  CloudWatchLogsClient,
  paginateFilterLogEvents,
  ResourceNotFoundException,
} from '@aws-sdk/client-cloudwatch-logs';
import { functionTimeoutSeconds } from '../records/function-timeouts.ts';

/**
 * Reads what the functions of a deployment logged about one batch, of each function in its order.
 *
 * @param sinceMs Unix milliseconds of the oldest line.
 * @returns the lines as they were logged: JSON objects.
 */
export async function logLinesOf(
  deployment: string,
  batchId: string,
  sinceMs: number,
  client = new CloudWatchLogsClient(),
): Promise<string[]> {
  const groups = Object.keys(functionTimeoutSeconds).map((name) => `/aws/lambda/${deployment}-${name}`);
  const lines = await Promise.all(groups.map((group) => linesOf(client, group, batchId, sinceMs)));
  return lines.flat();
}

/** A function that never ran may have no log. */
async function linesOf(
  client: CloudWatchLogsClient,
  logGroupName: string,
  batchId: string,
  startTime: number,
): Promise<string[]> {
  const filterPattern = `{ $.batchId = ${JSON.stringify(batchId)} }`;
  const lines: string[] = [];
  try {
    for await (const page of paginateFilterLogEvents({ client }, { logGroupName, filterPattern, startTime }))
      lines.push(...(page.events ?? []).flatMap(({ message }) => message ?? []));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
  return lines;
}
