import chromiumPackage from '@sparticuz/chromium';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** Why there is no browser here, or where it is. */
export type FoundBrowser = { path: string; reason: null } | { path: null; reason: string };

/** Unpacks the browser of the package, once for this machine. */
export async function findBrowser(): Promise<FoundBrowser> {
  try {
    return { path: await chromiumPackage.executablePath(), reason: null };
  } catch (error) {
    return { path: null, reason: `The browser of @sparticuz/chromium cannot be unpacked: ${String(error)}` };
  }
}

export async function startBrowser(path: string): Promise<Browser> {
  return await chromium.launch({
    executablePath: path,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--hide-scrollbars'],
  });
}

export interface Visit {
  page: Page;
  context: BrowserContext;
  /** What the page complained of: errors of scripts, and what its policy refused. */
  complaints: string[];
}

interface VisitOptions {
  width?: number;
  height?: number;
  colorScheme?: 'light' | 'dark';
  deviceScaleFactor?: number;
}

/** Somebody with a session of their own. */
export async function visit(browser: Browser, options: VisitOptions = {}): Promise<Visit> {
  const { width = 1280, height = 900, colorScheme = 'light', deviceScaleFactor = 1 } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    deviceScaleFactor,
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    acceptDownloads: true,
    permissions: ['clipboard-read', 'clipboard-write'],
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    // A refused key or an unknown batch is an answer; the browser notes it as a failed load.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      complaints.push(message.text());
  });
  return { page, context, complaints };
}
