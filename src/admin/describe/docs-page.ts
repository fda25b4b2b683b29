/** The API's description for people: one page without script, so that the strictest content policy holds. */
import { createHash } from 'node:crypto';
import type { ApiDescription, Operation, Parameter } from './openapi.ts';

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d0d5dd, #3a4150); --soft: light-dark(#f5f6f8, #1c212b); --link: light-dark(#0a58ca, #8ab4ff); }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1.5rem; background: light-dark(#fff, #12161e); color: light-dark(#1b1f24, #e3e6ec); }
a { color: var(--link); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; padding: 0; }
h2 { margin: 2.5rem 0 .25rem; border-bottom: 1px solid var(--line); text-transform: capitalize; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; }
summary { padding: .5rem .75rem; cursor: pointer; }
summary:focus-visible, a:focus-visible { outline: 3px solid var(--link); outline-offset: 1px; }
details > div { padding: 0 .75rem .75rem; }
code, pre { font-family: ui-monospace, monospace; font-size: 13px; }
pre { background: var(--soft); padding: .75rem; overflow: auto; max-height: 24rem; border-radius: 6px; }
.method { display: inline-block; min-width: 4.5em; font-weight: 700; }
.role { float: right; border: 1px solid var(--line); border-radius: 1em; padding: 0 .6em; font-size: 12px; }
table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; vertical-align: top; padding: .25rem .5rem .25rem 0; border-bottom: 1px solid var(--line); }
h4 { margin: 1rem 0 .25rem; }
`;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

export const DOCS_PAGE_POLICY = `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

export function docsPage({ info, tags, paths, components }: ApiDescription): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const sections = tags.map(({ name, description }) => {
    const own = operations.filter(({ operation }) => operation.tags.includes(name));
    const items = own.map(({ path, method, operation }) => operationHtml(path, method, operation));
    return `<section aria-labelledby="${text(name)}"><h2 id="${text(name)}">${text(name)}</h2><p>${text(description)}</p>${items.join('')}</section>`;
  });
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) =>
      `<details id="schema-${text(name)}"><summary><code>${text(name)}</code></summary><div>${schemaHtml(schema)}</div></details>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${text(info.title)} API</title><style>${STYLE}</style></head>
<body>
<h1>${text(info.title)} API <small>${text(info.version)}</small></h1>
<p>${text(info.description)}</p>
<p>For programs: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
<nav aria-label="Resources"><ul>${tags.map(({ name }) => `<li><a href="#${text(name)}">${text(name)}</a></li>`).join('')}<li><a href="#schemas">schemas</a></li></ul></nav>
<main>${sections.join('\n')}
<section aria-labelledby="schemas"><h2 id="schemas">schemas</h2><p>What operations refer to as <code>#/components/schemas/…</code>.</p>${schemas.join('')}</section></main>
</body>
</html>
`;
}

function operationHtml(path: string, method: string, operation: Operation): string {
  const { operationId, summary = '', description, parameters = [], requestBody, responses } = operation;
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([type, { schema }]) => `<h4>Body: <code>${text(type)}</code></h4>${schemaHtml(schema)}`,
  );
  const answers = Object.entries(responses).map(([status, response]) => {
    const media = Object.entries(response.content ?? {});
    const types = media.map(([type]) => `<code>${text(type)}</code>`).join(', ');
    const schemas = status.endsWith('XX') ? '' : media.map(([, { schema }]) => schemaHtml(schema)).join('');
    return `<h4>${text(status)} ${types}</h4><p>${text(response.description)}</p>${schemas}`;
  });
  return `<details id="${text(operationId)}"><summary><span class="role">${text(operation['x-role'])}</span><span class="method">${text(method.toUpperCase())}</span> <code>${text(path)}</code> ${text(summary)}</summary><div>
<p>${text(description ?? '')}</p>
${parameters.length === 0 ? '' : parametersHtml(parameters)}
${bodies.join('')}
${answers.join('')}
<h4>With curl</h4><pre><code>${text(curlOf(path, method, operation))}</code></pre>
</div></details>`;
}

function parametersHtml(parameters: readonly Parameter[]): string {
  const rows = parameters.map(
    ({ name, in: place, required, description, schema }) =>
      `<tr><td><code>${text(name)}</code>${required === true ? ' (required)' : ''}</td><td>${text(place)}</td><td>${text(description ?? '')} <code>${text(JSON.stringify(schema))}</code></td></tr>`,
  );
  return `<h4>Parameters</h4><table><thead><tr><th>name</th><th>in</th><th>what</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function schemaHtml(schema: unknown): string {
  return schema === undefined ? '' : `<pre><code>${text(JSON.stringify(schema, null, 2))}</code></pre>`;
}

function curlOf(path: string, method: string, { requestBody, ...operation }: Operation): string {
  const parts = ['curl'];
  if (method !== 'get') parts.push(`-X ${method.toUpperCase()}`);
  if (operation['x-role'] !== 'anybody') parts.push('-H "Authorization: Bearer $TOKEN"');
  const [type] = Object.keys(requestBody?.content ?? {});
  if (type !== undefined) parts.push(`-H 'Content-Type: ${type}' --data @body`);
  return `${parts.join(' ')} "$PARLEY${path}"`;
}

function text(value: string): string {
  return value.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
