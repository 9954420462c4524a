import { escaped, prose } from './html.ts';
import { isJson, type Json, schemaView, typeText } from './schema-view.ts';
import { style } from './style.ts';

interface Entry {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly operation: Json;
}

/** The contract for people: one page, made on the server, with nothing in it that a browser would have to run or fetch. */
export function documentationPage(document: Json): string {
  const info = isJson(document.info) ? document.info : {};
  const entries = entriesOf(document);
  const tags = Array.isArray(document.tags) ? document.tags.filter(isJson) : [];
  const parts = tags.map((tag) => {
    const own = entries.filter(({ operation }) => (operation.tags as readonly string[])[0] === tag.name);
    return { name: String(tag.name), words: String(tag.description ?? ''), own };
  });
  const nav = parts.map(({ name, own }) => `<h2>${escaped(name)}</h2><ul>${own.map(navItem).join('')}</ul>`).join('');
  const sections = parts.map(
    ({ name, words, own }) =>
      `<section><h2 id="${escaped(name)}">${escaped(name)}</h2>${prose(words)}${own.map((one) => articleOf(one, document)).join('')}</section>`,
  );
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escaped(String(info.title))}</title><style>${style}</style></head>
<body><nav><a href="#top">${escaped(String(info.title))}</a>${nav}</nav>
<main id="top"><h1>${escaped(String(info.title))}</h1>${prose(String(info.description ?? ''))}${introduction(info)}${sections.join('\n')}</main></body></html>
`;
}

function introduction({ version }: Json): string {
  return `${prose(
    `Version ${String(version)}. The same for programs: \`/api/openapi.yaml\` and \`/api/openapi.json\`. Find what you look for with the search of your browser.`,
  )}<pre><code>curl -sS -H "Authorization: Bearer $HEMS_KEY" "$HEMS_URL/api/v1/devices?state=active&amp;limit=10"</code></pre>${prose(
    'Lists are `{ "items": [], "next": "…" }`; `next` is given as `cursor` for the page behind. What goes wrong is a problem of RFC 9457 with a stable `code`; 429 comes with `Retry-After`.',
  )}`;
}

function entriesOf({ paths }: Json): readonly Entry[] {
  return Object.entries(isJson(paths) ? paths : {}).flatMap(([path, methods]) =>
    Object.entries(isJson(methods) ? methods : {}).flatMap(([method, operation]) =>
      isJson(operation) ? [{ id: String(operation.operationId), method: method.toUpperCase(), path, operation }] : [],
    ),
  );
}

function navItem({ id, operation }: Entry): string {
  return `<li><a href="#${escaped(id)}" title="${escaped(String(operation.summary))}">${escaped(id)}</a></li>`;
}

function articleOf({ id, method, path, operation }: Entry, document: Json): string {
  return `<article id="${escaped(id)}"><h3>${escaped(String(operation.summary))}</h3>
<div><span class="method ${method}">${method}</span><a class="path" href="#${escaped(id)}">${escaped(path)}</a></div>
${prose(String(operation.description ?? ''))}${parametersOf(operation)}${bodyOf(operation)}${answersOf(operation, document)}</article>`;
}

function parametersOf({ parameters }: Json): string {
  const all = Array.isArray(parameters) ? parameters.filter(isJson) : [];
  if (all.length === 0) return '';
  const rows = all.map((one) => {
    const mark = one.required === true ? '' : ' <i>optional</i>';
    const words = one.description === undefined ? '' : prose(String(one.description));
    return `<tr><td><b>${escaped(String(one.name))}</b> <i>${escaped(String(one.in))}</i></td><td><span class="type">${escaped(typeText(one.schema))}</span>${mark}${words}</td></tr>`;
  });
  return `<h4>Parameters</h4><table>${rows.join('')}</table>`;
}

function bodyOf({ requestBody }: Json): string {
  const content = isJson(requestBody) && isJson(requestBody.content) ? requestBody.content : {};
  return Object.entries(content)
    .map(([type, one]) => {
      const { schema = {}, example } = one as { schema?: Json; example?: unknown };
      const shown = example ?? (Array.isArray(schema.examples) ? schema.examples[0] : undefined);
      const code = shown === undefined ? '' : `<pre><code>${escaped(JSON.stringify(shown, undefined, 2))}</code></pre>`;
      return `<h4>Body, ${escaped(type)}</h4>${code}${folded('Its members', schemaView(schema))}`;
    })
    .join('');
}

function folded(title: string, content: string): string {
  return content === '' ? '' : `<details><summary>${title}</summary>${content}</details>`;
}

function answersOf({ responses }: Json, document: Json): string {
  const all = Object.entries(isJson(responses) ? responses : {});
  const rows = all.map(([status, response]) => {
    const { description, content } = resolved(response, document);
    const schemas = Object.values(isJson(content) ? content : {}).filter(isJson);
    const members = Number(status) < 300 ? schemas.map(({ schema }) => folded('Its members', schemaView(schema))) : [];
    return `<tr><td class="status">${escaped(status)}</td><td>${escaped(String(description))}${members.join('')}</td></tr>`;
  });
  return `<h4>Answers</h4><table>${rows.join('')}</table>`;
}

function resolved(response: unknown, { components }: Json): Json {
  if (!isJson(response)) return {};
  const name = typeof response.$ref === 'string' ? response.$ref.split('/').at(-1) : undefined;
  const shared = isJson(components) && isJson(components.responses) ? components.responses : {};
  const found = name === undefined ? response : shared[name];
  return isJson(found) ? found : {};
}
