import { decodeEnvelope } from '../../src/cwmp/decode.ts';
import { encodeEnvelope } from '../../src/cwmp/encode.ts';
import { newSession } from '../../src/cwmp/session.ts';
import { step } from '../../src/cwmp/step.ts';
import { median, type Row } from './row.ts';

const namespace = 'urn:dslforum-org:cwmp-1-1';

/** Reading and writing of CWMP by itself, without network and database. */
export async function benchCwmp(): Promise<Row[]> {
  const inform = Buffer.from(informXml());
  const values = Buffer.from(valuesXml(1000));
  const response = { namespace, id: '1', message: { method: 'InformResponse' } } as const;
  return [
    row(`read an Inform of ${inform.byteLength} bytes`, () => decodeEnvelope(inform), 2000, 'below 150 µs'),
    row('write InformResponse', () => encodeEnvelope(response), 20_000),
    row('an idle session: read, step, write', () => idleSession(inform), 2000),
    row(`read 1 000 values, ${Math.round(values.byteLength / 1000)} KB`, () => decodeEnvelope(values), 60, '3 to 5 ms'),
  ];
}

function idleSession(inform: Buffer): void {
  const decoded = decodeEnvelope(inform);
  if (!decoded.ok) throw new Error(decoded.error.message);
  let { session } = step(newSession(), { kind: 'envelope', envelope: decoded.envelope });
  for (const kind of ['inform-stored', 'empty', 'no-acs-request'] as const) session = step(session, { kind }).session;
}

function row(name: string, run: () => unknown, times: number, note?: string): Row {
  for (let n = 0; n < times; n += 1) run();
  const rounds = Array.from({ length: 5 }, () => {
    const before = process.cpuUsage();
    for (let n = 0; n < times; n += 1) run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / times;
  });
  const value = `${median(rounds).toPrecision(3)} µs`;
  return note === undefined ? { name, value } : { name, value, note };
}

function envelopeXml(body: string): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>\n<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"',
    ' xmlns:soap-enc="http://schemas.xmlsoap.org/soap/encoding/" xmlns:xsd="http://www.w3.org/2001/XMLSchema"',
    ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:cwmp="${namespace}">\n<soap:Header>`,
    `<cwmp:ID soap:mustUnderstand="1">1</cwmp:ID></soap:Header>\n<soap:Body>${body}</soap:Body></soap:Envelope>`,
  ].join('');
}

function listXml(count: number): string {
  const item = (n: number): string => {
    const name = `Device.Services.FAPService.1.CellConfig.LTE.RAN.NeighborList.LTECell.${n}.PhyCellID`;
    return `\n<ParameterValueStruct>\n<Name>${name}</Name>\n<Value xsi:type="xsd:string">value &amp; ${n}</Value>\n</ParameterValueStruct>`;
  };
  const items = Array.from({ length: count }, (_, n) => item(n)).join('');
  return `<ParameterList soap-enc:arrayType="cwmp:ParameterValueStruct[${count}]">${items}\n</ParameterList>`;
}

function valuesXml(count: number): string {
  return envelopeXml(`<cwmp:GetParameterValuesResponse>${listXml(count)}</cwmp:GetParameterValuesResponse>`);
}

function informXml(): string {
  return envelopeXml(
    [
      '<cwmp:Inform><DeviceId><Manufacturer>Acme</Manufacturer><OUI>00D09E</OUI><ProductClass>Femto</ProductClass>',
      '<SerialNumber>000001</SerialNumber></DeviceId><Event soap-enc:arrayType="cwmp:EventStruct[1]"><EventStruct>',
      '<EventCode>2 PERIODIC</EventCode><CommandKey></CommandKey></EventStruct></Event><MaxEnvelopes>1</MaxEnvelopes>',
      `<CurrentTime>2025-11-24T08:00:00Z</CurrentTime><RetryCount>0</RetryCount>${listXml(8)}</cwmp:Inform>`,
    ].join(''),
  );
}
