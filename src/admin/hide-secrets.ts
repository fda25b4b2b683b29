/** A configuration to be shown: what proves an identity is left out, whatever section it stands in. */

export const HIDDEN = '(hidden)';

/** By name, so that a secret that is added tomorrow is hidden today. Names of files with secrets are shown. */
const SECRET_NAME = /(?:secret|password|passphrase|credentials?|token|apikey|privatekey|authorization)$/i;
const NO_SECRETS: ReadonlySet<string> = new Set(['withoutToken']);

export function withoutSecrets(value: unknown, name = ''): unknown {
  if (SECRET_NAME.test(name) && !NO_SECRETS.has(name) && value !== undefined) return HIDDEN;
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner, key)]));
}
