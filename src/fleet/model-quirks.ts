import type { DeviceIdStruct } from '../cwmp/messages.ts';

/** What a model cannot bear of what the schema allows. Reading needs no switches: docs/quirks.md says what is read. */
export interface ModelQuirks {
  /** Values asked for at once when a tree is read. */
  readonly valuesPerRequest: number;
  /** List a tree one level at a time. */
  readonly namesLevelByLevel: boolean;
  /** Write xsi:type with values. */
  readonly typedValues: boolean;
  /** HTTP status of an answer without a message: TR-069 3.4.6 says 204; before it was 200. */
  readonly emptyAnswer: 200 | 204;
}

export const noQuirks: ModelQuirks = {
  valuesPerRequest: 256,
  namesLevelByLevel: false,
  typedValues: true,
  emptyAnswer: 204,
};

export interface ModelSetting extends ModelQuirks {
  /** All that are given must fit, case aside for the OUI. */
  readonly match: {
    readonly manufacturer?: string | undefined;
    readonly oui?: string | undefined;
    readonly productClass?: string | undefined;
  };
}

/** The first model that the claim of an Inform fits. */
export function quirksOf(models: readonly ModelSetting[], claim: DeviceIdStruct): ModelQuirks {
  const found = models.find(
    ({ match: { manufacturer, oui, productClass } }) =>
      (manufacturer === undefined || manufacturer === claim.manufacturer) &&
      (oui === undefined || oui.toUpperCase() === claim.oui.toUpperCase()) &&
      (productClass === undefined || productClass === claim.productClass),
  );
  return found ?? noQuirks;
}
