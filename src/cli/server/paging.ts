/** A page of the API. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next?: string;
}

/** Cursors are the API's own; the command line shows what is in them, which is what it shows beside the database. */
export function cursorOf(...parts: readonly string[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

export function positionOf(cursor: string | undefined): readonly string[] | undefined {
  return cursor === undefined ? undefined : (JSON.parse(Buffer.from(cursor, 'base64url').toString()) as string[]);
}
