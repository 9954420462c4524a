import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { contractDocument } from '../contract-document.ts';
import { contractText } from '../openapi.ts';
import { documentationPage } from './page.ts';
import { style } from './style.ts';

const styleHash = createHash('sha256').update(style).digest('base64');

/** Nothing but the style of the page itself; no script, no frame around it, and nothing that it could send or fetch. */
const policy = `default-src 'none'; style-src 'sha256-${styleHash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

interface Made {
  readonly page: string;
  readonly json: string;
  readonly yaml: string;
}

/** `/api/docs` for people, `/api/openapi.json` and `.yaml` for programs. Open as `/metrics` is, else for any caller. */
export function documentationRoutes(app: FastifyInstance, open: boolean): void {
  let made: Made | undefined;
  const make = (): Made => {
    const document = contractDocument(app.swagger());
    const page = documentationPage(document);
    made ??= { page, json: JSON.stringify(document), yaml: contractText(app.swagger()) };
    return made;
  };
  const kinds = [
    ['/api/docs', 'page', 'text/html; charset=utf-8'],
    ['/api/openapi.json', 'json', 'application/json; charset=utf-8'],
    ['/api/openapi.yaml', 'yaml', 'application/yaml; charset=utf-8'],
  ] as const;
  for (const [url, kind, type] of kinds)
    app.get(url, { config: { access: open ? 'open' : 'anyone' }, schema: { hide: true } }, async (_request, reply) =>
      reply
        .type(type)
        .headers({
          'Content-Security-Policy': policy,
          'X-Content-Type-Options': 'nosniff',
          'Cache-Control': 'no-cache',
        })
        .send((made ?? make())[kind]),
    );
}
