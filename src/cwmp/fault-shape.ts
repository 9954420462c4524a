import type { CpeFault } from './faults.ts';
import type { CpeMessage } from './messages.ts';
import { many, required, struct } from './shape.ts';
import { soapNamespaces } from './soap.ts';
import { asSent, unsignedInt, word } from './value-shapes.ts';

const setParameterValuesFault = struct(
  { ParameterName: word, FaultCode: unsignedInt, FaultString: asSent },
  (read) => ({
    parameterName: read.ParameterName ?? '',
    faultCode: required(read.FaultCode, 'FaultCode'),
    faultString: read.FaultString ?? '',
  }),
);

const cwmpFault = struct(
  {
    FaultCode: unsignedInt,
    FaultString: asSent,
    SetParameterValuesFault: many(setParameterValuesFault, 'parameterFaults'),
  },
  (read): CpeFault => ({
    faultCode: required(read.FaultCode, 'FaultCode'),
    faultString: read.FaultString ?? '',
    setParameterValuesFaults: read.SetParameterValuesFault ?? [],
  }),
);

/** TR-069 3.5: a SOAP fault without `cwmp:Fault` in its detail is invalid; faultcode and faultstring say nothing. */
export const faultShape = struct(
  { detail: struct({ Fault: cwmpFault }, (read) => required(read.Fault, 'cwmp:Fault')) },
  (read): CpeMessage => ({ kind: 'fault', fault: required(read.detail, 'detail') }),
  [soapNamespaces.envelope],
);
