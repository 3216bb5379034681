import { useEffect, useState } from 'preact/hooks';

/** What the page shows, as it stands behind `#` in the address. */
export interface Route {
  /** `['batches', 'batch_0123', 'requests']` */
  path: readonly string[];
  query: URLSearchParams;
}

export function routeOf(fragment: string): Route {
  const [path = '', query = ''] = fragment.replace(/^#\/?/, '').split('?', 2);
  const parts = path.split('/').flatMap((part) => (part === '' ? [] : [decoded(part)]));
  return { path: parts.length === 0 ? ['batches'] : parts, query: new URLSearchParams(query) };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The address of a page within this one. */
export function linkTo(
  path: readonly (string | number)[],
  query: Record<string, string | null | undefined> = {},
): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value ? [[name, value]] : []));
  const parameters = new URLSearchParams(given).toString();
  return `#/${path.map((part) => encodeURIComponent(part)).join('/')}${parameters && `?${parameters}`}`;
}

export function goTo(link: string): void {
  location.hash = link;
}

/** Puts another address in place of this one, without a step in the history. */
export function replaceWith(link: string): void {
  history.replaceState(null, '', link);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const read = () => setRoute(routeOf(location.hash));
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, []);
  return route;
}
