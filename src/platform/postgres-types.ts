import pg from 'pg';

const int8 = 20;
const date = 1082;

/** How columns arrive where pg's own choice does not suit: int8 as number (exact up to 2^53), date as its text. */
export const columnTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (format !== 'binary' && oid === int8) return Number;
    // A day has no time zone; as a Date it would shift with that of the process.
    if (format !== 'binary' && oid === date) return String;
    return pg.types.getTypeParser(oid, format as 'text');
  }) as typeof pg.types.getTypeParser,
};
