import { execFile, execFileSync, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { someBytes, startServer, temporaryFolder } from './running-server.ts';

const environment = {
  ...process.env,
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_DEFAULT_REGION: 'us-east-1',
  AWS_EC2_METADATA_DISABLED: 'true',
};

function hasAwsCli(): boolean {
  try {
    execFileSync('aws', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

async function startWithCli() {
  const { s3 } = await startServer();
  const folder = await temporaryFolder();
  const aws = async (...parameters: string[]): Promise<string> => {
    const options = { env: environment, cwd: folder, maxBuffer: 100_000_000 };
    const { stdout } = await promisify(execFile)('aws', ['--endpoint-url', s3.url, ...parameters], options);
    return stdout;
  };
  return { s3, folder, aws };
}

describe.skipIf(!hasAwsCli())('the aws command line', () => {
  it('copies files of one and of several parts there and back', async () => {
    const { folder, aws } = await startWithCli();
    const body = someBytes(20_000_000);
    await writeFile(path.join(folder, 'large'), body);
    await writeFile(path.join(folder, 'small'), 'small\n');

    await aws('s3', 'cp', 'small', 's3://drop/inbox/', '--metadata', 'max-cost-usd=50');
    await aws('s3', 'cp', 'large', 's3://drop/inbox/large');
    await aws('s3', 'cp', 's3://drop/inbox/large', 's3://drop/copy');
    await aws('s3', 'cp', 's3://drop/copy', 'back');

    expect((await readFile(path.join(folder, 'back'))).equals(body)).toBe(true);
    expect(await aws('s3', 'cp', 's3://drop/inbox/small', '-')).toBe('small\n');
    expect(await aws('s3', 'ls', 's3://drop/')).toMatch(/^ +PRE inbox\/\n.* 20000000 copy\n$/);
    const head = await aws('s3api', 'head-object', '--bucket', 'drop', '--key', 'inbox/small');
    expect(JSON.parse(head)).toMatchObject({ Metadata: { 'max-cost-usd': '50' } });
  });

  it('copies from a pipe in several parts', async () => {
    const { s3, folder, aws } = await startWithCli();
    const body = someBytes(20_000_000);

    const upload = spawn('aws', ['--endpoint-url', s3.url, 's3', 'cp', '-', 's3://drop/piped'], {
      env: environment,
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    upload.stdin.end(body);
    const [exitCode] = await new Promise<unknown[]>((resolve) => upload.on('close', (...result) => resolve(result)));
    expect(exitCode).toBe(0);

    await aws('s3', 'cp', 's3://drop/piped', 'back');
    expect((await readFile(path.join(folder, 'back'))).equals(body)).toBe(true);
  });

  it('synchronizes folders with odd names and removes them', async () => {
    const { folder, aws } = await startWithCli();
    const names = ['a.txt', 'b c+d.txt', 'ü%41.txt', "quote'&<>.txt"];
    await mkdir(path.join(folder, 'tree/sub'), { recursive: true });
    for (const name of names) {
      await writeFile(path.join(folder, 'tree/sub', name), name);
    }

    await aws('s3', 'sync', 'tree', 's3://drop/tree');
    await aws('s3', 'sync', 's3://drop/tree', 'copy');
    const again = await aws('s3', 'sync', 'tree', 's3://drop/tree');

    for (const name of names) {
      expect(await readFile(path.join(folder, 'copy/sub', name), 'utf8')).toBe(name);
    }
    expect(again).toBe('');
    await aws('s3', 'rm', 's3://drop/tree', '--recursive');
    expect(JSON.parse((await aws('s3api', 'list-objects-v2', '--bucket', 'drop')) || '{}').Contents).toBeUndefined();
  });

  it('makes and lists buckets and presigns', async () => {
    const { aws } = await startWithCli();

    await aws('s3', 'mb', 's3://second');
    await aws('s3api', 'put-object', '--bucket', 'second', '--key', 'k', '--if-none-match', '*');

    expect(await aws('s3', 'ls')).toMatch(/ drop\n.* second\n$/);
    await expect(
      aws('s3api', 'put-object', '--bucket', 'second', '--key', 'k', '--if-none-match', '*'),
    ).rejects.toThrow('PreconditionFailed');
    const answer = await fetch((await aws('s3', 'presign', 's3://second/k')).trim());
    expect(answer.status).toBe(200);
  });
});
