/** What was typed into a form, by the names of its fields. */
export function fieldsOf(form: HTMLFormElement): Readonly<Record<string, string>> {
  const given = [...new FormData(form)].map(
    ([name, value]) => [name, typeof value === 'string' ? value.trim() : ''] as const,
  );
  return Object.fromEntries(given);
}
