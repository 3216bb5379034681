import { useCallback } from 'preact/hooks';
import type { UsageRow } from '../../lib/client/deployment/replies.ts';
import { sumOfRows } from '../../lib/client/deployment/usage-sums.ts';
import { readUsage } from '../api/read-usage.ts';
import { reuse } from '../api/reuse.ts';
import { compactText, countText, dollarsText } from '../format/numbers.ts';
import { oneLine, shown } from '../format/shown.ts';
import { nowSeconds, utcDay } from '../format/times.ts';
import { FilterChoice, FilterInput } from '../parts/filter-input.tsx';
import { Empty, Loading, Problem, Section, Stale } from '../parts/notices.tsx';
import { linkTo, replaceWith } from '../routes.ts';
import { useSignedIn } from '../signed-in.ts';
import { usePolled } from '../use-polled.ts';
import { useTitle } from '../use-title.ts';
import { DayChart } from './money/day-chart.tsx';

const usualDays = 30;

const groups = [
  ['model', 'model'],
  ['provider', 'account'],
  ['api_key', 'API key'],
  ['tenant', 'tenant'],
] as const;

/** What ended batches have cost, by day and by something else. */
export function MoneyPage({ query }: { query: URLSearchParams }) {
  useTitle('Money');
  const { deployment, isOperator } = useSignedIn();
  const asked = askedIn(query);
  const load = useCallback(
    async (signal: AbortSignal, before: readonly UsageRow[] | null) =>
      reuse(await readUsage(deployment, asked, signal), before),
    [deployment, JSON.stringify(asked)],
  );
  const { value: rows, error, reload } = usePolled(load, { key: JSON.stringify(asked), seconds: () => 60 });
  const put = (name: string) => (value: string) =>
    replaceWith(linkTo(['money'], { ...Object.fromEntries(query), [name]: value }));
  return (
    <>
      <div class="page-head">
        <h1>Money</h1>
      </div>
      <search class="filters">
        <FilterInput label="From" type="date" value={asked.from} put={put('from')} />
        <FilterInput label="To" type="date" value={asked.to} put={put('to')} />
        <FilterChoice
          label="By"
          value={asked.group}
          choices={groups.filter(([group]) => group !== 'tenant' || isOperator)}
          put={put('by')}
        />
        {isOperator && (
          <FilterInput label="Tenant" placeholder="own; * for all" value={asked.tenant ?? ''} put={put('tenant')} />
        )}
      </search>
      {rows === null &&
        (error === null ? <Loading what="what was spent" lines={10} /> : <Problem error={error} retry={reload} />)}
      {rows !== null && <Stale error={error} retry={reload} />}
      {rows !== null && rows.length === 0 && <NothingSpent />}
      {rows !== null && rows.length > 0 && <Spending rows={rows} asked={asked} />}
    </>
  );
}

interface Asked {
  from: string;
  to: string;
  group: string;
  tenant: string | undefined;
}

function askedIn(query: URLSearchParams): Asked {
  const day = (name: string, otherwise: string) =>
    /^\d{4}-\d\d-\d\d$/.test(query.get(name) ?? '') ? (query.get(name) ?? otherwise) : otherwise;
  const group = groups.find(([each]) => each === query.get('by'))?.[0] ?? 'model';
  return {
    from: day('from', utcDay(nowSeconds() - (usualDays - 1) * 86_400)),
    to: day('to', utcDay(nowSeconds())),
    group,
    tenant: query.get('tenant') || undefined,
  };
}

function NothingSpent() {
  return (
    <Empty title="Nothing was spent in these days">
      <p>A batch counts on the day on which it ended, in UTC. Those under way are not in here.</p>
    </Empty>
  );
}

function Spending({ rows, asked }: { rows: readonly UsageRow[]; asked: Asked }) {
  const total = sumOfRows(rows);
  const byGroup = [...Map.groupBy(rows, ({ group }) => group[asked.group] ?? null)]
    .map(([name, own]) => ({ name, sum: sumOfRows(own) }))
    .toSorted((left, right) => right.sum.usd + right.sum.simulated_usd - (left.sum.usd + left.sum.simulated_usd));
  const label = groups.find(([group]) => group === asked.group)?.[1] ?? 'model';
  return (
    <>
      <dl class="facts">
        <Sum
          label="Spent"
          value={dollarsText(total.usd)}
          note={
            total.unpriced.length > 0
              ? `without ${total.unpriced.map(shown).join(', ')}, whose price is not known`
              : 'of what has a known price'
          }
        />
        <Sum label="Simulated" value={dollarsText(total.simulated_usd)} note="nobody pays it" />
        <Sum label="Requests" value={countText(total.requests)} note={`${countText(total.failed)} failed`} />
        <Sum
          label="Tokens"
          value={compactText(total.input_tokens + total.output_tokens)}
          note={`${compactText(total.input_tokens)} in, ${compactText(total.output_tokens)} out`}
        />
      </dl>
      <Section title="By day" aside={<span class="muted">days in UTC, by when a batch ended</span>}>
        <DayChart rows={rows} from={asked.from} to={asked.to} />
      </Section>
      <Section title={`By ${label}`}>
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">{label.charAt(0).toUpperCase() + label.slice(1)}</th>
                <th scope="col" class="number">
                  Requests
                </th>
                <th scope="col" class="number">
                  Failed
                </th>
                <th scope="col" class="number">
                  Tokens in
                </th>
                <th scope="col" class="number">
                  Tokens out
                </th>
                <th scope="col" class="number">
                  Cost
                </th>
                <th scope="col" class="number">
                  Simulated
                </th>
              </tr>
            </thead>
            <tbody>
              {byGroup.map(({ name, sum }) => (
                <tr key={name}>
                  <th scope="row">
                    <bdi>{name === null ? 'none' : oneLine(name, 80)}</bdi>
                    {sum.unpriced.length > 0 && <small class="warn-text"> price not known</small>}
                  </th>
                  <td class="number">{countText(sum.requests)}</td>
                  <td class={`number ${sum.failed > 0 ? 'bad-text' : ''}`}>{countText(sum.failed)}</td>
                  <td class="number">{countText(sum.input_tokens)}</td>
                  <td class="number">{countText(sum.output_tokens)}</td>
                  <td class="number">{dollarsText(sum.usd)}</td>
                  <td class="number muted">{sum.simulated_usd > 0 ? dollarsText(sum.simulated_usd) : ''}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Section>
    </>
  );
}

function Sum({ label, value, note }: { label: string; value: string; note: string }) {
  return (
    <div class="fact">
      <dt>{label}</dt>
      <dd>
        <strong>{value}</strong>
        <small class="muted">{note}</small>
      </dd>
    </div>
  );
}
