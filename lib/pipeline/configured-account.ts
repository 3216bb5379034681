import { ConfigurationError } from '../records/errors.ts';
import type { Account, Services } from './services.ts';

/** Finds an account by its name; null where the configuration does not have it any more. */
export function findAccount(services: Pick<Services, 'account'>, name: string): Account | null {
  try {
    return services.account(name);
  } catch (error) {
    if (error instanceof ConfigurationError) return null;
    throw error;
  }
}
