import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { commandIn, type Ended, onTerminal, requestLine, root, shownOnTerminal, startIn } from './command.ts';

/** Takes no line ever, so that a batch of its lines runs until it is told to stop. */
const stuckProvider = { kind: 'openai', secret: 's', models: ['stuck-*'] };

let folder: string;
let stack: Awaited<ReturnType<typeof startIn>>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'batchdrop-batches-'));
  const providers = {
    openai: { kind: 'openai', secret: 's' },
    anthropic: { kind: 'anthropic', secret: 's' },
    stuck: stuckProvider,
  };
  writeFileSync(join(folder, 'batchdrop.config.json'), JSON.stringify({ providers }));
  write('good.jsonl', requestLine('a'), requestLine('b'));
  write('mixed.jsonl', requestLine('a'), requestLine('b', { messages: [{ role: 'user', content: '[[refuse]]' }] }));
  const params = { model: 'claude-sonnet-4-5', max_tokens: 5, messages: [{ role: 'user', content: 'Hello' }] };
  write('native-first.jsonl', JSON.stringify({ custom_id: 'n', params }), requestLine('c'));
  write('bad.jsonl', requestLine('a'), 'not json');
  write('stuck.jsonl', requestLine('a'), requestLine('s', { model: 'stuck-1' }));
  write('large.jsonl', ...largeLines());
  write('a-file-with-quite-a-long-name-for-a-table.jsonl', requestLine('a'), requestLine('b'));
  write('first of two.jsonl', requestLine('a'));
  write('second.jsonl', requestLine('b'), requestLine('c', { messages: [{ role: 'user', content: '[[refuse]]' }] }));
  mkdirSync(join(folder, 'answers'));
  stack = await startIn(folder, { STUCK_API_KEY: 'sk-test', STUCK_BASE_URL: 'http://127.0.0.1:9/v1' });
});

afterAll(async () => {
  stack.child.kill('SIGTERM');
  await stack.ended;
  rmSync(folder, { recursive: true, force: true });
});

/** More than an upload's part, of the API and of S3. */
function largeLines(): string[] {
  const text = 'x'.repeat(2_000);
  const body = { max_completion_tokens: 1, messages: [{ role: 'user', content: text }] };
  return Array.from({ length: 4_500 }, (_, place) => requestLine(`r${place}`, body));
}

function write(name: string, ...lines: string[]): void {
  writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
}

function read(name: string): string {
  return readFileSync(join(folder, name), 'utf8');
}

function idsIn(text: string): string[] {
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).custom_id);
}

function batchdrop(...args: string[]) {
  return commandIn(folder, args).ended;
}

/** Until the first shard of a batch of `stuck.jsonl` is collected; the second one never is. */
async function answeredSoFar(fetch: () => Promise<Ended>): Promise<Ended> {
  const fetched = await vi.waitUntil(
    async () => {
      const tried = await fetch();
      return tried.stdout !== '' && tried;
    },
    { timeout: 60_000, interval: 500 },
  );
  expect(idsIn(fetched.stdout)).toEqual(['a']);
  return fetched;
}

