import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandIn, onTerminal, type RunOptions, requestLine, textOf } from './command.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-validate-'));
  write('good.jsonl', requestLine('a'), requestLine('b', { model: 'claude-sonnet-4-5', max_completion_tokens: 10 }));
  write(
    'bad.jsonl',
    requestLine('a'),
    '',
    'not json',
    requestLine('a'),
    requestLine('c', { model: 'mystery' }),
    '{"method":"POST","url":"/v1/chat/completions","body":{"model":"gpt-5-mini"}}',
    requestLine('\u001b[31m', { model: 'mystery\u001b[31m' }),
  );
  write('dropped.jsonl', requestLine('w', { model: 'claude-sonnet-4-5', logit_bias: { 1: 2 } }));
  write('empty.jsonl', '', '  ');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, ...lines: string[]): void {
  writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
}

function validate(args: string[], options: RunOptions = {}) {
  return commandIn(folder, ['validate', ...args], options).ended;
}

describe.concurrent('validate', { timeout: 120_000 }, () => {
  it('says of a good file what it would cost, offline, and ends with 0', async () => {
    const { code, stdout, stderr } = await validate(['good.jsonl']);
    expect(stdout).toMatch(
      /^good\.jsonl: 2 requests, no errors; about \d+ tokens in, at most 60 out, about \$0\.\d+\n$/,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  it('names every error with its line, as compilers do, and ends with 2', async () => {
    const { code, stdout } = await validate(['bad.jsonl']);
    const places = stdout.split('\n').map((line) => line.split(': ').slice(0, 2).join(': '));
    expect(places).toEqual([
      'bad.jsonl:3: error invalid_json_line',
      'bad.jsonl:4: error duplicate_custom_id',
      'bad.jsonl:5: error model_not_found',
      'bad.jsonl:6: error missing_required_parameter',
      'bad.jsonl:7: error invalid_request',
      'bad.jsonl: 6 requests, 5 errors; about 54 tokens in, at most 50 out, about $0.000057',
      '',
    ]);
    expect(stdout).not.toContain('\u001b');
    expect(code).toBe(2);
  });

  it('answers as one JSON document', async () => {
    const { code, stdout } = await validate(['bad.jsonl', '--json']);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ file: 'bad.jsonl', lines: 6, invalid_lines: 5, errors: 5, would_fail: true });
    expect(document.findings.map(({ line }: { line: number }) => line)).toEqual([3, 4, 5, 6, 7]);
    expect(document.groups).toEqual([
      { provider: 'openai', model: 'gpt-5-mini', endpoint: '/v1/chat/completions', requests: 1 },
    ]);
    expect(code).toBe(2);
    expect(JSON.parse((await validate(['good.jsonl', '--json'])).stdout)).toMatchObject({ findings: [], errors: 0 });
  });

  it('ends with 1 where lines would become error lines', async () => {
    const flags = ['--on-invalid-line', 'error_line', '--on-unknown-model', 'error_line'];
    expect((await validate(['bad.jsonl', ...flags])).code).toBe(1);
    expect((await validate(['bad.jsonl', ...flags.slice(0, 2)])).code).toBe(2);
  });

  it('warns of what a provider cannot take, and refuses it in strict mode', async () => {
    const warned = await validate(['dropped.jsonl']);
    expect(warned.stdout).toContain("dropped.jsonl:1: warning parameter_dropped: 'body.logit_bias'");
    expect(warned.code).toBe(0);
    const strict = await validate(['dropped.jsonl', '--strict']);
    expect(strict.stdout).toContain('dropped.jsonl:1: error unsupported_parameter');
    expect(strict.code).toBe(2);
  });

  it('holds lines against the endpoint and the provider that the flags name', async () => {
    const wrong = await validate(['good.jsonl', '--endpoint', '/v1/embeddings']);
    expect(wrong.stdout.match(/error invalid_url/g)).toHaveLength(2);
    const unknown = await validate(['good.jsonl', '--provider', 'nobody']);
    expect(unknown.stderr).toBe(
      "batchdrop: The provider 'nobody' is not configured; configured are: openai, anthropic.\n",
    );
    expect(unknown.code).toBe(2);
  });

  it('says which entry an account that is not configured needs', async () => {
    write('elsewhere.jsonl', requestLine('a', { model: 'gemini/gemini-2.5-flash' }));
    const entry = `add "gemini": {"kind": "gemini", "secret": "gemini"} to 'providers' in batchdrop.config.json`;
    expect((await validate(['elsewhere.jsonl'])).stdout).toContain(entry);
    const { stderr } = await validate(['elsewhere.jsonl', '--provider', 'gemini']);
    expect(stderr).toContain('Add "gemini": {"kind": "gemini", "secret": "gemini"}');
  });

  it('reads the configuration of the folder, and nothing is written', async () => {
    const config = { providers: { azure: { kind: 'openai', secret: 's', models: ['mystery*'] } } };
    writeFileSync(join(folder, 'own.json'), JSON.stringify(config));
    const { stdout } = await validate(['bad.jsonl', '--config', 'own.json', '--json']);
    expect(JSON.parse(stdout).groups).toContainEqual(expect.objectContaining({ provider: 'azure', requests: 1 }));
  });

  it('says where names go that look like those of another account', async () => {
    const config = { providers: { openai: { kind: 'openai', secret: 's' }, groq: { kind: 'groq', secret: 's' } } };
    writeFileSync(join(folder, 'slash.json'), JSON.stringify(config));
    write(
      'slash.jsonl',
      requestLine('a', { model: 'openai/gpt-oss-20b' }),
      requestLine('b', { model: 'groq/openai/x' }),
    );
    const { stdout, code } = await validate([
      'slash.jsonl',
      '--provider',
      'groq',
      '--strict',
      '--config',
      'slash.json',
    ]);
    expect(stdout).toContain("slash.jsonl:1: warning model_routed: The model 'openai/gpt-oss-20b' goes to 'groq'");
    expect(stdout).toContain('slash.jsonl: 2 requests, no errors, 1 warning;');
    expect(code).toBe(0);
  });

  it('reads standard input', async () => {
    const { code, stdout } = await validate(['-'], { input: `${requestLine('a')}\nnonsense\n` });
    expect(stdout).toContain('standard input:2: error invalid_json_line');
    expect(code).toBe(2);
  });

  it('calls an empty file by its name', async () => {
    const { code, stdout } = await validate(['empty.jsonl']);
    expect(stdout).toContain('empty.jsonl: error empty_file');
    expect(code).toBe(2);
  });

  it('shows a person errors, warnings in groups, and where the requests would go', async () => {
    const { code, raw, text } = await onTerminal(folder, ['validate', 'bad.jsonl']);
    expect(raw).toContain('\u001b[31m');
    expect(text).toContain('✖ line 4     The custom_id');
    expect(text).toMatch(/openai {2}gpt-5-mini {2}\/v1\/chat\/completions {2}1 request/);
    expect(text).toContain('A batch of this file would fail; nothing would be sent.');
    expect(code).toBe(2);
    expect((await onTerminal(folder, ['validate', 'dropped.jsonl'])).text).toMatch(
      /! 'body\.logit_bias'.*\r\n {2}line 1/,
    );
  });

  it('is quiet where nobody reads on', async () => {
    write('long.jsonl', ...Array.from({ length: 20_000 }, () => 'x'));
    const { child } = commandIn(folder, ['validate', 'long.jsonl']);
    const complaints = textOf(child.stderr);
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await complaints).toBe('');
  });
});

