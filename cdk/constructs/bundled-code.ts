import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Code } from 'aws-cdk-lib/aws-lambda';
import type { FunctionName } from '../../lib/core/function-timeouts.ts';
import { type Bundle, root, writePackage } from '../bundles.ts';

/**
 * Packages of functions as CDK assets, bundled here and now: all at once, and only if CDK asks (`cdk destroy` does not).
 * Their names are hashes of what is in them, so an unchanged function is not deployed again.
 */
export function bundledCode(bundle: () => Map<FunctionName, Bundle>, config: string): (name: FunctionName) => Code {
  let bundles: Map<FunctionName, Bundle> | undefined;
  const packageOf = (name: FunctionName, directory: string): boolean => {
    bundles ??= bundle();
    const built = bundles.get(name);
    if (!built) throw new Error(`There is no bundle of ${name}.`);
    writePackage(directory, built.code, config);
    return true;
  };
  return (name) =>
    Code.fromAsset(root, {
      assetHashType: AssetHashType.OUTPUT,
      bundling: {
        local: { tryBundle: (directory) => packageOf(name, directory) },
        // Never run. CDK takes two bundlings for the same if their commands are.
        image: DockerImage.fromRegistry('no-image-is-needed'),
        command: [name],
      },
    });
}
