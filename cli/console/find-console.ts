import { Deployment } from '../../lib/client/deployment/deployment.ts';
import { DeploymentAnswerError } from '../../lib/client/deployment/failures.ts';
import { consoleUrl } from '../../lib/records/console-url.ts';
import { calling } from '../transport/api/api-failure.ts';
import { type ApiPlace, findApi, type TransportOptions } from '../transport/open-transport.ts';

export interface FoundConsole {
  url: string;
  /** Whether the address signs in by itself. */
  signsIn: boolean;
}

/** @throws CommandError where nobody answers, or the key is refused. */
export async function findConsole(options: TransportOptions): Promise<FoundConsole> {
  const place = await findApi(options);
  const token = await calling(place.url, () => askForToken(place));
  return { url: consoleUrl(place.url, token ?? undefined), signsIn: token !== null };
}

/** @returns null where links do not sign in, as at a deployment on AWS. */
async function askForToken({ url, apiKey }: ApiPlace): Promise<string | null> {
  try {
    return await new Deployment({ url, apiKey }).createConsoleToken();
  } catch (error) {
    if (error instanceof DeploymentAnswerError && error.status === 404) return null;
    throw error;
  }
}
