import { readFileSync } from 'node:fs';
import type { Node } from 'constructs';
import { type Config, parseConfig } from '../lib/providers/config.ts';
import { deploymentSettingsSchema } from '../lib/records/deployment-settings.ts';
import { ConfigurationError, messageOf } from '../lib/records/errors.ts';

/** The configuration of an app that names no other. */
export const defaultConfigFile = 'batchdrop.config.json';

/**
 * The configuration file that `cdk.json` or `-c config=<file>` names.
 *
 * @param node of the app.
 * @throws ConfigurationError where a setting stands there that belongs into the file: the next deploy would forget it.
 */
export function configFileOf(node: Node): string {
  const misplaced = Object.keys(deploymentSettingsSchema.shape).filter(
    (name) => node.tryGetContext(name) !== undefined,
  );
  if (misplaced.length > 0)
    throw new ConfigurationError(
      `${misplaced.join(', ')}: cdk.json and -c take no settings, since the next deploy would forget them. Put them into the section "deployment" of the configuration file, as it is in docs/deploy.md.`,
    );
  const named: unknown = node.tryGetContext('config');
  return typeof named === 'string' && named !== '' ? named : defaultConfigFile;
}

/** @throws ConfigurationError that names the file and what is wrong with it. */
export function readConfigFile(path: string): Config {
  return parseConfig(readText(path), path);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const message = `${path} cannot be read (${messageOf(cause)}). Copy batchdrop.config.json, or name yours: -c config=<file>.`;
    throw new ConfigurationError(message, { cause });
  }
}
