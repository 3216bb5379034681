import { Hono } from 'hono';
import { z } from 'zod';
import { accountViewSchema } from '../records/account-view.ts';
import { listAccounts } from '../service/accounts.ts';
import type { ApiEnvironment } from './api-environment.ts';
import { listObject, listSchema, readKnownQuery } from './list-object.ts';
import { revalidated } from './revalidated.ts';

export const accountListQuerySchema = z.object({});

const accountSchema = z.object(accountViewSchema.shape).meta({ id: 'Account' });

export const accountListSchema = listSchema(accountSchema).meta({ id: 'AccountList' });

/** `/v1/accounts` */
export function accountRoutes(): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();

  routes.get('/', revalidated, async (context) => {
    readKnownQuery(context.req.query(), accountListQuerySchema);
    const { services, role } = context.var;
    const items = await listAccounts(services, role === 'operator');
    return context.json(listObject({ items, hasMore: false }, (account) => account));
  });

  return routes;
}
