/** TR-069 A.5.2: the faults an ACS may answer with; `Client` blames the sender of the request, `Server` its receiver. */
export const acsFaults = {
  8000: { text: 'Method not supported', blames: 'Server' },
  8001: { text: 'Request denied', blames: 'Server' },
  8002: { text: 'Internal error', blames: 'Server' },
  8003: { text: 'Invalid arguments', blames: 'Client' },
  8004: { text: 'Resources exceeded', blames: 'Server' },
  8005: { text: 'Retry request', blames: 'Server' },
  8006: { text: 'ACS version incompatible with CPE', blames: 'Server' },
} as const;

export type AcsFaultCode = keyof typeof acsFaults;

/** One parameter that SetParameterValues could not set. */
export interface SetParameterValuesFault {
  readonly parameterName: string;
  readonly faultCode: number;
  readonly faultString: string;
}

/** A SOAP fault from a CPE: the `cwmp:Fault` in its detail. Strings are as the device sent them. */
export interface CpeFault {
  /** 9000 to 9899 from a device that keeps the rules; any other number is carried as well. */
  readonly faultCode: number;
  readonly faultString: string;
  readonly setParameterValuesFaults: readonly SetParameterValuesFault[];
}
