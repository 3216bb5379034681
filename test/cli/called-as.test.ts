import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asCalled, type Call, calledAs, shellWord } from '../../cli/called-as.ts';
import { root } from './command.ts';

const checkout = '/home/ada/batchdrop/batchdrop';

function called(call: Partial<Call>): string {
  return calledAs({
    environment: { PATH: '/usr/local/bin:/usr/bin' },
    scriptPath: '/home/ada/batchdrop/cli/main.ts',
    workingFolder: '/home/ada/batchdrop',
    checkout,
    isWindows: false,
    ...call,
  });
}

describe('the form of the call', () => {
  it.each<[string, Partial<Call>]>([
    ['npm run -s cli --', { environment: { npm_lifecycle_event: 'cli' } }],
    ['npm run -s cli --', { isWindows: true }],
    ['./batchdrop', { environment: { npm_lifecycle_event: 'start', PATH: '/usr/bin' } }],
    ['./batchdrop', {}],
    ['/home/ada/batchdrop/batchdrop', { workingFolder: '/home/ada/data' }],
    ['batchdrop', { environment: { BATCHDROP_CALLED_AS: '/usr/local/bin/batchdrop', PATH: '/usr/local/bin' } }],
    ["'/home/a b/batchdrop'", { environment: { BATCHDROP_CALLED_AS: '/home/a b/batchdrop' } }],
  ])('of a checkout is %s', (expected, call) => {
    expect(called(call)).toBe(expected);
  });

  it.each<[string, Partial<Call>]>([
    ['batchdrop', { scriptPath: '/usr/local/bin/batchdrop' }],
    ['npx batchdrop', { scriptPath: '/home/ada/app/node_modules/.bin/batchdrop', workingFolder: '/home/ada/app' }],
    ['npx batchdrop', { environment: { npm_lifecycle_event: 'npx' }, scriptPath: '/home/ada/.npm/_npx/1/batchdrop' }],
    ['/opt/batchdrop', { scriptPath: '/opt/batchdrop' }],
  ])('of an installed package is %s', (expected, call) => {
    expect(called({ ...call, checkout: null })).toBe(expected);
  });

  it('takes the place of the name in command lines, and of nothing else', () => {
    const line = 'BATCHDROP_URL=https://batchdrop id=$(batchdrop submit batchdrop.jsonl) && batchdrop wait "$id"';
    const form = calledAs();
    expect(asCalled(line)).toBe(
      `BATCHDROP_URL=https://batchdrop id=$(${form} submit batchdrop.jsonl) && ${form} wait "$id"`,
    );
  });

  it('quotes words that a shell would take apart', () => {
    const words = ['plain.jsonl', "it's.jsonl", 'a b', '$(touch x)', ''];
    const said = execFileSync('sh', ['-c', `printf '%s\\n' ${words.map(shellWord).join(' ')}`], { encoding: 'utf8' });
    expect(said).toBe(`${words.join('\n')}\n`);
  });
});

describe('batchdrop of a checkout', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'batchdrop-called-'));
    mkdirSync(join(folder, 'bin'));
    symlinkSync(join(root, 'batchdrop'), join(folder, 'bin/batchdrop'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const usage = (command: string, cwd: string, PATH = process.env.PATH ?? '') => {
    const said = execFileSync(command, ['wait', '--help'], { cwd, encoding: 'utf8', env: { ...process.env, PATH } });
    return /Usage: (.*) wait/.exec(said)?.[1];
  };

  it('runs with the Node of the checkout, from anywhere, and its help can be copied', () => {
    expect(usage('./batchdrop', root)).toBe('./batchdrop');
    expect(usage(join(root, 'batchdrop'), folder)).toBe(join(root, 'batchdrop'));
    expect(usage('bin/batchdrop', folder)).toBe('./bin/batchdrop');
    expect(usage('batchdrop', folder, `${join(folder, 'bin')}:${process.env.PATH}`)).toBe('batchdrop');
  });
});
