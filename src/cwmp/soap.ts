export const soapNamespaces = {
  envelope: 'http://schemas.xmlsoap.org/soap/envelope/',
  encoding: 'http://schemas.xmlsoap.org/soap/encoding/',
  schema: 'http://www.w3.org/2001/XMLSchema',
  schemaInstance: 'http://www.w3.org/2001/XMLSchema-instance',
} as const;
