import { membersOf } from '../../../lines/json-spans.ts';
import type { RequestLine } from '../../../lines/request-line.ts';

/** How a line is made anew. */
interface BareForm {
  /** What the request stands under in the line. */
  member?: 'body' | 'params';
  /** And in the line that is sent; the same without it. */
  sentAs?: 'body' | 'params';
  /** Other bytes for a member of the request. */
  replaced?: (key: string) => Buffer | null;
}

/**
 * Makes `{custom_id, body}` of a line, each value of the body in its own bytes.
 *
 * @param leftOut members of the body that stand elsewhere, or nowhere; something else must be left.
 */
export function bareLine(
  { bytes }: Pick<RequestLine, 'bytes'>,
  lineId: string,
  leftOut: readonly string[],
  { member = 'body', sentAs = member, replaced = () => null }: BareForm = {},
): Buffer {
  const members = membersIn(bytes, member).filter(({ key }) => !leftOut.includes(key));
  const pieces = members.flatMap(({ key, start, end }) => [
    Buffer.from(`,${JSON.stringify(key)}:`),
    replaced(key) ?? bytes.subarray(start, end),
  ]);
  const head = Buffer.from(`{"custom_id":${JSON.stringify(lineId)},"${sentAs}":{`);
  return Buffer.concat([head, Buffer.concat(pieces).subarray(1), Buffer.from('}}')]);
}

function membersIn(line: Buffer, member: string) {
  const request = membersOf(line).find(({ key }) => key === member);
  return request ? membersOf(line, request.start) : [];
}
