import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Config, parseConfig } from '../lib/providers/config.ts';
import { ConfigurationError, messageOf } from '../lib/records/errors.ts';

const fileName = 'batchdrop.config.json';

/** What a stack without a configuration works with. */
const defaultConfig = {
  providers: {
    openai: { kind: 'openai', secret: 'openai' },
    anthropic: { kind: 'anthropic', secret: 'anthropic' },
  },
};

export interface LoadedConfig {
  /** Absolute path. */
  file: string;
  config: Config;
}

/**
 * Reads the named file, else `batchdrop.config.json` of the working directory, else the data folder's own, which is
 * written where it is missing.
 *
 * @throws ConfigurationError that names the file and what is wrong with it.
 */
export function loadLocalConfig(dataDir: string, configFile: string | undefined): LoadedConfig {
  const file = resolve(configFile ?? (existsSync(fileName) ? fileName : writeDefaultConfig(dataDir)));
  return { file, config: parseConfig(readConfigFile(file), file, 'local') };
}

/**
 * The configuration that a stack would start with here, for somebody who only asks: nothing is written.
 *
 * @throws ConfigurationError as above.
 */
export function readLocalConfig(dataDir: string, configFile: string | undefined): Config {
  const file = configFile ?? [fileName, join(dataDir, fileName)].find((candidate) => existsSync(candidate));
  return file === undefined
    ? parseConfig(JSON.stringify(defaultConfig), 'The default configuration', 'local')
    : parseConfig(readConfigFile(file), file, 'local');
}

/** @returns the data folder's own configuration, which is written where it is missing. */
export function writeDefaultConfig(dataDir: string): string {
  const file = join(dataDir, fileName);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (!existsSync(file)) writeFileSync(file, `${JSON.stringify(defaultConfig, null, 2)}\n`);
  return file;
}

function readConfigFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ConfigurationError(`The configuration file ${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
}
