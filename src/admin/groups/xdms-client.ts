/**
 * Documents of XDM servers, over HTTP. Only the servers that the configuration names are asked, whoever wishes and
 * wherever they redirect to; what was fetched before is asked for by its ETag.
 */
import { LRUCache } from 'lru-cache';
import { GROUP_XML_TYPE } from './group-content.ts';
import type { XdmsSettings } from './ports.ts';

export type Fetched =
  | { readonly bytes: Uint8Array; readonly isUnchanged: boolean }
  | { readonly fault: string };

interface Cached {
  readonly etag: string;
  readonly bytes: Uint8Array;
}

/** Of all documents kept for their ETag. */
const CACHE_MAX_BYTES = 33_554_432;
const NOT_MODIFIED = 304;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export class XdmsClient {
  readonly #settings: XdmsSettings;
  readonly #cache = new LRUCache<string, Cached>({
    maxSize: CACHE_MAX_BYTES,
    sizeCalculation: ({ bytes }) => bytes.byteLength + 1,
  });

  constructor(settings: XdmsSettings) {
    this.#settings = settings;
  }

  /** Never throws: what cannot be had is a fault in words. */
  async fetch(text: string): Promise<Fetched> {
    const { timeoutMs, maxRedirects } = this.#settings;
    const signal = AbortSignal.timeout(timeoutMs);
    let url = text;
    try {
      for (let hops = 0; hops <= maxRedirects; hops += 1) {
        const fault = this.#addressFault(url);
        if (fault !== undefined) return { fault: hops === 0 ? fault : `it redirects, but ${fault}` };
        const response = await fetch(url, { redirect: 'manual', signal, headers: this.#headersFor(url) });
        const location = response.headers.get('location');
        if (!REDIRECTS.has(response.status) || location === null)
          return await this.#documentOf(url, response);
        await response.body?.cancel();
        if (!URL.canParse(location, url)) return { fault: 'it redirects to what is no URL' };
        url = new URL(location, url).href;
      }
      return { fault: `it redirects more than ${maxRedirects} times` };
    } catch (error) {
      return { fault: faultOf(error, timeoutMs) };
    }
  }

  #addressFault(text: string): string | undefined {
    if (!URL.canParse(text)) return 'this is no URL';
    const { origin, username, password } = new URL(text);
    if (username !== '' || password !== '') return 'a URL may not carry a user here';
    // URL.origin of what is neither http nor https is the text `null`, which no server of the list has.
    return this.#settings.origins.includes(origin)
      ? undefined
      : `${origin} is not among managedGroups.xdmsServers, and no other server is asked`;
  }

  #headersFor(url: string): Record<string, string> {
    const { identity } = this.#settings;
    const known = this.#cache.get(url);
    return {
      accept: `${GROUP_XML_TYPE}, application/xml;q=0.8, text/xml;q=0.5`,
      ...(known === undefined ? {} : { 'if-none-match': known.etag }),
      ...(identity === undefined
        ? {}
        : { 'x-3gpp-asserted-identity': `"${identity}"`, 'x-xcap-asserted-identity': `"${identity}"` }),
    };
  }

  async #documentOf(url: string, response: Response): Promise<Fetched> {
    const known = this.#cache.get(url);
    if (response.status === NOT_MODIFIED && known !== undefined) {
      return { bytes: known.bytes, isUnchanged: true };
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      return { fault: `the server answers ${response.status}` };
    }
    const bytes = await this.#bytesOf(response);
    if (bytes === undefined) return { fault: `it is longer than ${this.#settings.maxBytes} bytes` };
    const etag = response.headers.get('etag');
    if (etag === null) this.#cache.delete(url);
    else this.#cache.set(url, { etag, bytes });
    return { bytes, isUnchanged: known !== undefined && Buffer.compare(known.bytes, bytes) === 0 };
  }

  /** As unpacked, so that little on the way cannot become much here. */
  async #bytesOf(response: Response): Promise<Uint8Array | undefined> {
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > this.#settings.maxBytes) return undefined;
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }
}

function faultOf(error: unknown, timeoutMs: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `nothing whole came in ${timeoutMs} ms`;
  const { cause } = error;
  return `the server cannot be asked (${cause instanceof Error && cause.message !== '' ? cause.message : error.message})`;
}