describe.concurrent('what cannot be done is one sentence', { timeout: 120_000 }, () => {
  it.each([
    [['validate', 'nowhere.jsonl'], 'batchdrop: There is no file nowhere.jsonl.\n'],
    [['validate', '.'], 'batchdrop: What was named is a folder.\n'],
    [['validate'], "batchdrop: Missing required argument 'file'\n"],
    [['valdate', 'x'], "batchdrop: Unknown command 'valdate' (Did you mean validate?)\n"],
    [['validate', 'x', '--strickt'], "batchdrop: Unknown option '--strickt' (Did you mean --strict?)\n"],
    [
      ['wait', 'x', '--timeout', 'soon'],
      /^batchdrop: Option .* argument 'soon' is invalid\. It is a duration such as 90s/,
    ],
    [['submit', 'good.jsonl', '--max-cost-usd', 'much'], /^batchdrop: Option .* It is a number above 0\.\n$/],
    [['submit', 'good.jsonl', '--metadata', 'x'], /^batchdrop: Option .* It is key=value\.\n$/],
    [['submit', 'good.jsonl', '--max-attempts', '11'], /^batchdrop: max_attempts: .*10/],
    [['submit', 'good.txt'], 'batchdrop: There is no file good.txt.\n'],
  ])('%j ends with 2', async (args, sentence) => {
    const { code, stdout, stderr } = await commandIn(folder, args).ended;
    if (typeof sentence === 'string') expect(stderr).toBe(sentence);
    else expect(stderr).toMatch(sentence);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  it('or one JSON object with --json', async () => {
    const { code, stderr } = await commandIn(folder, [
      'status',
      'batch_1',
      '--json',
      '--url',
      'http://127.0.0.1:9',
      '--api-key',
      'k',
    ]).ended;
    expect(JSON.parse(stderr)).toEqual({
      error: { message: expect.stringContaining('Nobody answers at http://127.0.0.1:9'), exit_status: 4 },
    });
    expect(code).toBe(4);
  });

  it('without a key, or without anybody there, ends with 4', async () => {
    const noKey = await commandIn(folder, ['list', '--url', 'http://127.0.0.1:9']).ended;
    expect(noKey.stderr).toContain('There is no API key for http://127.0.0.1:9: set BATCHDROP_API_KEY');
    const noCredentials = await commandIn(folder, ['list', '--bucket', 'b'], { env: { AWS_REGION: 'us-east-1' } })
      .ended;
    expect(noCredentials.stderr).toContain('There are no AWS credentials, or no region');
    const noKeys = await commandIn(folder, ['keys', 'list']).ended;
    expect(noKeys.stderr).toContain('No local stack runs in this folder');
    expect([noKey.code, noCredentials.code, noKeys.code]).toEqual([4, 4, 4]);
  });
});
