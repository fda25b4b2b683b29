/** Which screen the part of the address after `#` stands for. */
export type Route =
  | { readonly name: 'live' }
  | { readonly name: 'session'; readonly id: string }
  | { readonly name: 'decisions'; readonly query: URLSearchParams }
  | { readonly name: 'groups' }
  | { readonly name: 'group'; readonly uri: string }
  | { readonly name: 'new-group' }
  | { readonly name: 'explain' }
  | { readonly name: 'policy' }
  | { readonly name: 'audit' }
  | { readonly name: 'unknown' };

export function routeOf(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [first = '', second, ...more] = path.split('/');
  if (more.length > 0) return { name: 'unknown' };
  if (second !== undefined) {
    const name = decoded(second);
    if (name === undefined || name === '') return { name: 'unknown' };
    if (first === 'sessions') return { name: 'session', id: name };
    if (first === 'groups') return { name: 'group', uri: name };
    return { name: 'unknown' };
  }
  switch (first) {
    case '':
      return { name: 'live' };
    case 'decisions':
      return { name: 'decisions', query: new URLSearchParams(query) };
    case 'groups':
    case 'new-group':
    case 'explain':
    case 'policy':
    case 'audit':
      return { name: first };
    default:
      return { name: 'unknown' };
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export const sessionHash = (id: string) => `#/sessions/${encodeURIComponent(id)}`;
export const groupHash = (uri: string) => `#/groups/${encodeURIComponent(uri)}`;
export const decisionsHash = (query: Readonly<Record<string, string>>) =>
  `#/decisions?${new URLSearchParams(query).toString()}`;
