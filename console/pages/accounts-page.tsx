import { useCallback } from 'preact/hooks';
import type { AccountView } from '../../lib/records/account-view.ts';
import { reuse } from '../api/reuse.ts';
import { compactText, countText } from '../format/numbers.ts';
import { oneLine, shown } from '../format/shown.ts';
import { durationText } from '../format/times.ts';
import { Loading, Problem, Stale } from '../parts/notices.tsx';
import { linkTo } from '../routes.ts';
import { useSignedIn } from '../signed-in.ts';
import { useNow } from '../use-now.ts';
import { usePolled } from '../use-polled.ts';
import { useTitle } from '../use-title.ts';

/** The configured accounts, and for operators how full each is. */
export function AccountsPage() {
  useTitle('Accounts');
  const { deployment } = useSignedIn();
  const load = useCallback(
    async (signal: AbortSignal, before: readonly AccountView[] | null) =>
      reuse(await deployment.listAccounts(signal), before),
    [deployment],
  );
  const { value, error, reload } = usePolled(load, { key: 'accounts', seconds: () => 15 });
  const isOperator = value?.some(({ operator }) => operator !== null) ?? false;
  return (
    <>
      <div class="page-head">
        <h1>Accounts</h1>
      </div>
      {value === null && (error === null ? <Loading what="accounts" /> : <Problem error={error} retry={reload} />)}
      {value !== null && <Stale error={error} retry={reload} />}
      {value !== null && <AccountTable accounts={value} isOperator={isOperator} />}
      {value !== null && !isOperator && (
        <p class="muted">
          How full an account is, an operator's key shows: <code>batchdrop keys create --operator</code>
        </p>
      )}
    </>
  );
}

function AccountTable({ accounts, isOperator }: { accounts: readonly AccountView[]; isOperator: boolean }) {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">Account</th>
            <th scope="col">Provider</th>
            <th scope="col">Models</th>
            {isOperator && (
              <>
                <th scope="col" class="number">
                  Batches under way
                </th>
                <th scope="col" class="number">
                  Open there
                </th>
                <th scope="col" class="number">
                  Tokens waiting there
                </th>
                <th scope="col" class="number">
                  Tenants waiting
                </th>
              </>
            )}
          </tr>
        </thead>
        <tbody>
          {accounts.map((account) => (
            <AccountRow key={account.id} account={account} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

const shownModels = 8;

function AccountRow({ account }: { account: AccountView }) {
  const now = useNow(10);
  const { operator, models } = account;
  const lastError = operator?.last_error;
  return (
    <>
      <tr>
        <th scope="row">{account.id}</th>
        <td>
          {account.kind}
          <small class={account.is_simulated ? 'muted' : 'warn-text'}>
            {account.is_simulated ? ' simulated, costs nothing' : ' real, costs money'}
            {account.is_live && ', sent one by one'}
          </small>
        </td>
        <td>
          <bdi>
            {models
              .slice(0, shownModels)
              .map((model) => oneLine(model, 60))
              .join(', ') || 'those that no other account has'}
          </bdi>
          {models.length > shownModels && (
            <small class="muted" title={models.join(', ')}>
              {' '}
              and {models.length - shownModels} more
            </small>
          )}
        </td>
        {operator !== null && (
          <>
            <td class="number">{countText(operator.running_batches)}</td>
            <td class="number">
              {operator.open_batches === null ? '–' : countText(operator.open_batches)}
              {operator.max_open_batches !== null && ` of ${countText(operator.max_open_batches)}`}
            </td>
            <td class="number">
              {operator.queues.length === 0 && '–'}
              {operator.queues.map(({ model, tokens, max_tokens: most }) => (
                <div key={model}>
                  <small class="muted">{oneLine(model, 40)}</small> {compactText(tokens)}
                  {most !== null && ` of ${compactText(most)}`}
                </div>
              ))}
            </td>
            <td class="number">{countText(operator.waiting_tenants)}</td>
          </>
        )}
      </tr>
      {lastError && (
        <tr class="why">
          <td colSpan={7}>
            <p>
              Batches wait because of this account, the first since {durationText(now - lastError.since)}:{' '}
              <bdi>{shown(lastError.message)}</bdi>{' '}
              <a href={linkTo(['batches', lastError.batch_id], { tenant: lastError.tenant })}>that batch</a>
            </p>
          </td>
        </tr>
      )}
    </>
  );
}
