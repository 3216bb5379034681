import { tenantPattern } from '../records/ids.ts';
import type { ApiContext } from './api-environment.ts';
import { ApiError } from './api-error.ts';

/**
 * Whose data a request asks for: its own tenant's, unless an operator's key names another.
 *
 * @throws ApiError for another tenant's data without an operator's key, and for what is no tenant's name.
 */
export function tenantAsked(context: ApiContext, asked: string | undefined): string {
  const { tenant } = context.var;
  if (asked === undefined || asked === tenant) return tenant;
  assertOperator(context);
  if (tenantPattern.test(asked)) return asked;
  throw new ApiError(400, `'${asked.slice(0, 100)}' is no tenant's name.`, { param: 'tenant', code: 'invalid_value' });
}

/** @throws ApiError */
export function assertOperator(context: ApiContext): void {
  if (context.var.role === 'operator') return;
  const message = "Only an operator's key sees what other tenants have: batchdrop keys create --operator";
  throw new ApiError(403, message, { param: 'tenant', code: 'operator_required' });
}
