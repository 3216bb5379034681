import { z } from 'zod';

/** What any list of Google's may say beside its items. */
const besideItems = ['nextPageToken', 'totalSize', 'kind', 'unreachable', 'prefixes'];

/**
 * A page of a list, and nothing else: Google leaves empty members out, so `{}` is an empty one; an error's document under
 * a status of 200, or anything else that has members and none of a list's, is no list.
 *
 * @param items the member that holds them, with its default.
 */
export function listReply<Items extends z.ZodRawShape>(items: Items) {
  const known = [...Object.keys(items), ...besideItems];
  return z
    .looseObject({})
    .refine((reply) => isList(Object.keys(reply), known), { error: 'it is no list' })
    .pipe(z.object({ ...items, nextPageToken: z.string().optional() }));
}

function isList(members: readonly string[], known: readonly string[]): boolean {
  if (members.includes('error')) return false;
  return members.length === 0 || members.some((member) => known.includes(member));
}
