import { join } from 'node:path';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { FunctionName } from '../../lib/records/function-timeouts.ts';
import { packagesFolder } from '../packages.ts';

/** A function's package as the release brought it. */
export function packagedCode(name: FunctionName): Code {
  return Code.fromAsset(join(packagesFolder, name));
}
