import type { Deployment } from '../../lib/client/deployment/deployment.ts';
import type { UsageRow } from '../../lib/client/deployment/replies.ts';
import { joinRows } from '../../lib/client/deployment/usage-sums.ts';

interface UsageAsked {
  from: string;
  to: string;
  group: string;
  tenant: string | undefined;
}

/** What was used, by day and group; an answer sums up a thousand batches, so there may be several. */
export async function readUsage(
  deployment: Deployment,
  { from, to, group, tenant }: UsageAsked,
  signal: AbortSignal,
): Promise<UsageRow[]> {
  const pages: UsageRow[][] = [];
  let after: string | null = null;
  do {
    const query = {
      by: `day,${group}`,
      from,
      to,
      ...(tenant !== undefined && { tenant }),
      ...(after !== null && { after }),
    };
    const page = await deployment.usage(query, signal);
    pages.push(page.data);
    after = page.next;
  } while (after !== null);
  return joinRows(pages);
}
