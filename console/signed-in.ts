import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Deployment } from '../lib/client/deployment/deployment.ts';

/** What the pages have of whoever signed in. */
export interface SignedIn {
  deployment: Deployment;
  apiKey: string;
  /** Sees other tenants' batches and how the accounts are; not known before the accounts were read. */
  isOperator: boolean;
  /** Back to the sign-in, with a reason where nobody asked for it. */
  signOut: (reason?: string) => void;
}

export const SignedInContext = createContext<SignedIn | null>(null);

/** @throws Error outside of what only somebody who signed in sees. */
export function useSignedIn(): SignedIn {
  const signedIn = useContext(SignedInContext);
  if (signedIn === null) throw new Error('Nobody has signed in.');
  return signedIn;
}
