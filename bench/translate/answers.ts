import type { ProviderKind } from '../../lib/providers/config.ts';
import { placeholderLineId } from '../../lib/records/ids.ts';
import { wires } from '../../test/fixtures/providers/every-provider.ts';
import { modelOf } from './requests.ts';

/** A result line as a kind of provider gives it. */
export function answerText(kind: ProviderKind): string {
  const text = 'The customer received an empty box and asks for another parcel. '.repeat(12);
  const answer = { text, calls: [], isCut: false, tokens: { input: 200, cached: 0, output: 180 } };
  return JSON.stringify(wires[kind].resultLine(placeholderLineId, answer, modelOf(kind)));
}