describe.concurrent('through the API', { timeout: 120_000 }, () => {
  it('submit prints the id alone in a pipe, and wait, status, results and explain take it', async () => {
    const submitted = await batchdrop('submit', 'good.jsonl', '--metadata', 'team=search', '--priority', 'high');
    expect(submitted).toEqual({ code: 0, stdout: expect.stringMatching(/^batch_[0-9a-f]{32}\n$/), stderr: '' });
    const id = submitted.stdout.trim();
    const waited = await batchdrop('wait', id);
    expect(waited.stdout).toMatch(new RegExp(`^✔ ${id} completed in .*: 2 of 2 answered\n`));
    expect(waited.stdout).toContain(`batchdrop results ${id} -o results.jsonl`);
    expect(waited.stderr).toContain('completed: 2 of 2 answered');
    expect(waited.code).toBe(0);
    const status = await batchdrop('status', id, '--json');
    expect(JSON.parse(status.stdout)).toMatchObject({ id, status: 'completed', metadata: { team: 'search' } });
    expect(status.stderr).toBe('');
    expect(idsIn((await batchdrop('results', id)).stdout)).toEqual(['a', 'b']);
    const told = (await batchdrop('logs', id)).stdout;
    expect((await batchdrop('logs', id.slice(0, 30))).stdout).toContain('step=prepare');
    expect(told).toMatch(/INFO {2}A step ended\..* step=prepare/);
    expect(told).toMatch(/INFO {2}A step ended\..* step=finalize/);
    const explained = JSON.parse((await batchdrop('explain', id, '--json')).stdout);
    expect(explained).toMatchObject({ id, errors: [], shards: [{ provider: 'openai', requests: 2, completed: 2 }] });
    expect(explained.timeline.map(({ what }: { what: string }) => what).slice(0, 2)).toEqual([
      'created',
      'in_progress',
    ]);
  });

  it('requests that failed end with 1, are explained, written beside the answers, and sent again', async () => {
    const submitted = await batchdrop('submit', 'mixed.jsonl', '--wait', '--json');
    expect(submitted).toMatchObject({ code: 1, stderr: '' });
    const { id } = JSON.parse(submitted.stdout);
    const explained = await batchdrop('explain', id);
    expect(explained.stdout).toMatch(/Why requests failed\n +1 {2}invalid_prompt {2}b: Invalid prompt/);
    expect(explained.stdout).toMatch(/1\.1 +openai +gpt-5-mini +batch_\w+ +collected \(completed\) +2 +1 +1\n/);
    expect(explained.stdout).toContain(`batchdrop results ${id} --errors`);
    expect(explained.stdout).not.toContain('batchdrop retry');
    const fetched = await batchdrop('results', id, '-o', 'mixed-answers.jsonl');
    expect(fetched).toMatchObject({ code: 1, stdout: '' });
    expect(fetched.stderr).toContain('1 answer, 1 error.');
    expect(idsIn(read('mixed-answers.jsonl'))).toEqual(['a']);
    expect(idsIn(read('mixed-answers.errors.jsonl'))).toEqual(['b']);
    expect(idsIn((await batchdrop('results', id, '--errors')).stdout)).toEqual(['b']);
    const rows = await batchdrop('results', id, '--format', 'csv', '--input', 'mixed.jsonl');
    expect(rows.stdout).toMatch(/^answer,_custom_id,.*\n.*,a,,,gpt-5-mini[^,]*,.*\n,b,invalid_prompt,/);
    expect((await batchdrop('results', id, '--format', 'text', '--errors')).code).toBe(2);
    const retried = await batchdrop('retry', id, '--wait', '--json');
    expect(JSON.parse(retried.stdout)).toMatchObject({ request_counts: { total: 1 }, batchdrop: { retry_of: id } });
    expect(retried.code).toBe(1);
    expect((await batchdrop('results', id, '--with-retries', '--partial')).code).toBe(2);
    const joined = await batchdrop('results', id, '--with-retries', '-o', 'joined.jsonl');
    expect(joined).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/With the answers of batch_\w+\.\n.*1 answer, 1 error\.\n$/s),
    });
    expect([idsIn(read('joined.jsonl')), idsIn(read('joined.errors.jsonl'))]).toEqual([['a'], ['b']]);
  });

  it('takes a file that begins with a native line, as a drop does', async () => {
    const { code, stdout } = await batchdrop('submit', 'native-first.jsonl', '--wait', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ endpoint: '/v1/chat/completions', request_counts: { completed: 2 } });
    expect(code).toBe(0);
  });

  it('a batch that fails at validation ends with 3 and says why', async () => {
    const { code, stdout } = await batchdrop('submit', 'bad.jsonl', '--wait');
    expect(stdout).toContain(
      "line 2: This line is not parseable as valid JSON. At character 1: 'n' may not stand here.",
    );
    const [, id = ''] = /(batch_\w+) failed/.exec(stdout) ?? [];
    const results = await batchdrop('results', id);
    expect(results.stderr).toContain('failed at validation; nothing was sent');
    expect([code, results.code]).toEqual([3, 3]);
    const lenient = await batchdrop('submit', 'bad.jsonl', '--wait', '--on-invalid-line', 'error_line');
    expect(lenient.code).toBe(1);
  });

  it('time that is over ends with 124, the batch goes on; cancelled it ends with 3 and gives what it has', async () => {
    const id = (await batchdrop('submit', 'stuck.jsonl')).stdout.trim();
    const waited = await batchdrop('wait', id, '--timeout', '5s');
    expect(waited.stderr).toContain(
      `The batch has not ended within 5 s; it goes on. To wait again: ${root}batchdrop wait ${id}`,
    );
    const early = await batchdrop('results', id);
    expect(early.stderr).toContain('its results are written when it ends');
    const shown = async () => {
      const status = await batchdrop('status', id);
      return status.stdout.includes('1 of 2 answered') && status;
    };
    const running = await vi.waitUntil(shown, { timeout: 60_000, interval: 500 });
    expect(running.stdout).toMatch(/● batch_\w+ in_progress: 1 of 2 answered\n/);
    const soFar = await answeredSoFar(() => batchdrop('results', id, '--partial'));
    expect(soFar).toMatchObject({ code: 0, stderr: expect.stringContaining(`Batch '${id}' is in_progress`) });
    const toFile = await batchdrop('results', id, '--partial', '-o', 'so-far.jsonl', '--json');
    expect(JSON.parse(toFile.stdout)).toMatchObject({ answered: 1, files: [{ path: 'so-far.jsonl' }] });
    expect(read('so-far.jsonl')).toBe(soFar.stdout);
    const errorsSoFar = await batchdrop('results', id, '--partial', '--errors');
    expect(errorsSoFar).toMatchObject({ code: 2, stderr: expect.stringContaining('is known when it ends') });
    expect((await batchdrop('cancel', id)).code).toBe(0);
    const ended = await batchdrop('wait', id, '--timeout', '60s');
    expect(ended.stdout).toContain(`${id} cancelled`);
    const whole = await batchdrop('results', id);
    expect(whole.stderr).toContain('was cancelled with 1 of 2 answered; --partial fetches that.');
    const partial = await batchdrop('results', id, '--partial');
    expect(idsIn(partial.stdout)).toEqual(['a']);
    const codes = [waited, early, running, ended, whole, partial].map(({ code }) => code);
    expect(codes).toEqual([124, 2, 0, 3, 3, 3]);
  });

  it('submit -o keeps the answers whatever failed', async () => {
    const { code, stderr } = await batchdrop('submit', 'mixed.jsonl', '-o', 'kept.jsonl');
    expect(stderr).toContain('kept.errors.jsonl');
    expect([code, idsIn(read('kept.jsonl')), idsIn(read('kept.errors.jsonl'))]).toEqual([1, ['a'], ['b']]);
    const failed = await batchdrop('submit', 'bad.jsonl', '-o', 'none.jsonl');
    expect(failed).toMatchObject({ code: 3, stderr: expect.stringContaining('There are no results of batch_') });
    const nowhere = await batchdrop('submit', 'good.jsonl', '-o', 'nowhere/');
    expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('There is no folder nowhere/') });
  });

  it('many files and ids in one command: a line for each, the worst exit status, a file of answers for each', async () => {
    const { code, stdout } = await batchdrop('submit', 'first of two.jsonl', 'second.jsonl', '-o', 'answers');
    expect(stdout).toMatch(/^✔ batch_\w+ completed.*\n! batch_\w+ completed.* 1 failed\n$/);
    expect(code).toBe(1);
    expect(idsIn(read('answers/first of two.results.jsonl'))).toEqual(['a']);
    expect(idsIn(read('answers/second.results.errors.jsonl'))).toEqual(['c']);
    const ids = [...stdout.matchAll(/batch_\w+/g)].map(([id]) => id);
    const waited = await batchdrop('wait', ...ids, '--json');
    expect(JSON.parse(waited.stdout).map(({ id }: { id: string }) => id)).toEqual(ids);
    const handed = await batchdrop('submit', 'first of two.jsonl', 'good.jsonl');
    expect(handed.stdout).toMatch(/^batch_\w+\nbatch_\w+\n$/);
    const some = await batchdrop('status', 'batch_nope', ...ids);
    expect(some).toMatchObject({ code: 2, stderr: expect.stringContaining("'batch_nope'") });
    expect(some.stdout.trim().split('\n')).toHaveLength(2);
    const elsewhere = await batchdrop('submit', 'good.jsonl', '--tenant', 'search');
    expect(elsewhere).toMatchObject({ code: 2, stderr: expect.stringContaining('--tenant is for a bucket') });
    const both = await batchdrop('submit', 'good.jsonl', 'second.jsonl', '--idempotency-key', 'k9');
    expect(both).toMatchObject({ code: 2, stderr: expect.stringContaining('one by one') });
  });

  it('a batch is found by the beginning of its id and by the name of its file; a list by status, name and time', async () => {
    const id = (await batchdrop('submit', 'first of two.jsonl', '--wait', '--json', '--priority', 'low')).stdout;
    const { id: batchId } = JSON.parse(id);
    expect(JSON.parse((await batchdrop('status', batchId.slice(0, 18), '--json')).stdout)).toMatchObject({
      id: batchId,
    });
    const named = JSON.parse((await batchdrop('status', 'first of two.jsonl', '--json')).stdout);
    expect(named.batchdrop.name).toBe('first of two.jsonl');
    const mistyped = await batchdrop('status', 'first.jsonl');
    expect(mistyped.stderr).toMatch(/Did you mean .*'first of two\.jsonl'/);
    const listed = await batchdrop(
      'list',
      '--name',
      'first*',
      '--status',
      'completed',
      '--since',
      '1h',
      '--limit',
      '100',
    );
    const rows = listed.stdout
      .trim()
      .split('\n')
      .map((line) => line.split('\t'));
    expect(new Set(rows.map(([, status, , , , , name]) => `${status} ${name}`))).toEqual(
      new Set(['completed first of two.jsonl']),
    );
    expect(rows.find(([handle]) => handle === batchId)?.slice(7)).toEqual([
      'gpt-5-mini',
      expect.stringMatching(/^[\d.e-]+$/),
      'openai',
    ]);
    expect((await batchdrop('list', '--since', '2099-01-01')).stdout).toBe('');
    expect((await batchdrop('list', '--status', 'done')).code).toBe(2);
  });

  it('a batch that expires ends with 3', async () => {
    const { code, stdout } = await batchdrop('submit', 'stuck.jsonl', '--wait', '--deadline-hours', '0.001');
    expect(stdout).toContain('expired');
    expect(code).toBe(3);
  });

  it('Ctrl-C ends the waiting, not the batch', async () => {
    const { child, ended } = commandIn(folder, ['submit', 'stuck.jsonl', '--wait']);
    child.stderr.on('data', (text) => String(text).includes('validating') && child.kill('SIGINT'));
    const { code, stderr } = await ended;
    expect(stderr).toMatch(/The batch goes on\. To wait again: \S+batchdrop wait batch_\w+\n$/);
    expect(code).toBe(130);
  });

  it('a dry run says what it would cost, and a budget that it would break ends with 3', async () => {
    const dry = await batchdrop('submit', 'good.jsonl', '--dry-run');
    expect(dry.stdout).toMatch(
      /2 requests; about \d+ tokens in, at most 100 out:\n +about \$0\.\d+ at batch prices; simulated: openai\n/,
    );
    const dear = await batchdrop('submit', 'good.jsonl', '--max-cost-usd', '0.000001', '--wait');
    expect(dear.stdout).toContain('budget_exceeded');
    expect(dear.stdout).toContain('batchdrop submit FILE --dry-run');
    expect([dry.code, dear.code]).toEqual([0, 3]);
  });

  it('the same idempotency key and file give the same batch, another file is refused', async () => {
    const submit = (file: string) => batchdrop('submit', file, '--idempotency-key', 'k1');
    const first = await submit('good.jsonl');
    const second = await submit('good.jsonl');
    expect(second.stdout).toBe(first.stdout);
    const other = await submit('mixed.jsonl');
    expect(other.stderr).toContain('Conflict');
    expect(other.code).toBe(2);
  });

  it('a file in parts arrives whole', async () => {
    const { stdout, stderr } = await batchdrop('submit', 'large.jsonl', '--wait', '--dry-run', '--json');
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ errors: null, batchdrop: { report: { lines: 4_500 } } });
  });

  it('list and files have a line each in a pipe, and the documents in JSON', async () => {
    const id = (await batchdrop('submit', 'good.jsonl')).stdout.trim();
    const list = await batchdrop('list', '--limit', '100');
    expect(list.stdout).toMatch(new RegExp(`^${id}\t[a-z_]+\t`, 'm'));
    expect(JSON.parse((await batchdrop('list', '--limit', '1', '--json')).stdout)).toHaveLength(1);
    const files = await batchdrop('files', '--limit', '100');
    expect(files.stdout).toMatch(/^file-\w+\tbatch\t\d+\t[\d-]+T[\d:]+Z\tgood\.jsonl$/m);
    expect(JSON.parse((await batchdrop('files', '--json')).stdout)[0]).toMatchObject({ id: expect.any(String) });
  });

  it('what the API refuses is one sentence: an unknown id ends with 2, a wrong key with 4', async () => {
    const unknown = await batchdrop('status', 'batch_nope');
    expect(unknown.stderr).toBe(
      `batchdrop: No batch found with id or name 'batch_nope'. All there are: ${root}batchdrop list\n`,
    );
    const refused = await batchdrop('list', '--api-key', 'sk-batchdrop-secretsecretsecret');
    expect(refused.stderr).toMatch(/^batchdrop: http:\/\/127\.0\.0\.1:\d+ refused the API key: set BATCHDROP_API_KEY/);
    expect(refused.stderr).not.toContain('secretsecret');
    const elsewhere = await batchdrop('list', '--url', stack.ready.s3Url, '--api-key', 'k');
    expect([unknown.code, refused.code, elsewhere.code]).toEqual([2, 4, 4]);
  });

  it('BATCHDROP_URL and BATCHDROP_API_KEY lead there from any folder', async () => {
    const env = { BATCHDROP_URL: `${stack.ready.apiUrl}/v1/`, BATCHDROP_API_KEY: stack.ready.apiKey };
    expect((await commandIn(tmpdir(), ['list'], { env }).ended).code).toBe(0);
  });
});

