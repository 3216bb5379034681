import { useState } from 'preact/hooks';
import { Deployment } from '../../lib/client/deployment/deployment.ts';
import { failureText, isRefusedKey } from '../api/failure-text.ts';
import { useTitle } from '../use-title.ts';

interface SignInProps {
  /** Why somebody who had a key or a link is here. */
  reason: string | null;
  signIn: (apiKey: string) => void;
}

/** Asks for an API key, and lets in whose key the API takes. */
export function SignInPage({ reason, signIn }: SignInProps) {
  useTitle('Sign in');
  const [apiKey, setApiKey] = useState('');
  const [isAsking, setAsking] = useState(false);
  const [problem, setProblem] = useState(reason);

  const submit = async (event: Event) => {
    event.preventDefault();
    const key = apiKey.trim();
    if (key === '') return setProblem('Put in an API key first.');
    if (!/^[\x21-\x7e]+$/.test(key)) return setProblem('This is no API key: it has characters that no key has.');
    setAsking(true);
    try {
      await new Deployment({ url: location.origin, apiKey: key }).listBatches({ limit: 1 });
      signIn(key);
    } catch (error) {
      setProblem(
        isRefusedKey(error)
          ? 'The API does not know this key. Look for a missing character at its ends.'
          : failureText(error),
      );
      setAsking(false);
    }
  };

  return (
    <main class="sign-in">
      <form onSubmit={submit}>
        <h1>Batchdrop</h1>
        <label for="api-key">API key</label>
        <input
          id="api-key"
          type="password"
          autocomplete="off"
          spellcheck={false}
          placeholder="sk-batchdrop-…"
          value={apiKey}
          onInput={({ currentTarget }) => setApiKey(currentTarget.value)}
          aria-describedby="key-help"
        />
        {problem !== null && (
          <p class="problem" role="alert">
            {problem}
          </p>
        )}
        <button type="submit" class="button primary" disabled={isAsking}>
          {isAsking ? 'Asking…' : 'Sign in'}
        </button>
        <p id="key-help" class="muted">
          The key stays in this tab and goes to {location.host} only. On your own machine <code>batchdrop console</code>{' '}
          prints an address that signs in by itself; <code>batchdrop keys create</code> makes a key.
        </p>
      </form>
    </main>
  );
}
