import { readFileSync } from 'node:fs';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Deployment } from '../../lib/client/deployment/deployment.ts';
import { findBrowser, startBrowser, type Visit, visit } from './browser.ts';
import { type ConsoleStack, hostileText, line, startConsoleStack } from './console-stack.ts';

const found = await findBrowser();
if (found.reason !== null) console.warn(found.reason);

let own: ConsoleStack;
let browser: Browser;
/** The operator of the stack. */
let me: Visit;
let deployment: Deployment;

/** Unix lines of a megabyte: one is that long. */
const longText = 'long '.repeat(200_000);

const batchFile = [
  line('plain', 'own-echo', 'Why is the sky blue?'),
  line(`hostile ${hostileText}`.slice(0, 200), 'own-echo', hostileText),
  line('refused', 'own-refuse', hostileText),
  line('long', 'own-echo', longText),
].join('');

async function newBatch(lines: string, name = 'other.jsonl'): Promise<string> {
  const file = await deployment.uploadFile(new Blob([lines]), { name });
  const body = { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const;
  return (await deployment.createBatch(body)).id;
}

async function untilStatus(page: Page, status: string): Promise<void> {
  await page.locator('h1 .status', { hasText: status }).waitFor();
}

function open(page: Page, fragment: string): Promise<unknown> {
  return page.goto(`${own.stack.apiUrl}/${fragment}`);
}

/** Runs axe over the page; in the dark only what depends on colours. */
async function violations(page: Page, onlyColours = false): Promise<string[]> {
  await page.evaluate(axe.source);
  const options = onlyColours ? "{ runOnly: ['color-contrast'] }" : '{}';
  const result = await page.evaluate(`axe.run(document, ${options}).then(({ violations }) => violations)`);
  return (result as { id: string; nodes: { html: string }[] }[]).map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}

describe.skipIf(found.path === null)('the console in a browser', () => {
  beforeAll(async () => {
    own = await startConsoleStack();
    deployment = new Deployment({ url: own.stack.apiUrl, apiKey: own.stack.apiKey });
    browser = await startBrowser(found.path ?? '');
    me = await visit(browser);
  });

  afterAll(async () => {
    await browser?.close();
    await own?.close();
  });

  it('signs in by the address that start prints, once', async () => {
    const address = own.stack.newConsoleUrl();
    await me.page.goto(address);
    await me.page.getByText('No batches yet').waitFor();
    expect(me.page.url()).toBe(`${own.stack.apiUrl}/`);
    const second = await visit(browser);
    await second.page.goto(address);
    await second.page.getByRole('alert').getByText('This link was used before').waitFor();
    await second.context.close();
  });

  it('asks for a key, says when it is none, and forgets one that is refused later', async () => {
    const { page, context } = await visit(browser);
    await open(page, '');
    await page.getByLabel('API key').fill('sk-batchdrop-nobody');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').getByText('does not know this key').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByLabel('API key').fill(own.strangerKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('No batches yet').waitFor();
    await page.evaluate("sessionStorage.setItem('batchdrop.api-key', 'sk-batchdrop-revoked')");
    await page.reload();
    await page.getByRole('alert').getByText('refuses this key now').waitFor();
    expect(await page.evaluate("sessionStorage.getItem('batchdrop.api-key')")).toBeNull();
    await context.close();
  });

  it('takes a file, says what it would send, and runs it to its end', async () => {
    const { page } = me;
    await page.getByRole('link', { name: 'New batch' }).click();
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('x') });
    await page.getByRole('alert').getByText('The file must be named').waitFor();
    const wrong = Buffer.from(`${line('a', 'own-echo', 'one')}{"custom_id": "b"\n`);
    await page.locator('input[type=file]').setInputFiles({ name: 'wrong.jsonl', mimeType: '', buffer: wrong });
    await page.getByRole('button', { name: 'Check it' }).click();
    await page.getByText('It would be refused: 1 error').waitFor();
    await page
      .getByRole('region', { name: 'What is wrong with the input' })
      .getByRole('cell', { name: '2', exact: true })
      .waitFor();
    const file = { name: 'reviews.jsonl', mimeType: '', buffer: Buffer.from(batchFile) };
    await page.locator('input[type=file]').setInputFiles(file);
    await page.getByLabel('Labels').fill('team=<b>search</b>');
    await page.getByRole('button', { name: 'Check it' }).click();
    await page.getByText('It can be started').waitFor();
    await page.getByRole('cell', { name: 'own-echo' }).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('region', { name: 'The check' }).getByRole('button', { name: 'Start the batch' }).click();
    await untilStatus(page, 'completed');
    await page.getByText('3 of 4').first().waitFor();
    await page.getByText('<b>search</b>').first().waitFor();
    expect(me.complaints).toEqual([]);
  });

  it('leads from the errors to a failed request, and shows foreign texts as text', async () => {
    const { page } = me;
    await page.getByRole('link', { name: 'who failed with invalid_prompt' }).click();
    await page.getByRole('link', { name: 'Line 3 in full' }).click();
    await page.getByRole('heading', { name: 'refused' }).waitFor();
    await page.getByRole('region', { name: 'Answer' }).getByText('<img src=x onerror=').first().waitFor();
    await page.getByText('\\u202eevil').first().waitFor();
    await page.getByRole('button', { name: 'Copy curl' }).click();
    expect(await page.evaluate('navigator.clipboard.readText()')).toContain(
      `curl -sS "$\{BASE_URL:-https://api.openai.com}"`,
    );
    await page.getByRole('link', { name: '← 2' }).click();
    await page.getByRole('heading', { name: 'Line 2' }).waitFor();
    await page.getByRole('link', { name: 'Back to the list' }).click();
    await page.getByLabel('Show').selectOption('');
    await page.getByLabel('Error code').fill('');
    await page.getByRole('link', { name: 'Line 4 in full' }).waitFor();
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate('[window.hacked, document.querySelectorAll("img").length]')).toEqual([undefined, 0]);
    expect(me.complaints).toEqual([]);
  });

  it('downloads what was answered', async () => {
    const { page } = me;
    await page.getByRole('link', { name: 'Overview' }).click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download answers' }).click(),
    ]);
    const lines = readFileSync(await download.path(), 'utf8')
      .trim()
      .split('\n');
    expect(lines.map((each) => JSON.parse(each).custom_id)).toContain('plain');
    expect(lines).toHaveLength(3);
  });

  it('sends the failed ones again, once somebody said yes', async () => {
    const { page } = me;
    const before = page.url();
    await page.getByRole('button', { name: 'Retry failed' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Back' }).click();
    expect(page.url()).toBe(before);
    await page.getByRole('button', { name: 'Retry failed' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Retry failed' }).click();
    await page.getByText('retry of').waitFor();
    expect(page.url()).not.toBe(before);
    await untilStatus(page, 'completed');
  });

  it('says that a batch runs, cancels it, and shows it in the list', async () => {
    const { page } = me;
    const id = await newBatch(line('slow', 'own-slow', 'never mind'), 'slow.jsonl');
    await open(page, `#/batches/${id}`);
    await untilStatus(page, 'in progress');
    await page.getByText('Time left, estimated').waitFor();
    await page.getByRole('button', { name: 'Cancel batch' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel batch' }).click();
    await untilStatus(page, 'cancelled');
    await open(page, '#/batches');
    await page.getByRole('row', { name: /slow\.jsonl.*cancelled/ }).waitFor();
    await page
      .getByRole('row', { name: /reviews\.jsonl.*completed/ })
      .first()
      .waitFor();
    await page.getByLabel('Name').fill('slow');
    await page
      .getByRole('row', { name: /reviews\.jsonl/ })
      .first()
      .waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Show all' }).click();
    await page
      .getByRole('row', { name: /reviews\.jsonl/ })
      .first()
      .waitFor();
  });

  it('says that the connection is lost, and goes on once it is back', async () => {
    const { page, context } = me;
    await context.setOffline(true);
    await page.getByRole('alert').getByText('the page keeps trying').waitFor();
    await page.getByText('reviews.jsonl').first().waitFor();
    await context.setOffline(false);
    await page.getByRole('alert').waitFor({ state: 'detached' });
  });

  it('scrolls thousands of batches with as few rows as ten', async () => {
    const [batch] = (await deployment.listBatches({ limit: 1 })).batches;
    const { page, context } = await visit(browser);
    await page.route('**/v1/batches?*', async (route) => {
      const data = Array.from({ length: 3_000 }, (_batch, index) => ({
        ...batch,
        id: `batch_${index}`,
        batchdrop: { ...batch?.batchdrop, name: `number-${index}.jsonl` },
      }));
      const list = { object: 'list', data, has_more: false, batchdrop: { looked: 3_000, looked_to: 1, next: null } };
      await route.fulfill({ json: list });
    });
    await page.goto(own.stack.newConsoleUrl());
    await page.getByText('number-0.jsonl').waitFor();
    await page.evaluate('scrollTo(0, document.documentElement.scrollHeight)');
    await page.getByText('number-2999.jsonl').waitFor();
    expect(await page.getByRole('row').count()).toBeLessThan(100);
    await context.close();
  });

  it('shows another tenant nothing of it', async () => {
    const [mine] = (await deployment.listBatches({ limit: 1 })).batches;
    const { page, context } = await visit(browser);
    await open(page, '');
    await page.getByLabel('API key').fill(own.strangerKey);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('No batches yet').waitFor();
    expect(await page.getByLabel('Tenant').count()).toBe(0);
    await open(page, `#/batches/${mine?.id}`);
    await page
      .getByRole('alert')
      .getByText(/No batch found/)
      .waitFor();
    await open(page, '#/accounts');
    await page.getByRole('row', { name: /own/ }).waitFor();
    expect(await page.getByText('Open batches').count()).toBe(0);
    await context.close();
  });

  it('draws a bar for each day, as wide as the others', async () => {
    const { page } = me;
    await open(page, '#/money');
    await page.getByText('By day').waitFor();
    const widths = await page.evaluate(
      'Array.from(document.querySelectorAll(".chart rect.spent"), (bar) => bar.getBBox().width)',
    );
    expect(widths).toEqual(Array.from({ length: 30 }, () => 8));
  });

  it('has pages that axe finds no fault with, in the light and in the dark, on a small screen too', async () => {
    const { page } = me;
    const ended = (await deployment.listBatches({ limit: 100 })).batches.find(
      ({ request_counts: counts }) => counts.total === 4 && counts.failed === 1,
    );
    const batch = `#/batches/${ended?.id}`;
    const pages: [fragment: string, ready: RegExp][] = [
      ['#/batches', /loaded/],
      [batch, /Why requests failed/],
      [`${batch}/requests`, /Lines 1 to 4/],
      [`${batch}/requests/2`, /Line 2/],
      ['#/new', /Drop a file here/],
      ['#/money', /By day/],
      ['#/accounts', /Tenants waiting/],
    ];
    for (const [fragment, ready] of pages) {
      await page.emulateMedia({ colorScheme: 'light' });
      await page.setViewportSize({ width: 1280, height: 900 });
      await open(page, fragment);
      await page.getByText(ready).first().waitFor();
      expect(await violations(page), fragment).toEqual([]);
      await page.emulateMedia({ colorScheme: 'dark' });
      expect(await violations(page, true), `${fragment} in the dark`).toEqual([]);
      await page.setViewportSize({ width: 360, height: 740 });
      expect(await page.evaluate('document.documentElement.scrollWidth'), `${fragment} at 360 px`).toBeLessThanOrEqual(
        360,
      );
    }
    expect(me.complaints).toEqual([]);
  });
});
