/** Content-Type headers as senders write them: few, and the same again with every message. */
import { acceptsMediaType, baseMediaType, isMediaType } from '../protocol/media-type.ts';

export interface ContentType {
  /** Lower case, without parameters. */
  readonly type: string;
  readonly isMediaType: boolean;
  /** The room takes it. */
  readonly isAccepted: boolean;
}

/** Senders choose the text: what is remembered is bounded, and begun anew when it is full. */
const MAX_KNOWN = 256;
const MAX_KNOWN_CHARS = 128;

// It goes on to others: a CR in it could make a line of its own there.
// biome-ignore lint: control characters are what this looks for
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;

export class ContentTypes {
  readonly #accepted: readonly string[];
  readonly #known = new Map<string, ContentType>();
  /** The header's value in the last SEND that had one: mostly that of the next. */
  latest = '';

  /** @param accepted media types that the room takes */
  constructor(accepted: readonly string[]) {
    this.#accepted = accepted;
  }

  /** @param text the header's value, '' for none */
  of(text: string): ContentType {
    this.latest = text;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const type = baseMediaType(text);
    const found = {
      type,
      isMediaType: isMediaType(type) && !CONTROL.test(text),
      isAccepted: acceptsMediaType(this.#accepted, type),
    };
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    if (text.length <= MAX_KNOWN_CHARS) this.#known.set(text, found);
    return found;
  }
}
