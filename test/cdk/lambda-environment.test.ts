import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { bundleFunction, writePackage } from '../../cdk/bundles.ts';
import { bundleFile, configFile } from '../../cdk/packages.ts';
import { startLocalDynamoDB } from '../../local/dynamodb.ts';
import { startLocalS3 } from '../../local/s3/server.ts';
import { synthesize, temporaryFolder } from './synthesize.ts';

const config = '{"providers": {"openai": {"kind": "openai", "secret": "openai"}}}';

/** The environment that the template gives a function; what only AWS knows is made up. */
function templateEnvironment(functionName: string): Record<string, string> {
  const functions = Object.values(synthesize().findResources('AWS::Lambda::Function'));
  const found = functions.find(({ Properties }) => Properties.FunctionName === functionName);
  const variables: Record<string, unknown> = found?.Properties.Environment.Variables;
  const texts = Object.entries(variables).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : 'batchdrop',
  ]);
  return Object.fromEntries(texts);
}

/** What Lambda itself sets, for a traced call. */
function lambdaEnvironment(folder: string): Record<string, string> {
  return {
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: 'Batchdrop-sweep',
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    LAMBDA_TASK_ROOT: folder,
    _HANDLER: 'index.handler',
    _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1',
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  };
}

it('a packaged function works in the environment that the template and Lambda give it', async () => {
  const [folder, layer] = [temporaryFolder(), temporaryFolder()];
  writePackage(folder, bundleFunction('sweep'));
  writeFileSync(join(layer, configFile), config);
  const dynamodb = await startLocalDynamoDB(join(temporaryFolder(), 'dynamodb'), 'batchdrop');
  const s3 = await startLocalS3({ dataDir: temporaryFolder(), buckets: ['batchdrop'] });
  try {
    const script = `
      const { handler } = await import(${JSON.stringify(pathToFileURL(join(folder, bundleFile)).href)});
      const context = { awsRequestId: 'x', functionName: 'Batchdrop-sweep', getRemainingTimeInMillis: () => 5_000 };
      console.log(JSON.stringify({ answer: await handler({ source: 'aws.events', detail: {} }, context) }));
      process.exit();`;
    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: temporaryFolder(),
      env: {
        ...templateEnvironment('Batchdrop-sweep'),
        ...lambdaEnvironment(folder),
        // Lambda puts layers there, a test may not.
        BATCHDROP_CONFIG_FILE: templateEnvironment('Batchdrop-sweep').BATCHDROP_CONFIG_FILE?.replace('/opt', layer),
        AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url,
        AWS_ENDPOINT_URL_S3: s3.url,
      },
    });
    expect(stderr).toBe('');
    const printed = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(printed).toContainEqual({ answer: { unfinished: 0, restarted: 0, takenUp: 0, removed: 0, removedWork: 0 } });
    expect(printed).toContainEqual(expect.objectContaining({ level: 'INFO', service: 'Batchdrop' }));
    expect(printed).toContainEqual(expect.objectContaining({ OldestOverdueSeconds: 0, service: 'Batchdrop' }));
  } finally {
    await Promise.all([dynamodb.close(), s3.close()]);
  }
});