describe.concurrent('costs', { timeout: 120_000 }, () => {
  it('are summed by day, model and label, and say what is simulated', async () => {
    const labelled = ['--metadata', 'team=search', '--wait'];
    await batchdrop('submit', 'good.jsonl', ...labelled);
    const byTeam = await vi.waitUntil(
      async () => {
        const { stdout } = await batchdrop('costs', '--by', 'metadata.team,model', '--json');
        return JSON.parse(stdout).data.find(({ group }: { group: object }) => JSON.stringify(group).includes('search'));
      },
      { timeout: 60_000, interval: 500 },
    );
    expect(byTeam).toMatchObject({ group: { 'metadata.team': 'search', model: 'gpt-5-mini' }, usd: 0 });
    expect(byTeam.simulated_usd).toBeGreaterThan(0);
    const rows = (await batchdrop('costs')).stdout.trim().split('\t');
    expect(rows[0]).toBe(new Date().toISOString().slice(0, 10));
    expect(rows).toHaveLength(8);
    const { text } = await onTerminal(folder, ['costs', '--by', 'tenant,model', '--from', '2d'], {}, 80);
    expect(text).toMatch(/^tenant +model +requests .*cost +simulated\r\n/);
    expect(text).toContain('is what simulated answers would have cost; nobody pays it.');
    expect((await batchdrop('costs', '--from', 'soon')).code).toBe(2);
  });
});

