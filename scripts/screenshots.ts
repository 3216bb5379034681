import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Deployment } from '../lib/client/deployment/deployment.ts';
import { findBrowser, startBrowser, visit } from '../test/console/browser.ts';
import { line, startConsoleStack } from '../test/console/console-stack.ts';

// Pictures of the console's pages over a local stack, in both themes. Usage: npm run screenshots [-- --docs]; --docs renews the two in docs/.

const { values } = parseArgs({ options: { docs: { type: 'boolean', default: false } } });
const root = join(import.meta.dirname, '..');
const folder = join(root, 'screenshots');
mkdirSync(folder, { recursive: true });

const subjects = ['delivery', 'price', 'support', 'packaging', 'returns', 'quality', 'the manual', 'the colour'];

function question(number: number): string {
  return `Classify this review in one word. "I have had it for ${number} days, and ${subjects[number % subjects.length]} could not be better."`;
}

function lines(count: number, modelOf: (number: number) => string, refuseEvery = 0): string {
  return Array.from({ length: count }, (_line, number) => {
    const isRefused = refuseEvery > 0 && number % refuseEvery === 3;
    return line(`review-${number + 1}`, modelOf(number), `${isRefused ? '[[refuse]] ' : ''}${question(number)}`);
  }).join('');
}

const found = await findBrowser();
if (found.path === null) throw new Error(found.reason);
const own = await startConsoleStack();
const browser = await startBrowser(found.path);
try {
  const deployment = new Deployment({ url: own.stack.apiUrl, apiKey: own.stack.apiKey });
  const create = async (name: string, text: string, options: Record<string, unknown> = {}) => {
    const file = await deployment.uploadFile(new Blob([text]), { name });
    const body = {
      ...options,
      input_file_id: file.id,
      endpoint: '/v1/chat/completions',
      completion_window: '24h',
    } as const;
    return (await deployment.createBatch(body)).id;
  };
  const untilEnded = async (id: string) => {
    for (;;) {
      const { status } = await deployment.retrieveBatch(id);
      if (['completed', 'failed', 'expired', 'cancelled'].includes(status)) return;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  };
  const gpt = () => 'gpt-5-mini';
  const both = (number: number) => (number % 3 === 0 ? 'claude-sonnet-4-5' : 'gpt-5-mini');
  const finished = [
    await create('reviews-2026-11.jsonl', lines(1_200, gpt), { metadata: { team: 'search' } }),
    await create(
      'product-titles.jsonl',
      lines(640, () => 'gpt-4.1-mini'),
    ),
    await create('tickets-triage.jsonl', lines(900, both, 40), {
      metadata: { team: 'support', run: '7' },
    }),
    await create(
      'eval-pass-3.jsonl',
      lines(300, () => 'claude-sonnet-4-5'),
    ),
    await create('broken.jsonl', `${lines(4, gpt)}{"custom_id": "b"\n`),
    await create('estimate.jsonl', lines(5_000, gpt), { dry_run: true }),
  ];
  await Promise.all(finished.map(untilEnded));
  const shown = finished[2] ?? '';
  const running = await create(
    'reviews-2026-12.jsonl',
    lines(60, (number) => (number < 40 ? 'own-echo' : 'own-slow')),
  );
  for (;;) {
    const { request_counts: counts } = await deployment.retrieveBatch(running);
    if (counts.completed > 10) break;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  const pages: [name: string, fragment: string, ready: string][] = [
    ['batches', '#/batches', 'loaded'],
    ['batch', `#/batches/${shown}`, 'Why requests failed'],
    ['running', `#/batches/${running}`, 'Time left'],
    ['refused', `#/batches/${finished[4]}`, 'What is wrong'],
    ['requests', `#/batches/${shown}/requests`, 'Lines 1'],
    ['request', `#/batches/${shown}/requests/4`, 'parameters'],
    ['new', '#/new', 'Drop a file'],
    ['money', '#/money', 'By day'],
    ['accounts', '#/accounts', 'Tenants waiting'],
  ];
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page, context } = await visit(browser, { colorScheme, width: 1280, height: 860 });
    await page.goto(`${own.stack.apiUrl}/`);
    await page.getByLabel('API key').waitFor();
    await page.screenshot({ path: join(folder, `sign-in-${colorScheme}.png`) });
    await page.goto('about:blank');
    await page.goto(own.stack.newConsoleUrl());
    await page.getByText('loaded').waitFor();
    for (const [name, fragment, ready] of pages) {
      await page.setViewportSize({ width: 1280, height: 860 });
      await page.goto(`${own.stack.apiUrl}/${fragment}`);
      await page.getByText(ready).first().waitFor();
      await page.waitForLoadState('networkidle');
      if (name === 'new') await chooseFile();
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
      if (values.docs && colorScheme === 'light' && (name === 'batches' || name === 'batch'))
        await page.screenshot({ path: join(root, `docs/console-${name}.png`) });
      await page.setViewportSize({ width: 360, height: 740 });
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}-small.png`) });
    }
    await context.close();

    async function chooseFile(): Promise<void> {
      const file = { name: 'tickets-triage.jsonl', mimeType: '', buffer: Buffer.from(lines(900, both)) };
      await page.locator('input[type=file]').setInputFiles(file);
      await page.getByRole('button', { name: 'Check it' }).click();
      await page.getByText('It can be started').waitFor();
    }
  }
} finally {
  await browser.close();
  await own.close();
}
