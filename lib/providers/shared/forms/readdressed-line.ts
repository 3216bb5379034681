import { membersOf, type Span, splice } from '../../../lines/json-spans.ts';
import { safeText } from '../../../records/errors.ts';
import type { AnsweredLine } from '../../contract.ts';

/** Why a request that was answered counts as failed. */
export interface AnswerFailure {
  code: string;
  message: string;
}

/**
 * A provider's result line with the customer's own custom_id and, for a failure, our `error`; every other byte stays as
 * the provider sent it.
 *
 * @param bytes a JSON object, already known to be valid.
 * @param lineId its custom_id.
 */
export function readdressedLine(
  bytes: Buffer,
  lineId: string,
  line: AnsweredLine,
  failure: AnswerFailure | null,
): Buffer {
  const found = failure ? null : customIdSpan(bytes, lineId);
  return found
    ? splice(bytes, [{ span: found, value: JSON.stringify(line.customId) }])
    : splice(bytes, replacementsIn(bytes, line, failure));
}

/**
 * Finds the custom_id without reading the whole line: one that stands there once, behind its name, is it. Our own ids
 * are unlike anything else, so that is the rule.
 */
function customIdSpan(bytes: Buffer, lineId: string): Span | null {
  const value = Buffer.from(`"${lineId}"`);
  const start = bytes.indexOf(value);
  if (start < 0 || bytes.includes(value, start + value.length)) return null;
  const before = bytes.toString('latin1', Math.max(0, start - 24), start);
  const isBehindName = before.endsWith('"custom_id":') || /"custom_id"\s*:\s*$/.test(before);
  return isBehindName ? { start, end: start + value.length } : null;
}

function replacementsIn(
  bytes: Buffer,
  line: AnsweredLine,
  failure: AnswerFailure | null,
): { span: Span; value: string }[] {
  const members = membersOf(bytes);
  const replacements: { span: Span; value: string }[] = [];
  for (const member of members) {
    if (member.key === 'custom_id') replacements.push({ span: member, value: JSON.stringify(line.customId) });
    else if (member.key === 'error' && failure) replacements.push({ span: member, value: errorJson(failure, line) });
  }
  const last = members.at(-1);
  if (failure && last && !members.some((member) => member.key === 'error'))
    replacements.push({ span: { start: last.end, end: last.end }, value: `, "error": ${errorJson(failure, line)}` });
  return replacements;
}

/** The non-null `error` of an answered failure: our one addition to OpenAI's form. */
export function answerError(failure: AnswerFailure, line: AnsweredLine): object {
  return { code: failure.code, message: safeText(failure.message), attempts: line.attempts, ...placeOf(line) };
}

function errorJson(failure: AnswerFailure, line: AnsweredLine): string {
  return JSON.stringify(answerError(failure, line));
}

/** Where the request stands in the batch's input, where that is known. */
function placeOf({ lineNumber }: AnsweredLine): { line?: number } {
  return lineNumber === undefined ? {} : { line: lineNumber };
}