describe.concurrent('keys', { timeout: 120_000 }, () => {
  it('are made without a key, shown once, and useless once revoked', async () => {
    const made = await batchdrop('keys', 'create', '--name', 'ci', '--tenant', 'search');
    const key = made.stdout.trim();
    expect(key).toMatch(/^sk-batchdrop-/);
    const [, id = ''] = /(key_\w+)/.exec(made.stderr) ?? [];
    expect(await batchdrop('list', '--api-key', key)).toEqual({ code: 0, stdout: '', stderr: '' });
    const listed = await batchdrop('keys', 'list', '--tenant', 'search');
    expect(listed.stdout).toMatch(new RegExp(`^${id}\tactive\t.*\tci$`, 'm'));
    expect(listed.stdout).not.toContain(key.slice(-20));
    const unused = JSON.parse((await batchdrop('keys', 'create', '--tenant', 'search', '--json')).stdout);
    expect((await batchdrop('keys', 'revoke', unused.id, '--tenant', 'search')).stdout).toBe(`Revoked ${unused.id}.\n`);
    expect((await batchdrop('list', '--api-key', unused.key)).code).toBe(4);
  });
});

describe.concurrent('doctor', { timeout: 120_000 }, () => {
  it('finds the local stack well, and says what could be better', async () => {
    const { code, stdout } = await batchdrop('doctor', '--json');
    const { healthy, findings } = JSON.parse(stdout);
    expect(findings).toContainEqual({
      level: 'ok',
      what: "Provider 'openai' is simulated: it has no key, and nothing costs money.",
      what_to_do: null,
    });
    expect({ code, healthy }).toEqual(healthy ? { code: 0, healthy } : { code: 1, healthy });
  });
});

