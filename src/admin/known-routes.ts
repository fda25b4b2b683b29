/** Tells a path that does not exist (404) from one that exists for other methods (405). */
export class KnownRoutes {
  readonly #methods = new Map<string, Set<string>>();

  /** `pattern` as given to Fastify, with `:name` segments; wildcards are not known here. */
  add(method: string | readonly string[], pattern: string): void {
    const known = this.#methods.get(pattern) ?? new Set<string>();
    for (const one of typeof method === 'string' ? [method] : method) known.add(one);
    this.#methods.set(pattern, known);
  }

  /** Methods that the path may be asked with, sorted; empty for a path that is not served. */
  methodsOf(path: string): string[] {
    const segments = path.split('/');
    const methods = new Set<string>();
    for (const [pattern, known] of this.#methods) {
      if (matches(pattern.split('/'), segments)) for (const method of known) methods.add(method);
    }
    return [...methods].sort();
  }
}

function matches(pattern: readonly string[], path: readonly string[]): boolean {
  return (
    pattern.length === path.length &&
    pattern.every((part, index) => (part.startsWith(':') ? path[index] !== '' : part === path[index]))
  );
}
