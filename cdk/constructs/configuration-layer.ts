import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AssetHashType, DockerImage } from 'aws-cdk-lib';
import { Architecture, Code, LayerVersion, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import type { Config } from '../../lib/providers/config.ts';
import { configFile, root } from '../packages.ts';

/**
 * The configuration as one Lambda layer: a changed configuration publishes no code, and all functions change, and roll back,
 * together. What says how the deployment stands is left out, since no function reads it.
 */
export function configurationLayer(scope: Construct, { deployment: _notRead, ...config }: Config): LayerVersion {
  return new LayerVersion(scope, 'Configuration', {
    description: 'The configuration of providers, tenants and defaults.',
    code: codeOf(`${JSON.stringify(config, null, 2)}\n`),
    compatibleRuntimes: [Runtime.NODEJS_24_X],
    compatibleArchitectures: [Architecture.ARM_64],
  });
}

function codeOf(text: string): Code {
  return Code.fromAsset(root, {
    assetHashType: AssetHashType.CUSTOM,
    assetHash: createHash('sha256').update(text).digest('hex'),
    bundling: {
      local: {
        tryBundle: (directory) => {
          writeFileSync(join(directory, configFile), text);
          return true;
        },
      },
      // Never run: see bundledCode.
      image: DockerImage.fromRegistry('no-image-is-needed'),
      command: ['configuration'],
    },
  });
}
