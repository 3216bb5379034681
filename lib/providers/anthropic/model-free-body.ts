import { membersOf } from '../../lines/json-spans.ts';
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
  const body = membersOf(bytes).find(({ key }) => key === bodyKey);
  const members = body ? membersOf(bytes, body.start) : [];
  const kept = members.filter(({ key }) => !saidElsewhere.has(key));
  const hasVersion = kept.some(({ key }) => key === 'anthropic_version');
  const versionMember = hasVersion ? [] : [Buffer.from(`,"anthropic_version":"${version}"`)];
  const own = kept.flatMap(({ key, start, end }) => [
    Buffer.from(`,${JSON.stringify(key)}:`),
    bytes.subarray(start, end),
  ]);
  return Buffer.concat([Buffer.from('{'), Buffer.concat([...versionMember, ...own]).subarray(1), Buffer.from('}')]);
}
