/** Media types as the MSRP attributes list them (RFC 4975 section 8.6). */

/** `type/subtype` in lower case without parameters. */
export function baseMediaType(contentType: string): string {
  const semicolon = contentType.indexOf(';');
  return (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
}

const MEDIA_TYPE = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/;

export function isMediaType(base: string): boolean {
  return MEDIA_TYPE.test(base);
}

/** Whether a list such as `['text/plain', 'image/*', '*']` takes the type. */
export function acceptsMediaType(list: readonly string[], base: string): boolean {
  for (const item of list) {
    if (item === base || item === '*' || item === '*/*') return true;
    if (item.endsWith('/*') && base.startsWith(item.slice(0, -1))) return true;
  }
  return false;
}
