import { membersOf, piecesOf, startOfMember } from '../../lines/json-spans.ts';
import type { RequestLine } from '../../lines/request-line.ts';

/** Said outside the body where a cloud runs Claude: the model by the job, whether it streams by the call's name. */
const saidElsewhere: ReadonlySet<string> = new Set(['model', 'stream']);

/**
 * A Messages body that the customer wrote, as clouds take it: without its model, each value in its own bytes.
 *
 * @param version unless it names one.
 */
export function modelFreeBody({ bytes, format }: RequestLine, version: string): Buffer {
  const bodyKey = format === 'anthropic' ? 'params' : 'body';
  const start = startOfMember(bytes, bodyKey);
  const members = start === null ? [] : membersOf(bytes, start);
  const kept = members.filter(({ key }) => !saidElsewhere.has(key));
  const hasVersion = kept.some(({ key }) => key === 'anthropic_version');
  const versionMember = hasVersion ? '' : `"anthropic_version":"${version}"${kept.length > 0 ? ',' : ''}`;
  return Buffer.concat([Buffer.from(`{${versionMember}`), ...piecesOf(bytes, kept), Buffer.from('}')]);
}
