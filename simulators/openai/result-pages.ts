import { randomUUID } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BatchRecord } from '../batch-record.ts';
import type { TruncatedDownload } from '../faults.ts';
import type { Exchange, Reply, Route } from '../http-server.ts';
import { isJsonObject, type JsonObject, parseJson } from '../json.ts';
import { readLines } from '../jsonl-lines.ts';
import { truncationOf } from '../truncation.ts';
import { applyBatchCallFaults, type BatchSurroundings, batchSubject, findBatch } from './batches.ts';

const largestPage = 100;

/** xAI's results: pages under the batch, a token from each to the next. */
export function resultPageRoutes(here: BatchSurroundings, pageFolder: string): Route[] {
  const path = `${here.wire.root}/batches/:batchId/results`;
  return [{ method: 'GET', path, answer: (exchange) => resultPage(here, exchange, pageFolder) }];
}

async function resultPage(here: BatchSurroundings, exchange: Exchange, pageFolder: string): Promise<Reply> {
  const record = findBatch(here, exchange);
  const subject = batchSubject(here, record);
  await applyBatchCallFaults(here, exchange, 'results', subject);
  const start = Number(exchange.url.searchParams.get('pagination_token') ?? 0);
  const limit = Math.min(Number(exchange.url.searchParams.get('limit') ?? largestPage), largestPage);
  const results = await resultsBetween(here, record, start, start + limit + 1);
  const page = {
    results: results.slice(0, limit),
    pagination_token: results.length > limit ? String(start + limit) : null,
  };
  const fault = await here.faultPlan.takeTruncation(subject);
  if (fault?.how !== 'connection_cut') return ok(fault === null ? page : endedEarly(page.results, fault));
  const pagePath = join(pageFolder, `${randomUUID()}.json`);
  writeFileSync(pagePath, JSON.stringify(page));
  const headers = { 'content-type': 'application/json' };
  return {
    kind: 'download',
    path: pagePath,
    headers,
    withLength: true,
    truncation: await truncationOf(fault, pagePath),
  };
}

/** A page is JSON: it cannot end within a line. */
function endedEarly(results: unknown[], { how }: TruncatedDownload): JsonObject {
  const kept = how === 'empty' ? 0 : Math.floor(results.length / 2);
  return { results: results.slice(0, kept), pagination_token: null };
}

function ok(body: JsonObject): Reply {
  return { kind: 'json', status: 200, body };
}

async function resultsBetween(
  here: BatchSurroundings,
  record: BatchRecord,
  start: number,
  end: number,
): Promise<unknown[]> {
  const { output, errors } = here.ledger.paths(record.id);
  const results: unknown[] = [];
  let place = 0;
  for (const path of [output, errors].filter((each) => existsSync(each))) {
    for await (const { bytes } of readLines(path)) {
      if (place >= end) return results;
      if (place >= start) results.push(xaiResult(bytes.toString('utf8')));
      place += 1;
    }
  }
  return results;
}

/** A line of OpenAI's as xAI's result; a damaged one becomes a text, which no result is. */
function xaiResult(line: string): unknown {
  const result = parseJson(line);
  if (!isJsonObject(result)) return line;
  return { batch_request_id: result.custom_id, batch_result: outcomeOf(result) };
}

function outcomeOf({ response, error }: JsonObject): JsonObject {
  if (!isJsonObject(response)) return { error: neverRun(error) };
  if (response.status_code === 200) return { response: { chat_get_completion: response.body }, error: null };
  const detail = isJsonObject(response.body) && isJsonObject(response.body.error) ? response.body.error : {};
  return { error: { code: codeByStatus[String(response.status_code)] ?? 2, message: detail.message } };
}

// gRPC's codes.
const codeByStatus: Record<string, number> = { 400: 3, 404: 5, 429: 8, 500: 13, 503: 14 };

function neverRun(error: unknown): JsonObject {
  const isExpired = isJsonObject(error) && error.code === 'batch_expired';
  return { code: isExpired ? 4 : 1, message: isJsonObject(error) ? error.message : '' };
}