describe.concurrent('straight into the bucket', { timeout: 120_000 }, () => {
  const bucket = (args: string[], added: Record<string, string> = {}) => {
    const env = {
      BATCHDROP_BUCKET: 'batchdrop',
      AWS_ENDPOINT_URL_S3: stack.ready.s3Url,
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      ...added,
    };
    return commandIn(folder, args, { env }).ended;
  };

  it('a file is dropped with its options, followed, explained and fetched by its name or its id', async () => {
    const submitted = await bucket(['submit', 'mixed.jsonl', '--metadata', 'team=search', '--tenant', 'default']);
    expect(submitted.stdout).toMatch(/^default\/mixed-\d{8}T\d{6}Z-[0-9a-f]{6}\.jsonl\n$/);
    const name = submitted.stdout.trim();
    const waited = await bucket(['submit', 'mixed.jsonl', '--wait', '--json', '--metadata', 'note=ümlaut']);
    const { id, metadata } = JSON.parse(waited.stdout);
    expect({ code: waited.code, stderr: waited.stderr, metadata }).toEqual({
      code: 1,
      stderr: '',
      metadata: { note: 'ümlaut' },
    });
    expect((await bucket(['status', id])).stdout).toContain('1 of 2 answered, 1 failed');
    const explained = await bucket(['explain', id]);
    expect(explained.stdout).toMatch(/invalid_prompt {2}b: Invalid prompt/);
    expect(explained.stdout).toMatch(/1\.1 +openai +gpt-5-mini +batch_\w+/);
    expect(idsIn((await bucket(['results', id, '--errors'])).stdout)).toEqual(['b']);
    const early = await bucket(['status', name, '--json']);
    expect(JSON.parse(early.stdout).metadata ?? { team: 'search' }).toEqual({ team: 'search' });
    const listed = await bucket(['list', '--name', 'mixed-*', '--tenant', 'default']);
    expect(listed.stdout).toContain(`${name}\t`);
    const throughApi = await batchdrop('status', name, '--json');
    expect(JSON.parse(throughApi.stdout)).toMatchObject({ batchdrop: { name } });
    const retried = await bucket(['retry', id, '--wait', '--json']);
    expect(JSON.parse(retried.stdout)).toMatchObject({ request_counts: { total: 1 }, metadata: { note: 'ümlaut' } });
  });

  it('what is answered so far of a batch that runs is read from its shards', async () => {
    const name = (await bucket(['submit', 'stuck.jsonl'])).stdout.trim();
    const { code } = await answeredSoFar(() => bucket(['results', name, '--partial']));
    expect(code).toBe(0);
  });

  it('a large file goes in parts and arrives whole', async () => {
    const { stdout } = await bucket(['submit', 'large.jsonl', '--wait', '--dry-run', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ errors: null, batchdrop: { report: { lines: 4_500 } } });
  });

  it('a drop that is refused ends with 2', async () => {
    const { code, stdout } = await bucket(['submit', 'good.jsonl', '--provider', 'nobody', '--wait']);
    expect(stdout).toContain("The provider 'nobody' is not configured");
    expect(code).toBe(2);
  });

  it('the same idempotency key and file give the same batch', async () => {
    const submit = async () =>
      JSON.parse((await bucket(['submit', 'good.jsonl', '--idempotency-key', 'k2', '--wait', '--json'])).stdout);
    const [first, second] = [await submit(), await submit()];
    expect(second.id).toBe(first.id);
  });

  it('what a bucket cannot do is one sentence', async () => {
    const cancelled = await bucket(['cancel', 'x']);
    expect(cancelled.stderr).toContain('set BATCHDROP_URL and BATCHDROP_API_KEY');
    const nowhere = await bucket(['list', '--bucket', 'nobodys']);
    expect(nowhere.stderr).toBe('batchdrop: There is no bucket nobodys.\n');
    const unknown = await bucket(['status', 'nope']);
    const dead = await bucket(['list'], { AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' });
    expect(dead.stderr).toMatch(/^batchdrop: S3 does not answer: .*\n$/);
    expect([cancelled.code, nowhere.code, unknown.code, dead.code]).toEqual([2, 2, 2, 4]);
  });
});

describe.concurrent('on a terminal', { timeout: 120_000 }, () => {
  it('waiting shows progress, and ends with the mark, the cost and the next command', async () => {
    const { code, raw, text } = await onTerminal(folder, ['submit', 'good.jsonl', '--wait']);
    expect(text).toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] (validating|in_progress)/);
    expect(raw).toContain('\u001b[32m✔');
    expect(text).toMatch(/tokens in, \d+ out: \$0\.\d+ at batch prices; simulated: openai/);
    expect(text).toMatch(/# Fetch the answers\r\n {2}\S+batchdrop results batch_/);
    expect(code).toBe(0);
  });

  it('who has the answers in a file is not told to fetch them', async () => {
    const whole = await onTerminal(folder, ['submit', 'good.jsonl', '-o', 'shown.jsonl']);
    expect(whole.text).toContain('shown.jsonl');
    expect(whole.text).not.toContain('#');
    const partly = await onTerminal(folder, ['submit', 'mixed.jsonl', '-o', 'partly.jsonl']);
    expect(partly.text.match(/# .*/g)?.map((line) => line.trim())).toEqual(['# See why requests failed']);
  });

  it('a list fits 80 columns, uses 200, and marks what is simulated', async () => {
    const submitted = await batchdrop('submit', 'a-file-with-quite-a-long-name-for-a-table.jsonl', '--wait', '--json');
    const { id } = JSON.parse(submitted.stdout);
    const narrow = (await onTerminal(folder, ['list'], {}, 80)).text.split('\r\n');
    expect(narrow[0]).toMatch(/^batch +status +name +(model +)?answered +failed +cost +age$/);
    expect(Math.max(...narrow.map(({ length }) => length))).toBeLessThanOrEqual(80);
    const wide = (await onTerminal(folder, ['list'], {}, 200)).text;
    expect(wide).toMatch(/^batch +status +name +model +answered +failed +cost +age\r\n/);
    expect(wide).toMatch(
      new RegExp(
        `${id} +completed +a-file-with-quite-a-long-name-for-a-table\\.jsonl +gpt-5-mini +2/2 +\\$[\\d.]+\\* `,
      ),
    );
    expect(wide).toContain('simulated: nobody pays it');
  });

  it('--watch keeps the list on the screen until Ctrl-C, and needs one', async () => {
    const wanted = /batch +status +name/;
    expect(await shownOnTerminal(folder, ['list', '--watch'], wanted)).toMatch(wanted);
    expect((await batchdrop('list', '--watch')).code).toBe(2);
  });
});
