import { ParseError } from '../lib/errors.ts';
import { closingQuote, isToken, quote, skipSpace, unescapeQuoted } from './scan.ts';

/** One warning-value (RFC 3261 20.43). */
export interface Warning {
  /** 300–399. */
  readonly code: number;
  /** Host, with port perhaps, or a pseudonym. */
  readonly agent: string;
  readonly text: string;
}

/**
 * `399 im.example.com "text"`. Throws SIP_BAD_FIELD for a code outside 300–399 or an agent with white space; control
 * characters in the text become spaces.
 */
export function formatWarning(code: number, host: string, text: string): string {
  if (!Number.isInteger(code) || code < 300 || code > 399 || !isAgent(host)) {
    throw new ParseError('SIP_BAD_FIELD', 'no such warning', 0, `${code} ${host}`);
  }
  return `${code} ${host} ${quote(text)}`;
}

/** Reads one element of a Warning field (`listHeader(msg, 'Warning')` gives them). Throws SIP_BAD_FIELD. */
export function parseWarning(value: string): Warning {
  const codeEnd = value.indexOf(' ');
  const code = value.slice(0, codeEnd);
  const agentStart = skipSpace(value, codeEnd + 1);
  const agentEnd = value.indexOf(' ', agentStart);
  const agent = value.slice(agentStart, agentEnd);
  const open = skipSpace(value, agentEnd + 1);
  const close = value.charAt(open) === '"' ? closingQuote(value, open) : -1;
  const isWhole = close > 0 && skipSpace(value, close + 1) === value.length;
  if (codeEnd < 0 || agentEnd < 0 || !/^\d{3}$/.test(code) || !isAgent(agent) || !isWhole) {
    throw new ParseError('SIP_BAD_FIELD', 'malformed Warning', 0, value);
  }
  return { code: Number(code), agent, text: unescapeQuoted(value.slice(open + 1, close)) };
}

function isAgent(agent: string): boolean {
  return isToken(agent.replace(/[[\]:]/g, '')); // host[:port] adds only these to the characters of a token
}
