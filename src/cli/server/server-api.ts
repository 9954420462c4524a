import { type Api, createApi } from './api.ts';
import { type ServerOptions, serverTarget } from './target.ts';

/** Undefined: the command works beside the database. */
export function serverApi(options: ServerOptions): Api | undefined {
  const target = serverTarget(options);
  return target === undefined ? undefined : createApi(target);
}
