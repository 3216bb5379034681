import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { FunctionName } from '../../lib/records/function-timeouts.ts';
import { bundleFunction, writePackage } from '../bundles.ts';
import { root } from '../packages.ts';

/**
 * A function's package as a CDK asset, bundled here and now, and only if CDK asks (`cdk destroy` does not). Its name is a
 * hash of what is in it, so an unchanged function is not deployed again.
 */
export function bundledCode(name: FunctionName): Code {
  return Code.fromAsset(root, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      local: {
        tryBundle: (directory) => {
          writePackage(directory, bundleFunction(name));
          return true;
        },
      },
      // Never run. CDK takes two bundlings for the same if their commands are.
      image: DockerImage.fromRegistry('no-image-is-needed'),
      command: [name],
    },
  });
}
