import { type Member, membersOf, piecesOf, startOfMember } from '../../../lines/json-spans.ts';

/** What a line has its request in: a body as OpenAI writes it, params as Anthropic does. */
type RequestMember = 'body' | 'params';

interface BareForm {
  member?: RequestMember;
  /** In the line that is sent; the same without it. */
  sentAs?: RequestMember;
}

/**
 * Makes `{custom_id, body}` of a line, each value of the body in its own bytes.
 *
 * @param leftOut members of the body that stand elsewhere, or nowhere.
 */
export function bareLine(
  line: Buffer,
  lineId: string,
  leftOut: readonly string[],
  { member = 'body', sentAs = member }: BareForm = {},
): Buffer {
  const kept = requestMembers(line, member).filter(({ key }) => !leftOut.includes(key));
  const head = Buffer.from(`{"custom_id":${JSON.stringify(lineId)},"${sentAs}":{`);
  return Buffer.concat([head, ...piecesOf(line, kept), end]);
}

/** The members of a line's request; none where the line has no such object. */
export function requestMembers(line: Buffer, member: RequestMember = 'body'): Member[] {
  const start = startOfMember(line, member);
  return start === null ? [] : membersOf(line, start);
}

const end = Buffer.from('}}');
