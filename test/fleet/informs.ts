import type { Inform } from '../../src/cwmp/cpe-methods.ts';
import type { Queryable } from '../../src/platform/postgres.ts';

/** A plausible Inform of a femtocell. */
export function informOf(serialNumber: string, claim: Partial<Inform['deviceId']> = {}): Inform {
  return {
    method: 'Inform',
    deviceId: { manufacturer: 'Acme', oui: '00A0BC', productClass: 'Femto', serialNumber, ...claim },
    events: [{ eventCode: '2 PERIODIC', commandKey: '' }],
    maxEnvelopes: 1,
    currentTime: '0001-01-01T00:00:00Z',
    retryCount: 0,
    parameterList: [
      { name: 'InternetGatewayDevice.DeviceInfo.SoftwareVersion', value: '1.0.7', type: 'string' },
      { name: 'InternetGatewayDevice.DeviceInfo.HardwareVersion', value: 'B', type: 'string' },
    ],
  };
}

export type Row = Record<string, unknown>;

/** Rows of a device in one of its tables. */
export async function rowsOf(db: Queryable, table: string, deviceId: string): Promise<Row[]> {
  const { rows } = await db.query<Row>({ text: `select * from ${table} where device_id = $1`, values: [deviceId] });
  return rows;
}
