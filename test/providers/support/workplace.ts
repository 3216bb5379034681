import type { Workplace } from '../../../lib/providers/contract.ts';
import { Objects } from '../../../lib/store/objects.ts';

export const bucket = 'workplace';

/** Our bucket, as the pipeline lends it to providers. */
export function workplace(): Workplace {
  return { objects: Objects.connect(bucket, true), roleArn: 'arn:aws:iam::000000000000:role/bedrock' };
}
