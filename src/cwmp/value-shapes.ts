import type { FaultStruct, ParameterValueStruct } from './messages.ts';
import { printable, Refusal } from './refusal.ts';
import { array, required, struct, text } from './shape.ts';
import { trimSpace } from './white-space.ts';

/* What the arguments of several messages are made of. */

export const asSent = text('longText', (value) => value);
export const shortText = text('shortText', (value) => value);
/** Names, codes and identities, which some devices set on lines of their own. */
export const word = text('shortText', trimSpace);

/** An empty number is read as absent. */
export const unsignedInt = text('shortText', (value): number | undefined => {
  const digits = trimSpace(value);
  if (digits === '') return undefined;
  const number = Number(digits);
  if (!/^\+?\d{1,10}$/.test(digits) || number > 0xffff_ffff)
    throw new Refusal('invalid-arguments', `${printable(digits)} is not an unsignedInt`);
  return number;
});

const parameterValue = struct(
  { Name: word, Value: text('longText', (value, type) => ({ value, type })) },
  (read): ParameterValueStruct => ({
    name: required(read.Name, 'Name'),
    // An absent Value is an empty one: some devices leave it out.
    value: read.Value?.value ?? '',
    type: read.Value?.type,
  }),
);

export const parameterList = array('ParameterValueStruct', parameterValue, 'parameters');

export const faultStruct = struct(
  { FaultCode: unsignedInt, FaultString: asSent },
  (read): FaultStruct => ({
    // Not 0 where it is missing: that would call a failed transfer a good one.
    faultCode: required(read.FaultCode, 'FaultCode'),
    faultString: read.FaultString ?? '',
  }),
);

/** TR-106 writes 0, 1, true and false; some devices write them in other cases. */
export const boolean = text('shortText', (value): boolean | undefined => {
  const written = trimSpace(value).toLowerCase();
  if (written === '') return undefined;
  if (written === '1' || written === 'true') return true;
  if (written === '0' || written === 'false') return false;
  throw new Refusal('invalid-arguments', `${printable(written)} is no boolean`);
});

export const methodList = array('string', word, 'methods');
