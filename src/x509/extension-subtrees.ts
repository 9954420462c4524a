import {
  collect,
  constructed,
  type DerCursor,
  type DerElement,
  derError,
  enter,
  finish,
  openSequence,
  optional,
  primitive,
} from './der.ts';
import { smallInteger } from './der-values.ts';
import { type GeneralName, readGeneralName } from './general-name.ts';

/** RFC 5280 4.2.1.10. */
export interface NameConstraints {
  readonly permitted: readonly GeneralSubtree[];
  readonly excluded: readonly GeneralSubtree[];
}

export interface GeneralSubtree {
  readonly base: GeneralName;
  readonly minimum: number;
  readonly maximum?: number;
}

const mostSubtrees = 20_000;

export function readNameConstraints(cursor: DerCursor, name: string): NameConstraints {
  const inside = openSequence(cursor, name);
  const permitted = subtrees(optional(inside, constructed(0), 'permittedSubtrees'));
  const excluded = subtrees(optional(inside, constructed(1), 'excludedSubtrees'));
  finish(inside);
  // RFC 5280 4.2.1.10: the sequence must not be empty.
  if (permitted.length + excluded.length === 0) throw derError(inside.field, 'missing', 'constrains nothing');
  return { permitted, excluded };
}

function subtrees(element: DerElement | undefined): GeneralSubtree[] {
  if (element === undefined) return [];
  const list = collect(enter(element), readSubtree, mostSubtrees);
  if (list.length === 0) throw derError(element, 'missing', 'holds no subtree');
  return list;
}

function readSubtree(cursor: DerCursor): GeneralSubtree {
  const inside = openSequence(cursor, 'subtree');
  const base = readGeneralName(inside);
  const minimum = optional(inside, primitive(0), 'minimum');
  const maximum = optional(inside, primitive(1), 'maximum');
  finish(inside);
  const from = minimum === undefined ? 0 : smallInteger(minimum);
  return maximum === undefined ? { base, minimum: from } : { base, minimum: from, maximum: smallInteger(maximum) };
}
