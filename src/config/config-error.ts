/** What is wrong with a configuration, in the words of the person who wrote it. */

export interface ConfigError {
  /** The key, `kamailio.nodes[0].rpc`; empty for the document as a whole. */
  readonly path: string;
  /** What was found there; undefined when the key is missing. */
  readonly value: unknown;
  /** What is wrong, to be read after the value: `is no address`. */
  readonly message: string;
  /** What to do about it, an imperative. */
  readonly mend: string;
  /** The environment variable that the value came from. */
  readonly from?: string;
}

const VALUE_MAX_CHARS = 120;

/** One line: key, value, what is wrong, mend. */
export function formatConfigError(error: ConfigError): string {
  const place = error.path === '' ? 'configuration' : error.path;
  const from = error.from === undefined ? '' : ` (from ${error.from})`;
  const text = error.value === undefined ? '' : ` ${oneLine(JSON.stringify(error.value))}`;
  return `${place}${from}:${text} ${oneLine(error.message)}; ${oneLine(error.mend)}`;
}

function oneLine(text: string): string {
  const cut = text.length > VALUE_MAX_CHARS * 4 ? `${text.slice(0, VALUE_MAX_CHARS * 4)}…` : text;
  return cut.replace(/\s*\n\s*/g, ' ');
}
