import type { ComponentChildren } from 'preact';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { Deployment } from '../lib/client/deployment/deployment.ts';
import { revalidatingFetch } from '../lib/client/deployment/revalidating-fetch.ts';
import { tokenIn } from '../lib/records/console-url.ts';
import { AccountsPage } from './pages/accounts-page.tsx';
import { BatchPage } from './pages/batch-page.tsx';
import { BatchesPage } from './pages/batches-page.tsx';
import { MoneyPage } from './pages/money-page.tsx';
import { NewBatchPage } from './pages/new-batch-page.tsx';
import { SignInPage } from './pages/sign-in-page.tsx';
import { Announcer } from './parts/announcer.tsx';
import { linkTo, type Route, useRoute } from './routes.ts';
import { forgetKey, storedKey, storeKey, takeToken, tradeToken } from './session.ts';
import { SignedInContext } from './signed-in.ts';

/** The whole console: the sign-in, or the pages behind it. */
export function App() {
  const [apiKey, setApiKey] = useState(storedKey);
  const [reason, setReason] = useState<string | null>(null);
  const [isTrading, setTrading] = useState(true);

  useEffect(() => {
    const token = takeToken();
    const trading = token === null ? Promise.resolve(null) : tradeToken(token);
    trading
      .then((traded) => {
        if (traded === null) return;
        storeKey(traded);
        setApiKey(traded);
      })
      .catch((error: unknown) => setReason(error instanceof Error ? error.message : String(error)))
      .finally(() => setTrading(false));
  }, []);

  useEffect(() => {
    const readToken = () => {
      if (tokenIn(location.hash) !== null) location.reload(); // a new link, put into the address of this page
    };
    addEventListener('hashchange', readToken);
    return () => removeEventListener('hashchange', readToken);
  }, []);

  const signIn = useCallback((key: string) => {
    storeKey(key);
    setReason(null);
    setApiKey(key);
  }, []);
  const signOut = useCallback((why?: string) => {
    forgetKey();
    setReason(why ?? null);
    setApiKey(null);
  }, []);

  if (isTrading) return <Announcer />;
  return (
    <>
      {apiKey === null ? (
        <SignInPage reason={reason} signIn={signIn} />
      ) : (
        <Pages key={apiKey} apiKey={apiKey} signOut={signOut} />
      )}
      <Announcer />
    </>
  );
}

function Pages({ apiKey, signOut }: { apiKey: string; signOut: (reason?: string) => void }) {
  const route = useRoute();
  const deployment = useMemo(
    () => new Deployment({ url: location.origin, apiKey, fetch: revalidatingFetch() }),
    [apiKey],
  );
  const [isOperator, setOperator] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    deployment
      .listAccounts(stop.signal)
      .then((accounts) => setOperator(accounts.some(({ operator }) => operator !== null)))
      .catch(() => undefined); // the page that shows them says why
    return () => stop.abort();
  }, [deployment]);
  const signedIn = useMemo(
    () => ({ deployment, apiKey, isOperator, signOut }),
    [deployment, apiKey, isOperator, signOut],
  );
  return (
    <SignedInContext.Provider value={signedIn}>
      <Frame route={route} signOut={signOut}>
        <PageAt route={route} />
      </Frame>
    </SignedInContext.Provider>
  );
}

const places = [
  { path: 'batches', label: 'Batches' },
  { path: 'money', label: 'Money' },
  { path: 'accounts', label: 'Accounts' },
];

/** What stands around every page. A page that is gone to gets the focus, so that it is read from its beginning. */
function Frame({ route, signOut, children }: { route: Route; signOut: () => void; children: ComponentChildren }) {
  const main = useRef<HTMLElement>(null);
  const page = route.path.join('/');
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) main.current?.focus({ preventScroll: true });
    if (!isFirst.current) scrollTo(0, 0);
    isFirst.current = false;
  }, [page]);
  return (
    <>
      <header class="bar">
        <a class="brand" href={linkTo(['batches'])}>
          <Logo />
          Batchdrop
        </a>
        <nav aria-label="Pages">
          {places.map(({ path, label }) => (
            <a key={path} href={linkTo([path])} aria-current={route.path[0] === path ? 'page' : undefined}>
              {label}
            </a>
          ))}
        </nav>
        <a class="button primary" href={linkTo(['new'])} aria-current={route.path[0] === 'new' ? 'page' : undefined}>
          New batch
        </a>
        <button type="button" class="button quiet" onClick={() => signOut()}>
          Sign out
        </button>
      </header>
      <main ref={main} tabIndex={-1}>
        {children}
      </main>
    </>
  );
}

function Logo() {
  return (
    <svg viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">
      <rect width="16" height="16" rx="4" class="logo-ground" />
      <path d="M8 2.500v6M5.200 6 8 8.800 10.800 6M3.500 11.200h9" class="logo-line" />
    </svg>
  );
}

function PageAt({ route: { path, query } }: { route: Route }) {
  const [place, id, part, line] = path;
  if (place === 'batches' && id === undefined) return <BatchesPage query={query} />;
  if (place === 'batches' && id !== undefined)
    return <BatchPage key={id} id={id} part={part ?? 'overview'} line={line ?? null} query={query} />;
  if (place === 'new') return <NewBatchPage />;
  if (place === 'money') return <MoneyPage query={query} />;
  if (place === 'accounts') return <AccountsPage />;
  return (
    <div class="empty">
      <h1>There is no such page</h1>
      <p>
        <a href={linkTo(['batches'])}>Batches</a> are where to begin.
      </p>
    </div>
  );
}
