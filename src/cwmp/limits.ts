/** How much of a message hems reads before it refuses it. Lengths are UTF-16 code units of decoded text. */
export interface ReadLimits {
  /** TR-069 3.5 asks for 32 KiB at least, and knows no bound for responses. */
  readonly bytes: number;
  readonly depth: number;
  readonly attributesPerElement: number;
  readonly elements: number;
  /** The longest stretch of any one thing: text, tag, comment, attribute. */
  readonly token: number;
  /** Names, keys, codes, identities: the schema's own bounds are 32 to 256. */
  readonly shortText: number;
  /** Parameter values and fault strings: the schema bounds neither. */
  readonly longText: number;
  /** The schema allows 64. */
  readonly events: number;
  readonly parameters: number;
  readonly methods: number;
  /** Transfers, options, operations, arguments, access lists: the schema allows 16 of most. */
  readonly items: number;
  /** SetParameterValuesFault elements in one fault. */
  readonly parameterFaults: number;
}

export const defaultReadLimits: ReadLimits = {
  bytes: 16 * 1024 * 1024,
  depth: 32,
  attributesPerElement: 16,
  elements: 500_000,
  token: 1024 * 1024,
  shortText: 1024,
  longText: 256 * 1024,
  events: 256,
  parameters: 100_000,
  methods: 1024,
  items: 1024,
  parameterFaults: 10_000,
};
